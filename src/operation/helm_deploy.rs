//! `helm_deploy`: what a chart makes of a cluster.

use super::ChangeAnswer;
use super::catalog::{self, Kind, Tool};
use super::helm::{DeployRequest, ReleaseChange};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "helm_deploy",
    title: "Deploy release",
    about: "Installs a Helm chart, or upgrades its release. With defaults it shows what would change, object by object, against \
            the live release. Works like apply_terraform.",
    effect: Effect::Change,
    input: catalog::change::<DeployRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&ReleaseChange::Deploy),
};
