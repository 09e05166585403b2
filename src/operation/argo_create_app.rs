//! `argo_create_app`: an application of Argo CD, created or converged.

use super::ChangeAnswer;
use super::argo::{ApplicationChange, CreateRequest};
use super::catalog::{self, Kind, Tool};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "argo_create_app",
    title: "Create application",
    about: "Creates an application of Argo CD, or gives it another spec. With defaults it shows what would change, against what \
            is there and the bounds of its project. Works like apply_terraform. It syncs nothing.",
    effect: Effect::Change,
    input: catalog::change::<CreateRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&ApplicationChange::Create),
};
