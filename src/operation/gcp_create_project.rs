//! `gcp_create_project`: make a project in an organization, have it billed, switch its APIs on. The work is in
//! [`project`](super::project).

use super::answer::ChangeAnswer;
use super::catalog::{self, Kind, Tool};
use super::project::{CreateProject, CreateProjectRequest};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "gcp_create_project",
    title: "Create GCP project",
    about: "Makes a project of Google Cloud, has it billed, switches its APIs on. The same call again finds what was made \
            and goes on. Works like apply_terraform.",
    effect: Effect::Change,
    input: catalog::change::<CreateProjectRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&CreateProject),
};
