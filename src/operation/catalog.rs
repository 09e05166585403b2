//! All tools, once: MCP schemas and annotations, subcommands and the reference are computed from this list.

use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::request::RawTerms;
use super::{LongOperation, ReadOperation, SurveyOperation, WriteOperation};
use crate::model::Effect;

/// How a tool works.
#[derive(Clone, Copy)]
pub enum Kind {
    /// It looks only and answers at once.
    Read(&'static dyn ReadOperation),
    /// It looks only, but for long: an operation with a supervisor of its own.
    Survey(&'static dyn SurveyOperation),
    /// It changes something: an operation with a supervisor of its own.
    Write(&'static dyn WriteOperation),
}

impl Kind {
    /// The operation with a supervisor of its own, if it is one.
    pub fn long(self) -> Option<&'static dyn LongOperation> {
        match self {
            Self::Read(_) => None,
            Self::Survey(work) => Some(work),
            Self::Write(work) => Some(work),
        }
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read(_) => "Read",
            Self::Survey(_) => "Survey",
            Self::Write(_) => "Write",
        })
    }
}

/// One tool.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Name: the same in MCP, on the command line (with `-` for `_`) and in the log.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// What it does, for a model and for `--help`.
    pub about: &'static str,
    /// What it may do to the world.
    pub effect: Effect,
    /// Schema of the request.
    pub input: fn() -> Schema,
    /// Schema of the answer.
    pub output: fn() -> Schema,
    /// How it works.
    pub kind: Kind,
}

/// The schema of a type. Unknown fields are not taken.
pub fn schema<T: JsonSchema>() -> Schema {
    let mut schema = schemars::schema_for!(T);
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// The schema of an answer. A later version may add fields.
pub fn answer<T: JsonSchema>() -> Schema {
    schemars::schema_for!(T)
}

/// The schema of a mutating tool's request: its own fields, then the terms that all of them share.
pub fn change<T: JsonSchema>() -> Schema {
    let mut schema = schema::<T>();
    let terms = schemars::schema_for!(RawTerms).to_value();
    let terms = terms.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        fields.extend(terms);
    }
    schema
}

/// Every tool, in the order in which they are listed.
pub static TOOLS: [&Tool; 21] = [
    &super::apply_terraform::TOOL,
    &super::destroy_terraform::TOOL,
    &super::terraform_outputs::TOOL,
    &super::detect_drift::TOOL,
    &super::bootstrap_state_backend::TOOL,
    &super::generate_kubeconfig::TOOL,
    &super::helm_deploy::TOOL,
    &super::helm_rollback::TOOL,
    &super::helm_uninstall::TOOL,
    &super::helm_status::TOOL,
    &super::argo_create_app::TOOL,
    &super::argo_sync::TOOL,
    &super::argo_delete_app::TOOL,
    &super::argo_app_status::TOOL,
    &super::aws_create_account::TOOL,
    &super::gcp_create_project::TOOL,
    &super::list_environments::TOOL,
    &super::preflight::TOOL,
    &super::list_operations::TOOL,
    &super::get_operation::TOOL,
    &super::cancel_operation::TOOL,
];

/// The tool of that name.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name).copied()
}
