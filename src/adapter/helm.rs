//! Helm 3 and 4 as [`Releases`]: charts copied by content, values by file, a kubeconfig of our own with one cluster in
//! it, an environment from empty, fixed arguments. What is known comes from exit codes and JSON; only why helm refused
//! something it tells in words alone.

mod answer;
mod binary;
mod chart;
mod command;
mod diagnose;
mod fetch;
mod files;
mod look;
mod prepare;
mod progress;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::model::{ChartAt, Outcome};
use crate::permit::Permit;
use crate::port::{
    Chart, Filled, Listed, Patience, Ran, Release, ReleaseJob, Releases, Rendered, Secrets, Watch,
};

use self::binary::Tool;

/// How helm is found, and what its children are given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The binary, when configuration names one.
    pub binary: Option<PathBuf>,
    /// Folders to look for it otherwise: those of `PATH`.
    pub search_path: Vec<PathBuf>,
    /// The user's home folder: a program that settings allow for credentials finds its own settings there.
    pub home: PathBuf,
    /// Our own program: the kubeconfig's user gets its tokens from it.
    pub program: PathBuf,
    /// Program and arguments that print credentials; the run's folder is added as last argument.
    pub credential_command: Vec<String>,
    /// Certificates and proxies for the children, by their usual names; other names are left out.
    pub passthrough: Vec<(String, String)>,
    /// Where passwords of chart sources are found that settings refer to.
    pub secrets: Arc<dyn Secrets>,
}

/// The adapter.
#[derive(Debug)]
pub struct Helm {
    settings: Settings,
    tool: OnceCell<Tool>,
}

impl Helm {
    /// Nothing is looked for before it is asked for.
    pub fn new(settings: Settings) -> Self {
        Self { settings, tool: OnceCell::new() }
    }

    async fn tool(&self) -> Result<&Tool> {
        let probe = async || {
            let path = binary::find(self.settings.binary.as_deref(), &self.settings.search_path)?;
            binary::probe(&path).await
        };
        self.tool.get_or_try_init(probe).await
    }
}

#[async_trait]
impl Releases for Helm {
    async fn find(&self) -> Result<()> {
        binary::find(self.settings.binary.as_deref(), &self.settings.search_path).map(drop)
    }

    async fn version(&self) -> Result<String> {
        Ok(self.tool().await?.to_string())
    }

    async fn chart(&self, project: &Path, path: &str) -> Result<Chart> {
        chart::read(project, path)
    }

    async fn fetch(&self, at: &ChartAt, scratch: &Path) -> Result<Chart> {
        self.fetch_chart(at, scratch).await
    }

    async fn cluster_uid(&self, job: &ReleaseJob) -> Result<String> {
        self.prepare(job).await?.cluster_uid().await
    }

    async fn meet(&self, job: &ReleaseJob) -> Result<(String, Option<Release>)> {
        let prepared = self.prepare(job).await?;
        tokio::try_join!(prepared.cluster_uid(), prepared.look(None))
    }

    async fn list(&self, job: &ReleaseJob, all: bool) -> Result<Vec<Listed>> {
        self.prepare(job).await?.list(all).await
    }

    async fn look(&self, job: &ReleaseJob, revision: Option<u64>) -> Result<Option<Release>> {
        self.prepare(job).await?.look(revision).await
    }

    async fn proven(&self, job: &ReleaseJob, intent: &Value) -> Result<Option<(Outcome, String)>> {
        run::proven(&self.prepare(job).await?, job, intent).await
    }

    async fn render(&self, job: &ReleaseJob, filled: Filled<'_>) -> Result<Rendered> {
        let prepared = self.prepare(job).await?;
        let files = prepared.fill(filled)?;
        prepared.render(&files).await
    }

    async fn render_twice(
        &self,
        job: &ReleaseJob,
        filled: Filled<'_>,
    ) -> Result<(Rendered, Rendered)> {
        let prepared = self.prepare(job).await?;
        let files = prepared.fill(filled)?;
        tokio::try_join!(prepared.render(&files), prepared.render(&files))
    }

    async fn deploy(
        &self,
        permit: &Permit,
        job: &ReleaseJob,
        filled: Filled<'_>,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran> {
        let prepared = self.prepare(job).await?;
        let files = prepared.fill(filled)?;
        let args = command::deploy(&prepared.call(), &files, patience, &job.operation.to_string());
        let work = run::Work { args, verb: run::Verb::Deploy, patience };
        let guard = Box::pin(permit.lease().check());
        run::run(&prepared, job, work, watch, guard).await
    }

    async fn rollback(
        &self,
        permit: &Permit,
        job: &ReleaseJob,
        revision: u64,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran> {
        let prepared = self.prepare(job).await?;
        let args = command::rollback(&prepared.call(), revision, patience);
        let work = run::Work { args, verb: run::Verb::Rollback, patience };
        let guard = Box::pin(permit.lease().check());
        run::run(&prepared, job, work, watch, guard).await
    }

    async fn uninstall(
        &self,
        permit: &Permit,
        job: &ReleaseJob,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran> {
        let prepared = self.prepare(job).await?;
        let args = command::uninstall(&prepared.call(), patience);
        let work = run::Work { args, verb: run::Verb::Uninstall, patience };
        let guard = Box::pin(permit.lease().check());
        run::run(&prepared, job, work, watch, guard).await
    }
}
