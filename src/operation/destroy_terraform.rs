//! `destroy_terraform`: take away everything that a root module made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::{Kind, Tool};
use super::request::{self, Ask, RawTerms};
use super::terraform::TerraformChange;
use super::{ChangeAnswer, catalog};
use crate::error::Result;
use crate::model::{Cloud, Effect, Intent};

/// Request of `destroy_terraform`. The variables are those of the last apply.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestroyRequest {
    /// Cloud of the environment. Needed unless `plan_id` is given.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// Name of the environment. Needed unless `plan_id` is given.
    #[serde(default)]
    pub env: Option<String>,
    /// Terraform workspace; default: the environment's.
    #[serde(default)]
    pub workspace: Option<String>,
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
    let r: DestroyRequest = request::read(raw)?;
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
        vars: None,
        terms,
        notes,
    })
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "destroy_terraform",
    title: "Destroy Terraform",
    about: "Plans, and once a person approved carries out, the destruction of everything that an environment's \
            Terraform state holds, with the variables of the last apply. Works like apply_terraform: with defaults it \
            only plans; then plan_id and dry_run=false.",
    effect: Effect::Destroy,
    input: catalog::schema::<DestroyRequest>,
    output: catalog::schema::<ChangeAnswer>,
    kind: Kind::Write(&TerraformChange { intent: Intent::Destroy, parse }),
};
