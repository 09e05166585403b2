//! `apply_terraform`: reach what a root module describes.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::catalog::{Kind, Tool};
use super::request::{self, Ask};
use super::terraform::TerraformChange;
use super::{ChangeAnswer, catalog};
use crate::error::Result;
use crate::model::{Cloud, Effect, Intent};

/// Own fields of `apply_terraform`; the terms are those of every mutating tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ApplyRequest {
    /// Cloud of the environment. Needed unless `plan_id` is given.
    pub cloud: Option<Cloud>,
    /// Environment. As `list_environments` shows it; needed unless `plan_id` is given.
    pub env: Option<String>,
    /// Terraform workspace; default: the environment's.
    pub workspace: Option<String>,
    /// Terraform variables of this call; they win over the environment's own.
    pub vars: Option<Map<String, Value>>,
}

/// Understands a request.
fn parse(raw: &Value) -> Result<Ask> {
    let (own, ask): (ApplyRequest, Ask) = request::read_change(raw)?;
    let key = request::key(own.cloud, own.env, ask.terms.plan_id)?;
    Ok(Ask { key, workspace: own.workspace, vars: own.vars, ..ask })
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "apply_terraform",
    title: "Apply Terraform",
    about: "Plans, and once approved applies, the Terraform root module of an environment (infra/{cloud}/envs/{env}). \
            With defaults it only plans and answers a plan_id. To carry that plan out call again with plan_id and \
            dry_run=false: if a person has to approve, the answer is status approval_required and says how; after the \
            approval call again. What was reviewed is exactly what runs.",
    effect: Effect::Change,
    input: catalog::change::<ApplyRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&TerraformChange { intent: Intent::Apply, parse }),
};
