//! `helm_uninstall`: a release taken away.

use super::ChangeAnswer;
use super::catalog::{self, Kind, Tool};
use super::helm::{ReleaseChange, UninstallRequest};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "helm_uninstall",
    title: "Uninstall release",
    about: "Takes a Helm release and its objects away. With defaults it lists them. Works like apply_terraform.",
    effect: Effect::Destroy,
    input: catalog::change::<UninstallRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&ReleaseChange::Uninstall),
};
