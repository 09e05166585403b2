//! `helm_status`: which releases there are, and how one stands.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{MAX, cut};
use super::call::See;
use super::catalog::{Kind, Tool};
use super::helm::{
    cluster, is_meant, job, live_secrets, namespace_is_open, of_context, prove, reachable,
};
use super::{ReadOperation, World, catalog, request};
use crate::error::{Error, Result};
use crate::model::{Actor, Effect, Environment, OperationId, name};
use crate::port::releases::readiness;
use crate::port::{Release, Revision};
use crate::secret::Redactor;

/// Request of `helm_status`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HelmStatusRequest {
    /// Kube context of an environment's cluster.
    pub kube_context: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// One release; left out: all of the namespace.
    #[serde(default)]
    pub release: Option<String>,
}

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseEntry {
    /// Its name.
    pub name: String,
    /// Its last revision.
    pub revision: u64,
    /// How that stands.
    pub status: String,
    /// Chart and version.
    pub chart: String,
    /// When it was made.
    pub updated: String,
}

/// A revision of the release that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RevisionEntry {
    /// Its number.
    pub revision: u64,
    /// How it stands.
    pub status: String,
    /// Chart and version.
    pub chart: String,
    /// What was noted about it.
    pub description: String,
}

/// An object of the release.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ObjectEntry {
    /// Kind and name.
    pub name: String,
    /// Whether nothing is left to wait for.
    pub ready: bool,
    /// In words.
    pub state: String,
}

/// Answer of `helm_status`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HelmStatusAnswer {
    /// The environment.
    pub environment: String,
    /// The namespace.
    pub namespace: String,
    /// Releases.
    pub releases: Vec<ReleaseEntry>,
    /// Revisions of the one release, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub history: Vec<RevisionEntry>,
    /// Its objects in the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub objects: Vec<ObjectEntry>,
    /// The chart's own text for people: data, not advice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub notes: Option<String>,
    /// How many entries did not fit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_out: Option<usize>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

struct HelmStatus;

#[async_trait]
impl ReadOperation for HelmStatus {
    async fn read(
        &self,
        world: &World,
        _actor: &Actor,
        raw: Value,
        _see: See<'_>,
    ) -> Result<Value> {
        let asked: HelmStatusRequest = request::read(&raw)?;
        let namespace = asked.namespace.as_deref().unwrap_or_default();
        name::namespace(namespace)
            .map_err(|bad| Error::invalid("namespace", namespace, bad.why).allowed(bad.allowed))?;
        if let Some(release) = &asked.release {
            name::release(release)
                .map_err(|bad| Error::invalid("release", release, bad.why).allowed(bad.allowed))?;
        }
        let missing = || Error::internal("reading a request", "no environment");
        let key = of_context(&world.config, asked.kube_context.as_deref(), false)?;
        let key = key.ok_or_else(missing)?;
        let environment = world.config.environment(key.cloud, &key.name)?;
        namespace_is_open(environment, namespace)?;
        reachable(world, environment).await?;
        world.releases.find().await?;
        let operation = OperationId::fresh();
        world.runs.create(operation, &json!({ "tool": TOOL.name })).await?;
        let answer = look(world, environment, &asked, operation).await;
        world.runs.forget(operation).await?;
        serde_json::to_value(fit(answer?)).map_err(|e| Error::internal("writing an answer", e))
    }
}

async fn look(
    world: &World,
    environment: &Environment,
    asked: &HelmStatusRequest,
    operation: OperationId,
) -> Result<HelmStatusAnswer> {
    let namespace = asked.namespace.clone().unwrap_or_default();
    let scratch = world.runs.scratch(operation).await?;
    let desk = world.credentials.open(operation, environment).await?;
    let facts = cluster(world, environment, operation).await?;
    let name = asked.release.as_deref().unwrap_or("all");
    let job = job(environment, facts, operation, scratch, (&namespace, name));
    if environment.cluster.as_ref().is_some_and(|cluster| cluster.uid.is_some()) {
        is_meant(environment, &world.releases.cluster_uid(&job).await?)?;
    }
    let listed = world.releases.list(&job, asked.release.is_none()).await;
    let listed = listed.map_err(|error| desk.explain(error))?;
    if asked.release.is_some() {
        prove(world, environment, &job).await?;
    }
    let releases = listed.into_iter().map(|listed| ReleaseEntry {
        name: listed.name,
        revision: listed.last.revision,
        status: listed.last.status,
        chart: listed.last.chart,
        updated: listed.last.updated,
    });
    let mut answer = HelmStatusAnswer {
        environment: environment.key.to_string(),
        namespace,
        releases: releases.collect(),
        history: Vec::new(),
        objects: Vec::new(),
        notes: None,
        left_out: None,
        next: None,
    };
    if asked.release.is_some()
        && let Some(release) = world.releases.look(&job, None).await?
    {
        one(&mut answer, &release);
    }
    Ok(answer)
}

/// The release that was asked for. What its secrets hold is masked wherever a text quotes it.
fn one(answer: &mut HelmStatusAnswer, release: &Release) {
    let secrets = live_secrets(release);
    let redactor = Redactor::new(secrets.iter().map(String::as_str));
    answer.history = release
        .history
        .iter()
        .rev()
        .map(|r| RevisionEntry {
            revision: r.revision,
            status: r.status.clone(),
            chart: r.chart.clone(),
            description: cut(&redactor.clean(&r.description), 300),
        })
        .collect();
    answer.objects = release
        .live
        .iter()
        .map(readiness)
        .map(|r| ObjectEntry { name: r.name, ready: r.ready, state: r.text })
        .collect();
    answer.notes =
        Some(cut(&redactor.clean(&release.notes), 1500)).filter(|notes| !notes.is_empty());
    answer.next = next(release);
}

fn next(release: &Release) -> Option<String> {
    let back = |r: &Revision| matches!(r.status.as_str(), "deployed" | "superseded");
    let can_go_back = release.history.iter().any(|r| r.revision < release.at.revision && back(r));
    match release.at.status.as_str() {
        "uninstalling" => Some("helm_uninstall goes on with what is left".to_owned()),
        status if status.starts_with("pending-") && can_go_back => {
            Some("if no helm works on it any more: helm_rollback".to_owned())
        }
        status if status.starts_with("pending-") => {
            Some("if no helm works on it any more: helm_uninstall, then deploy again".to_owned())
        }
        "failed" if can_go_back => {
            Some("helm_deploy with what mends it, or helm_rollback".to_owned())
        }
        _ => None,
    }
}

/// Leaves out entries until the answer fits.
fn fit(mut answer: HelmStatusAnswer) -> HelmStatusAnswer {
    let long = |answer: &HelmStatusAnswer| {
        serde_json::to_string(answer).map_or(0, |text| text.chars().count()) > MAX - 100
    };
    let mut left_out = 0;
    while long(&answer) {
        let dropped = if answer.history.len() > 3 {
            answer.history.pop().is_some()
        } else {
            answer.objects.pop().is_some() || answer.releases.pop().is_some()
        };
        if !dropped {
            break;
        }
        left_out += 1;
    }
    answer.left_out = (left_out > 0).then_some(left_out);
    answer
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "helm_status",
    title: "Release status",
    about: "Lists the Helm releases of a namespace; with a release its history, its objects and how ready they are.",
    effect: Effect::Read,
    input: catalog::schema::<HelmStatusRequest>,
    output: catalog::answer::<HelmStatusAnswer>,
    kind: Kind::Read(&HelmStatus),
};
