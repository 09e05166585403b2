//! `detect_drift`: what differs between the state and the world.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::catalog::{Kind, Tool};
use super::request::{self, Ask, RawTerms};
use super::terraform::TerraformChange;
use super::{ChangeAnswer, catalog};
use crate::error::Result;
use crate::model::{Cloud, Effect, Intent};

/// Request of `detect_drift`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DriftRequest {
    /// Cloud of the environment.
    pub cloud: Option<Cloud>,
    /// Environment. As `list_environments` shows it.
    pub env: Option<String>,
    /// Terraform workspace; default: the environment's.
    pub workspace: Option<String>,
    /// Seconds to wait (default 45). At most 600; the work goes on either way.
    pub wait_s: Option<u64>,
}

/// Understands a request.
fn parse(raw: &Value) -> Result<Ask> {
    let own: DriftRequest = request::read(raw)?;
    let (terms, notes) = RawTerms { wait_s: own.wait_s, ..RawTerms::default() }.check(raw)?;
    let key = Some(request::required_key(own.cloud, own.env)?);
    Ok(Ask { key, workspace: own.workspace, vars: None, own: Map::new(), terms, notes })
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "detect_drift",
    title: "Detect drift",
    about: "Compares an environment's Terraform state with the world, with the variables of the last apply, and lists \
            the resources that somebody changed or deleted. Changes nothing; holds the environment while it looks.",
    effect: Effect::Read,
    input: catalog::schema::<DriftRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Survey(&TerraformChange { intent: Intent::Refresh, parse }),
};
