//! `argo_app_status`: which applications there are, and how one stands.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{MAX, cut};
use super::argo::{application_name, argocd, of_project};
use super::call::See;
use super::catalog::{Kind, Tool};
use super::{ReadOperation, World, catalog, request};
use crate::error::{Error, Result};
use crate::model::{Actor, Effect};
use crate::port::{Application, ResourceState, SyncState};
use crate::secret::Redactor;

/// Request of `argo_app_status`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppStatusRequest {
    /// Name of the server in settings.
    pub server: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// One application; left out: all of the project.
    pub app_name: Option<String>,
}

/// An application.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AppEntry {
    /// Its name.
    pub name: String,
    /// Whether it is as the repository says: `Synced`, `OutOfSync`, `Unknown`.
    pub sync: String,
    /// Whether it works: `Healthy`, `Progressing`, `Degraded`, `Missing`, …
    pub health: String,
    /// The commit that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<String>,
    /// Whether an operation runs on it.
    pub busy: bool,
}

/// The operation that runs on an application, or the last one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SyncEntry {
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`; empty while it waits.
    pub phase: String,
    /// Who asked for it.
    pub by: String,
    /// Our operation, when it was ours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operation_id: Option<String>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished: Option<String>,
    /// What Argo CD says about it: data, not advice.
    pub message: String,
}

/// An object of the application.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AppObject {
    /// Kind, namespace and name.
    pub name: String,
    /// Its sync and health.
    pub state: String,
}

/// A commit that was deployed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeployedEntry {
    /// Its number.
    pub id: i64,
    /// The commit.
    pub revision: String,
    /// When.
    pub at: String,
}

/// Answer of `argo_app_status`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AppStatusAnswer {
    /// The environment.
    pub environment: String,
    /// Server and project.
    pub place: String,
    /// Applications.
    pub applications: Vec<AppEntry>,
    /// The operation on the one application.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operation: Option<SyncEntry>,
    /// Its objects.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub objects: Vec<AppObject>,
    /// What was deployed, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub history: Vec<DeployedEntry>,
    /// What Argo CD has against it: data, not advice.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub conditions: Vec<String>,
    /// How many entries did not fit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_out: Option<usize>,
    /// What a user should know.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
}

struct AppStatus;

#[async_trait]
impl ReadOperation for AppStatus {
    async fn read(
        &self,
        world: &World,
        _actor: &Actor,
        raw: Value,
        _see: See<'_>,
    ) -> Result<Value> {
        let asked: AppStatusRequest = request::read(&raw)?;
        let (server, project) = (asked.server.as_deref(), asked.project.as_deref());
        application_name("app_name", asked.app_name.as_deref())?;
        let key = of_project(&world.config, (server, project), false)?
            .ok_or_else(|| Error::internal("reading a request", "no environment"))?;
        let environment = world.config.environment(key.cloud, &key.name)?;
        let place = argocd(environment)?;
        let (_, told) = world.applications.version(place).await?;
        let mut answer = AppStatusAnswer {
            environment: environment.key.to_string(),
            place: place.to_string(),
            applications: Vec::new(),
            operation: None,
            objects: Vec::new(),
            history: Vec::new(),
            conditions: Vec::new(),
            left_out: None,
            warnings: told.into_iter().collect(),
        };
        match &asked.app_name {
            None => {
                let all = world.applications.list(place).await?;
                answer.applications = all.iter().map(entry).collect();
            }
            Some(name) => {
                let found = world.applications.find(place, name, true).await?;
                let found = found.ok_or_else(|| absent(&place.to_string(), name))?;
                one(&mut answer, &found);
            }
        }
        serde_json::to_value(fit(answer)).map_err(|e| Error::internal("writing an answer", e))
    }
}

/// The refusal of an application that is not there.
pub(super) fn absent(place: &str, name: &str) -> Error {
    Error::invalid("app_name", name, format!("is no application of {place}"))
        .next("argo_app_status without app_name lists them")
}

fn entry(app: &Application) -> AppEntry {
    AppEntry {
        name: app.name.clone(),
        sync: app.sync.clone(),
        health: app.health.clone(),
        revision: app.revision.clone(),
        busy: app.busy,
    }
}

/// The application that was asked for. What others wrote is cleaned: it may be meant for whoever reads it.
fn one(answer: &mut AppStatusAnswer, app: &Application) {
    let redactor = Redactor::default();
    let clean = |text: &str| cut(&redactor.clean(text), 300);
    answer.applications = vec![entry(app)];
    answer.operation = app.last.as_ref().map(|last: &SyncState| SyncEntry {
        phase: last.phase.clone(),
        by: clean(&last.by),
        operation_id: last.ours.map(|id| id.to_string()),
        started: last.started.map(|t| t.to_string()),
        finished: last.finished.map(|t| t.to_string()),
        message: clean(&last.message),
    });
    answer.objects = app.resources.iter().map(object).collect();
    answer.history = app
        .history
        .iter()
        .rev()
        .map(|d| DeployedEntry { id: d.id, revision: d.revision.clone(), at: d.at.clone() })
        .collect();
    let sources = app.sources();
    if !sources.is_empty() {
        let told = format!(
            "it comes from {} places, so argo_sync and argo_create_app leave it alone: {}",
            sources.len(),
            sources.join(", ")
        );
        answer.warnings.push(clean(&told));
    }
    answer.conditions = app.conditions.iter().map(|c| clean(c)).collect();
}

fn object(resource: &ResourceState) -> AppObject {
    let words = [
        resource.status.as_str(),
        resource.text.as_str(),
        if resource.stray { "not wanted any more" } else { "" },
        if resource.hook { "hook" } else { "" },
    ];
    let state: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let name = format!("{} {}/{}", resource.kind, resource.namespace, resource.name);
    AppObject { name, state: state.join(", ") }
}

/// Leaves out entries until the answer fits.
fn fit(mut answer: AppStatusAnswer) -> AppStatusAnswer {
    let long = |answer: &AppStatusAnswer| {
        serde_json::to_string(answer).map_or(0, |text| text.chars().count()) > MAX - 100
    };
    let mut left_out = 0;
    while long(&answer) {
        let dropped = if answer.history.len() > 3 {
            answer.history.pop().is_some()
        } else {
            answer.objects.pop().is_some()
                || answer.applications.pop().is_some()
                || answer.conditions.pop().is_some()
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
    name: "argo_app_status",
    title: "Application status",
    about: "Lists the applications of an Argo CD project; with app_name its sync, health, running operation, objects and history.",
    effect: Effect::Read,
    input: catalog::schema::<AppStatusRequest>,
    output: catalog::answer::<AppStatusAnswer>,
    kind: Kind::Read(&AppStatus),
};
