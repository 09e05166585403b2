//! The steps with Argo CD: an application is made, brought to Healthy and taken away. Argo CD and the cluster are asked
//! by their administrators whether it is true.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Play;
use crate::demo::expect;
use crate::lab::ArgoCd;
use crate::report::Ticker;

const APPLICATION: &str = "data-web";
/// What the repository's folder deploys.
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/apps/deployments/web";

impl Play {
    fn argocd(&self) -> Result<&ArgoCd> {
        let cluster = self.lab.cluster.as_ref().context("the lab has no cluster")?;
        cluster.argocd.as_ref().context("the lab has no Argo CD")
    }

    /// The environment's project of Argo CD.
    fn project(&self) -> Result<&str> {
        let argocd = self.argocd()?;
        Ok(match self.ground.target() {
            ("gcp", _) => &argocd.google_project,
            _ => &argocd.project,
        })
    }

    /// The request that names the application.
    pub(in crate::demo) fn application(&self) -> Result<Value> {
        Ok(json!({ "app_name": APPLICATION, "project": self.project()? }))
    }

    /// The request that makes it from the lab's own git repository.
    pub(in crate::demo) fn new_application(&self) -> Result<Value> {
        let argocd = self.argocd()?;
        Ok(json!({
            "app_name": APPLICATION,
            "project": self.project()?,
            "manifest_repo": format!("file://{}", argocd.repository.display()),
            "path": "web",
            "revision": "main",
            "dest_namespace": "apps",
        }))
    }

    fn seen(&self) -> Result<Option<Value>> {
        let argocd = self.argocd()?;
        let api = argocd.by_token(&argocd.operator_token)?;
        let list = api.get("/api/v1/applications")?.unwrap_or_default();
        let named = |app: &&Value| app.pointer("/metadata/name") == Some(&json!(APPLICATION));
        let items = list.get("items").and_then(Value::as_array);
        Ok(items.into_iter().flatten().find(named).cloned())
    }

    pub(in crate::demo) fn no_application(&self) -> Result<String> {
        let seen = self.seen()?;
        expect(seen.is_none(), "no application", || json!(seen).to_string())?;
        Ok(format!("no {APPLICATION} in project {}", self.project()?))
    }

    pub(in crate::demo) fn synced_and_healthy(&mut self, ticker: &Ticker) -> Result<String> {
        let request = self.application()?;
        let answer = self.call("argo_app_status", &request, ticker)?;
        let word = |at: &str| answer.text_at(at).unwrap_or_default();
        let (sync, health) = (word("/applications/0/sync"), word("/applications/0/health"));
        expect((sync, health) == ("Synced", "Healthy"), "Synced and Healthy", || answer.brief())?;
        let seen = self.seen()?.unwrap_or_default();
        let word = |at: &str| seen.pointer(at).and_then(Value::as_str);
        let theirs = (word("/status/sync/status"), word("/status/health/status"));
        expect(theirs == (Some("Synced"), Some("Healthy")), "the same of Argo CD", || {
            seen.to_string()
        })?;
        Ok(format!("{APPLICATION} is Synced and Healthy, says Argo CD too"))
    }

    pub(in crate::demo) fn application_runs(&self, wanted: bool) -> Result<String> {
        let cluster = self.lab.cluster.as_ref().context("the lab has no cluster")?;
        let found = cluster.kubernetes.as_admin()?.get(DEPLOYMENT)?;
        let ready = found.as_ref().and_then(|d| d.pointer("/status/readyReplicas")?.as_u64());
        let expected = if wanted { "a deployment with ready pods" } else { "no deployment" };
        expect(ready.is_some() == wanted && found.is_some() == wanted, expected, || {
            json!(found).to_string()
        })?;
        Ok(ready.map_or_else(|| "no deployment".to_owned(), |n| format!("{n} pods are ready")))
    }

    pub(in crate::demo) fn delete_application(&mut self, ticker: &Ticker) -> Result<String> {
        let mut request = self.application()?;
        if let Some(fields) = request.as_object_mut() {
            fields.insert("cascade".to_owned(), json!(true));
        }
        self.plan_of("argo_delete_app", &request, ticker)?;
        self.ask_and_approve("argo_delete_app", ticker)?;
        self.carry_out("argo_delete_app", ticker)
    }
}
