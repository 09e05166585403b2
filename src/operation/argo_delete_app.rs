//! `argo_delete_app`: an application of Argo CD, taken away.

use super::ChangeAnswer;
use super::argo::{ApplicationChange, DeleteRequest};
use super::catalog::{self, Kind, Tool};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "argo_delete_app",
    title: "Delete application",
    about: "Deletes an application of Argo CD; its objects stay, unless cascade. Works like apply_terraform.",
    effect: Effect::Destroy,
    input: catalog::change::<DeleteRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&ApplicationChange::Delete),
};
