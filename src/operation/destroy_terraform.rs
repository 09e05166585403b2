//! `destroy_terraform`: take away everything that a root module made.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::catalog::{Kind, Tool};
use super::request::{self, Ask};
use super::terraform::TerraformChange;
use super::{ChangeAnswer, catalog};
use crate::error::Result;
use crate::model::{Cloud, Effect, Intent};

/// Own fields of `destroy_terraform`; the terms are those of every mutating tool. The variables are those of the last apply.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DestroyRequest {
    /// Cloud of the environment. Needed unless `plan_id` is given.
    pub cloud: Option<Cloud>,
    /// Environment. As `list_environments` shows it; needed unless `plan_id` is given.
    pub env: Option<String>,
    /// Terraform workspace; default: the environment's.
    pub workspace: Option<String>,
}

/// Understands a request.
fn parse(raw: &Value) -> Result<Ask> {
    let (own, ask): (DestroyRequest, Ask) = request::read_change(raw)?;
    let key = request::key(own.cloud, own.env, ask.terms.plan_id)?;
    Ok(Ask { key, workspace: own.workspace, ..ask })
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "destroy_terraform",
    title: "Destroy Terraform",
    about: "Plans, and once a person approved carries out, the destruction of everything that an environment's \
            Terraform state holds, with the variables of the last apply. Works like apply_terraform.",
    effect: Effect::Destroy,
    input: catalog::change::<DestroyRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&TerraformChange { intent: Intent::Destroy, parse }),
};
