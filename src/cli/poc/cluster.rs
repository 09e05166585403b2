//! The second half of the sequence, in the cluster: a look at it, Argo CD, an application that Argo CD brings to Healthy.

use serde_json::{Value, json};

use super::{Step, Walk, text};
use crate::config::{self, raw};
use crate::error::{Error, ErrorCode, Result};

/// Name of the release that Argo CD is.
const RELEASE: &str = "argo-cd";
/// Seconds that Argo CD's own chart may take to be ready: images come first.
const PATIENCE_S: u64 = 900;

/// How the second half ended.
pub(super) enum End {
    /// It is there, or nothing of it was asked for.
    Whole,
    /// A dry run ends here.
    Dry,
    /// A person has something to do first.
    Later(String),
}

impl Walk<'_> {
    /// Cluster, Argo CD, application.
    pub(super) async fn in_the_cluster(&self) -> Result<End> {
        let settings = &self.world.config.raw().poc;
        if self.environment.cluster.is_none() {
            return Ok(End::Later(
                "Argo CD and an application: set `cluster` of the environment".into(),
            ));
        }
        if !self.well().await? {
            return Err(Error::new(
                ErrorCode::UpstreamFailed,
                "looking at the cluster: something has to be mended first",
            )
            .next("`datamcp doctor` shows it; the same command goes on from there"));
        }
        if !self.argo_cd(settings).await? {
            return Ok(End::Dry);
        }
        if self.environment.argocd.is_none() {
            return Ok(End::Later(
                "an application: make the project (argocd/projects), have a token of its role made, set [argocd.NAME] and \
                 `argocd` of the environment; the same command goes on from there"
                    .into(),
            ));
        }
        let Some(application) = &settings.application else {
            return Ok(End::Later("an application: set poc.application".into()));
        };
        self.application(application).await
    }

    /// Argo CD by its own chart, or the one that settings name. `false`: a dry run ends here.
    async fn argo_cd(&self, settings: &raw::Poc) -> Result<bool> {
        const WHAT: &str = "Argo CD";
        let Some(chart) = &settings.chart else {
            let how = self.environment.argocd.as_ref().map_or_else(
                || {
                    "left out: poc.chart names no chart of it, and the settings no server"
                        .to_owned()
                },
                |argocd| format!("not installed: the settings name the one at {}", argocd.url),
            );
            self.say(WHAT, &how);
            return Ok(true);
        };
        let context = self.environment.cluster.as_ref().map(|cluster| cluster.context.as_str());
        let mut request = json!({
            "kube_context": context,
            "chart_path": chart,
            "release": RELEASE,
            "namespace": settings.namespace.as_deref().unwrap_or("argocd"),
            "timeout_s": PATIENCE_S,
        });
        if let (Some(version), Some(fields)) = (&settings.version, request.as_object_mut()) {
            fields.insert("version".into(), json!(version));
        }
        if let (Some(file), Some(fields)) = (&settings.values, request.as_object_mut()) {
            let values = config::text_beside(&self.world.config, "poc.values", file)?;
            fields.insert("values".into(), json!(values));
        }
        self.step(WHAT, "helm_deploy", request).await
    }

    /// Made, synced, Healthy.
    async fn application(&self, wanted: &raw::PocApplication) -> Result<End> {
        let mut at = json!({ "app_name": wanted.name });
        if let (Some(argocd), Some(fields)) = (&self.environment.argocd, at.as_object_mut()) {
            fields.insert("server".into(), json!(argocd.server));
            fields.insert("project".into(), json!(argocd.project));
        }
        let mut made = at.clone();
        if let Some(fields) = made.as_object_mut() {
            fields.insert("manifest_repo".into(), json!(wanted.repo));
            fields.insert("path".into(), json!(wanted.path));
            fields.insert("revision".into(), json!(wanted.revision));
            fields.insert("dest_namespace".into(), json!(wanted.namespace));
        }
        if !self.step("an application", "argo_create_app", made).await?
            || !self.step("its sync", "argo_sync", at.clone()).await?
        {
            return Ok(End::Dry);
        }
        let status = self.call("argo_app_status", at).await?;
        let (sync, health) =
            (text(&status, "/applications/0/sync"), text(&status, "/applications/0/health"));
        self.say("how it stands", &format!("{sync} and {health}"));
        if sync == "Synced" && health == "Healthy" {
            return Ok(End::Whole);
        }
        let why = format!("application {}: it is {sync} and {health}", wanted.name);
        Err(Error::new(ErrorCode::UpstreamFailed, why)
            .next("argo_app_status shows which object is not; the same command goes on from there"))
    }

    /// One change of the second half. `false`: a dry run ends with what it would do.
    async fn step(&self, what: &str, tool: &str, request: Value) -> Result<bool> {
        match self.change(tool, request).await? {
            Step::Done(how) => {
                self.say(what, &how);
                Ok(true)
            }
            Step::Would(how) => {
                self.say(what, &format!("would be made: {how}"));
                Ok(false)
            }
        }
    }
}
