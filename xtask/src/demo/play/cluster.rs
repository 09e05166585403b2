//! The steps in the cluster: the way in, a release and what becomes of it. The cluster's own API is asked by its
//! administrator whether it is true.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Play;
use crate::child;
use crate::demo::expect;
use crate::lab::Kubernetes;
use crate::report::Ticker;

const NAMESPACE: &str = "apps";
const RELEASE: &str = "data-app";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/apps/deployments";

impl Play {
    /// The environment's kube context.
    fn context(&self) -> String {
        let (cloud, env) = self.ground.target();
        format!("{cloud}-{env}")
    }

    /// The request that names the release.
    pub(in crate::demo) fn release(&self) -> Value {
        json!({ "kube_context": self.context(), "namespace": NAMESPACE, "release": RELEASE })
    }

    /// The request that deploys the chart of this repository with so many pods.
    pub(in crate::demo) fn deployment(&self, pods: u32) -> Value {
        json!({
            "kube_context": self.context(), "namespace": NAMESPACE, "release": RELEASE,
            "chart_path": "helm/charts/example-data-app", "values": { "replicas": pods },
        })
    }

    fn kubernetes(&self) -> Result<&Kubernetes> {
        let cluster = self.lab.cluster.as_ref().context("the lab has no cluster")?;
        Ok(&cluster.kubernetes)
    }

    fn file(&self) -> PathBuf {
        self.lab.project.join("kubeconfig")
    }

    /// The way in, in a file of the project: the user's own stays as it is.
    pub(in crate::demo) fn kubeconfig(&mut self, ticker: &Ticker) -> Result<String> {
        let (cloud, env) = self.ground.target();
        let request = json!({ "cloud": cloud, "env": env, "path": "kubeconfig" });
        let answer = self.call("generate_kubeconfig", &request, ticker)?;
        let endpoint = answer.text_at("/endpoint").unwrap_or_default().to_owned();
        let wanted = self.kubernetes()?.endpoint.clone();
        expect(endpoint == wanted, &wanted, || answer.brief())?;
        Ok(format!("context {}, {endpoint}", answer.text_at("/context").unwrap_or_default()))
    }

    /// What a user would type. The token comes from `datamcp eks-token` or `gke-token`, and the cluster checks it.
    pub(in crate::demo) fn kubectl(&self) -> Result<String> {
        let mut command = Command::new(&self.kubernetes()?.kubelab);
        command
            .args(["kubectl", "--context", &self.context(), "auth", "whoami", "--output=json"])
            .env_clear()
            .envs(self.surroundings()?)
            .env("KUBECONFIG", self.file())
            .envs(self.ground.variables());
        let answer: Value = serde_json::from_str(&child::capture(&mut command)?)?;
        let user = answer.pointer("/status/userInfo/username").and_then(Value::as_str);
        Ok(format!("the cluster knows us as {}", user.context("the answer names no user")?))
    }

    /// A call without approval, then the approval.
    pub(in crate::demo) fn ask_and_approve(
        &mut self,
        tool: &str,
        ticker: &Ticker,
    ) -> Result<String> {
        self.ask(tool, ticker)?;
        self.approve(ticker)
    }

    pub(in crate::demo) fn history(&mut self, ticker: &Ticker) -> Result<String> {
        let release = self.release();
        let answer = self.call("helm_status", &release, ticker)?;
        let history = answer.structured.pointer("/history").and_then(Value::as_array);
        let revisions = history.map_or(0, Vec::len);
        expect(revisions == 3, "3 revisions: installed, upgraded, rolled back", || answer.brief())?;
        Ok(format!("{revisions} revisions"))
    }

    pub(in crate::demo) fn uninstall(&mut self, ticker: &Ticker) -> Result<String> {
        self.plan_of("helm_uninstall", &self.release(), ticker)?;
        self.ask_and_approve("helm_uninstall", ticker)?;
        self.carry_out("helm_uninstall", ticker)
    }

    fn found(&self) -> Result<Vec<Value>> {
        let selector = format!("?labelSelector=app.kubernetes.io/instance%3D{RELEASE}");
        let api = self.kubernetes()?.as_admin()?;
        let list = api.get(&format!("{DEPLOYMENTS}{selector}"))?.unwrap_or_default();
        Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    pub(in crate::demo) fn no_release(&self) -> Result<String> {
        let found = self.found()?;
        expect(found.is_empty(), "no deployment", || json!(found).to_string())?;
        Ok(format!("no deployment in {NAMESPACE}"))
    }

    pub(in crate::demo) fn pods_are(&self, wanted: u64) -> Result<String> {
        let found = self.found()?;
        let ready = found
            .first()
            .and_then(|deployment| deployment.pointer("/status/readyReplicas"))
            .and_then(Value::as_u64)
            .unwrap_or_default();
        expect(ready == wanted, &format!("{wanted} pods"), || json!(found).to_string())?;
        Ok(format!("{ready} pods are ready"))
    }
}
