//! Argo CD by its REST API: requests, answers, and what refusals mean. The token goes to the configured URL and nowhere
//! else: redirects are not followed, certificates are always checked.

mod answer;
mod client;
mod presented;
mod token;
mod version;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::error::{Error, ErrorCode, Result};
use crate::model::ArgoProject;
use crate::permit::Permit;
use crate::port::{Application, Applications, Asked, Bounds, Managed, SyncOrder};
use client::{Client, Method};

pub use client::Settings;

/// Name of the entry that carries our operation in what Argo CD keeps of a sync.
const OPERATION: &str = "datamcp-operation";

/// Applications by REST.
#[derive(Debug)]
pub struct ArgoCd {
    client: Client,
}

impl ArgoCd {
    /// With these tokens of the environment, by this clock.
    pub fn new(settings: Settings, clock: Arc<dyn crate::clock::Clock>) -> Self {
        Self { client: Client::new(settings, clock) }
    }

    async fn get(&self, place: &ArgoProject, doing: &str, path: &str) -> Result<Value> {
        self.client.ask(place, doing, Method::Get, path, None).await
    }

    /// Asks for a change. An answer that says no is an error; no answer is not known.
    async fn change(
        &self,
        place: &ArgoProject,
        doing: &str,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<Asked> {
        match self.client.ask(place, doing, method, path, body).await {
            Ok(_) => Ok(Asked::Taken),
            Err(error) if client::is_lost(&error) => Ok(Asked::Lost(error)),
            Err(error) => Err(error),
        }
    }
}

/// The path of an application; its project goes with it, or Argo CD says "forbidden" where it means "not found".
fn path(place: &ArgoProject, name: &str, part: &str, query: &str) -> String {
    format!("/api/v1/applications/{name}{part}?project={}{query}", place.project)
}

fn doing(what: &str, place: &ArgoProject, name: &str) -> String {
    format!("{what} application {name} of {place}")
}

#[async_trait]
impl Applications for ArgoCd {
    async fn version(&self, place: &ArgoProject) -> Result<(String, Option<String>)> {
        let doing = format!("asking Argo CD {} for its version", place.server);
        let found = self.client.ask_openly(place, &doing, "/api/version").await?;
        let version = found.get("Version").and_then(Value::as_str).unwrap_or_default();
        version::check(&doing, version).map(|told| (version.to_owned(), told))
    }

    async fn bounds(&self, place: &ArgoProject) -> Result<Option<Bounds>> {
        let doing = format!("looking at {place}");
        match self.get(place, &doing, &format!("/api/v1/projects/{}", place.project)).await {
            Ok(found) => Ok(Some(answer::bounds(&found))),
            Err(error) if client::is_hidden(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, place: &ArgoProject) -> Result<Vec<Application>> {
        let doing = format!("listing the applications of {place}");
        let path = format!("/api/v1/applications?projects={}", place.project);
        let found = self.get(place, &doing, &path).await?;
        let items = found.get("items").and_then(Value::as_array).into_iter().flatten();
        items.map(|item| answer::application(&doing, place, item)).collect()
    }

    async fn find(
        &self,
        place: &ArgoProject,
        name: &str,
        fresh: bool,
    ) -> Result<Option<Application>> {
        let doing = doing("looking at", place, name);
        let path = path(place, name, "", if fresh { "&refresh=normal" } else { "" });
        match self.get(place, &doing, &path).await {
            Ok(found) => answer::application(&doing, place, &found).map(Some),
            Err(error) if client::is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn managed(&self, place: &ArgoProject, name: &str) -> Result<Vec<Managed>> {
        let doing = doing("comparing", place, name);
        let found = self.get(place, &doing, &path(place, name, "/managed-resources", "")).await?;
        answer::managed(&doing, &found)
    }

    async fn rendered(
        &self,
        place: &ArgoProject,
        name: &str,
        revision: &str,
    ) -> Result<Vec<Value>> {
        let doing = doing("rendering", place, name);
        let path = path(place, name, "/manifests", &format!("&revision={revision}"));
        let found = self.get(place, &doing, &path).await?;
        answer::manifests(&doing, &found)
    }

    async fn may_sync(&self, place: &ArgoProject, name: &str) -> Result<bool> {
        let doing = doing("asking for the sync windows of", place, name);
        let found = self.get(place, &doing, &path(place, name, "/syncwindows", "")).await?;
        Ok(found.get("canSync").and_then(Value::as_bool).unwrap_or(false))
    }

    async fn put(
        &self,
        _permit: &Permit,
        place: &ArgoProject,
        name: &str,
        spec: &Value,
        there: bool,
    ) -> Result<Asked> {
        if there {
            let path = path(place, name, "/spec", "&validate=true");
            let doing = doing("changing", place, name);
            return self.change(place, &doing, (Method::Put, &path), Some(spec)).await;
        }
        let body = json!({ "metadata": { "name": name }, "spec": spec });
        let path = "/api/v1/applications?upsert=false&validate=true";
        self.change(place, &doing("creating", place, name), (Method::Post, path), Some(&body)).await
    }

    async fn sync(
        &self,
        _permit: &Permit,
        place: &ArgoProject,
        order: &SyncOrder,
    ) -> Result<Asked> {
        let body = json!({
            "project": place.project,
            "revision": order.revision,
            "prune": order.prune,
            "dryRun": false,
            "infos": [{ "name": OPERATION, "value": order.operation.to_string() }],
        });
        let path = format!("/api/v1/applications/{}/sync", order.application);
        let doing = doing("syncing", place, &order.application);
        self.change(place, &doing, (Method::Post, &path), Some(&body)).await
    }

    async fn terminate(&self, _permit: &Permit, place: &ArgoProject, name: &str) -> Result<()> {
        let doing = doing("stopping the operation on", place, name);
        let path = path(place, name, "/operation", "");
        match self.client.ask(place, &doing, Method::Delete, &path, None).await {
            Err(error) if !error.message.contains("No operation is in progress") => Err(error),
            _ => Ok(()),
        }
    }

    async fn delete(
        &self,
        _permit: &Permit,
        place: &ArgoProject,
        name: &str,
        cascade: bool,
    ) -> Result<Asked> {
        let policy = if cascade { "&propagationPolicy=foreground" } else { "" };
        let path = path(place, name, "", &format!("&cascade={cascade}{policy}"));
        let doing = doing("deleting", place, name);
        match self.change(place, &doing, (Method::Delete, &path), None).await {
            Err(error) if client::is_absent(&error) => Ok(Asked::Taken),
            other => other,
        }
    }
}

/// An answer that is not what the API gives.
fn unexpected(doing: &str, what: &str) -> Error {
    Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the answer has {what}"))
        .next("see that argocd.*.url is the URL of an Argo CD, and its version a supported one")
}

#[cfg(test)]
mod tests;
