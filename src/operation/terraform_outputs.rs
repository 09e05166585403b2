//! `terraform_outputs`: what a root module gives.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::admit::strings;
use super::call::See;
use super::catalog::{Kind, Tool};
use super::request::{self, Ask, RawTerms};
use super::{ReadOperation, World, answer, catalog, place, state};
use crate::error::{Error, Result};
use crate::lock::{LeaseRecord, lease};
use crate::model::{Actor, Cloud, Effect, Environment, OperationId, Target};
use crate::port::{Job, Output};
use crate::secret::{Redactor, looks_secret};

/// Request of `terraform_outputs`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputsRequest {
    /// Cloud of the environment.
    pub cloud: Option<Cloud>,
    /// Environment.
    pub env: Option<String>,
    /// Terraform workspace; default: the environment's.
    #[serde(default)]
    pub workspace: Option<String>,
}

/// Answer of `terraform_outputs`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OutputsAnswer {
    /// The environment.
    pub environment: String,
    /// Outputs by name; values of sensitive ones are left out.
    pub outputs: BTreeMap<String, Output>,
    /// Names of outputs that did not fit.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

struct Outputs;

#[async_trait]
impl ReadOperation for Outputs {
    async fn read(
        &self,
        world: &World,
        _actor: &Actor,
        raw: Value,
        _see: See<'_>,
    ) -> Result<Value> {
        let r: OutputsRequest = request::read(&raw)?;
        let (terms, notes) = RawTerms::default().check(&raw)?;
        let ask = Ask {
            key: Some(request::required_key(r.cloud, r.env)?),
            workspace: r.workspace,
            vars: None,
            own: Map::new(),
            terms,
            notes,
        };
        let (environment, workspace) =
            place(&world.config, ask.key.clone().map(Target::Environment), &ask, None)?;
        let key = environment.key.to_string();
        if let Some(LeaseRecord { holder: Some(holder), alive: true, .. }) =
            world.leases.lease(&key).await?
        {
            return Err(lease::held(&key, &holder));
        }
        world.provisioner.inspect(environment).await?;
        state::permitted(world, environment, false).await?;
        let operation = OperationId::fresh();
        world.runs.create(operation, &json!({ "tool": TOOL.name })).await?;
        let redactor = redactor(world, environment, &workspace).await;
        let outputs = outputs(world, environment, workspace, operation).await;
        world.runs.forget(operation).await?;
        answer(key, outputs?, &redactor?)
    }
}

async fn outputs(
    world: &World,
    environment: &Environment,
    workspace: String,
    operation: OperationId,
) -> Result<BTreeMap<String, Output>> {
    let scratch = world.runs.scratch(operation).await?;
    let desk = world.credentials.open(operation, environment).await?;
    let job = Job { environment: environment.clone(), workspace, operation, scratch };
    let outputs = world.provisioner.outputs(&job).await.map_err(|error| desk.explain(error))?;
    // Outputs of a lost or replaced state would be wrong, or none.
    let (key, backend) = (environment.key.to_string(), environment.backend.identity());
    if let Some(known) = state::known(world, &key, &backend, &job.workspace).await? {
        let found = world.provisioner.state(&job).await?;
        let confirm =
            "`datamcp reconcile ID --state` with the id of a plan that was refused for it";
        state::judge(&format!("reading the outputs of {key}"), &known, &found, confirm)?;
    }
    Ok(outputs)
}

/// Knows the values that look secret among the variables that the outputs were made from.
async fn redactor(world: &World, environment: &Environment, workspace: &str) -> Result<Redactor> {
    let place = format!("{}/{workspace}", environment.key);
    let kept = world.plans.kept_variables(&place).await?.unwrap_or_default();
    let all = environment.vars.iter().chain(&kept);
    let secret = all.filter(|(name, value)| looks_secret(name, value.as_str().unwrap_or_default()));
    Ok(Redactor::new(secret.flat_map(|(_, value)| strings(Some(value)))))
}

fn answer(
    environment: String,
    outputs: BTreeMap<String, Output>,
    redactor: &Redactor,
) -> Result<Value> {
    let mut answer = OutputsAnswer { environment, outputs: BTreeMap::new(), left_out: Vec::new() };
    let mut room = answer::MAX - 200;
    for (name, output) in outputs {
        let text = redactor.clean(&serde_json::to_string(&output).unwrap_or_default());
        let size = name.len() + text.chars().count() + 4;
        match (room.checked_sub(size), serde_json::from_str(&text)) {
            (Some(left), Ok(output)) => {
                room = left;
                answer.outputs.insert(name, output);
            }
            _ => answer.left_out.push(name),
        }
    }
    serde_json::to_value(answer).map_err(|e| Error::internal("writing an answer", e))
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "terraform_outputs",
    title: "Terraform outputs",
    about: "Reads the outputs of an environment's Terraform state. Values of sensitive outputs are left out.",
    effect: Effect::Read,
    input: catalog::schema::<OutputsRequest>,
    output: catalog::answer::<OutputsAnswer>,
    kind: Kind::Read(&Outputs),
};
