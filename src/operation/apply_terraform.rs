//! `apply_terraform`: reach what a root module describes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::catalog::{Kind, Tool};
use super::request::{self, Ask, RawTerms};
use super::terraform::TerraformChange;
use super::{ChangeAnswer, catalog};
use crate::error::Result;
use crate::model::{Cloud, Effect, Intent};

/// Request of `apply_terraform`. Nothing changes unless `dry_run` is false and the plan is approved.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// Cloud of the environment. Needed unless `plan_id` is given.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// Name of the environment, as `list_environments` shows it. Needed unless `plan_id` is given.
    #[serde(default)]
    pub env: Option<String>,
    /// Terraform workspace; default: the environment's.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Terraform variables of this call; they win over the environment's own.
    #[serde(default)]
    pub vars: Option<Map<String, Value>>,
    /// Only compute the plan (default true). Nothing changes.
    #[serde(default)]
    #[schemars(default = "yes")]
    pub dry_run: Option<bool>,
    /// Approve your own plan; counts only where the policy lets you.
    #[serde(default)]
    pub auto_approve: Option<bool>,
    /// Carry out exactly this plan, from an earlier answer.
    #[serde(default)]
    pub plan_id: Option<String>,
    /// Seconds to wait for the end (default 45, at most 600); the work goes on either way.
    #[serde(default)]
    pub wait_s: Option<u64>,
    /// A repeated call with the same key answers with the first one's operation.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

fn yes() -> bool {
    true
}

/// Understands a request.
fn parse(raw: &Value) -> Result<Ask> {
    let r: ApplyRequest = request::read(raw)?;
    let terms = RawTerms {
        dry_run: r.dry_run,
        auto_approve: r.auto_approve,
        plan_id: r.plan_id,
        wait_s: r.wait_s,
        idempotency_key: r.idempotency_key,
    };
    let (terms, notes) = terms.check(raw)?;
    Ok(Ask {
        key: request::key(r.cloud, r.env, terms.plan_id)?,
        workspace: r.workspace,
        vars: r.vars,
        terms,
        notes,
    })
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
    input: catalog::schema::<ApplyRequest>,
    output: catalog::schema::<ChangeAnswer>,
    kind: Kind::Write(&TerraformChange { intent: Intent::Apply, parse }),
};
