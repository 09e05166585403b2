//! `helm_rollback`: a release as it was.

use super::ChangeAnswer;
use super::catalog::{self, Kind, Tool};
use super::helm::{ReleaseChange, RollbackRequest};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "helm_rollback",
    title: "Roll back release",
    about: "Brings a Helm release back to an earlier revision; also one that a killed helm left pending. With defaults it shows \
            what would change. Works like apply_terraform.",
    effect: Effect::Change,
    input: catalog::change::<RollbackRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&ReleaseChange::Rollback),
};
