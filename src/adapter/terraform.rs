//! Terraform and `OpenTofu` as [`Provisioner`]: a copy of the configuration by content, an environment from empty, fixed
//! arguments, saved plans only. Not a parser of human output: what is known comes from exit codes and JSON.

mod apply;
mod backend;
mod beside;
mod binary;
mod cli_config;
mod command;
mod diagnose;
mod environment;
mod files;
mod follow;
mod plan;
mod plan_file;
mod plan_json;
mod prepare;
mod report;
mod scan;
pub mod stream;
mod tree;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::model::{Environment, Intent, StateVersion};
use crate::permit::Permit;
use crate::port::{
    Applied, Job, JobFacts, Module, NoSecrets, Output, PlanFile, Planned, Provisioner, Secrets,
    ToolVersion, Watch,
};

/// Providers that a configuration may use when configuration lists none. `hashicorp/local` writes files and is not in it.
pub const DEFAULT_PROVIDERS: [&str; 7] = [
    "hashicorp/aws",
    "hashicorp/google",
    "hashicorp/google-beta",
    "hashicorp/random",
    "hashicorp/null",
    "hashicorp/time",
    "hashicorp/tls",
];

/// How terraform is found and what it may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The binary, when configuration names one.
    pub binary: Option<PathBuf>,
    /// Folders to look for it otherwise: those of `PATH`.
    pub search_path: Vec<PathBuf>,
    /// Folder with unpacked providers; nothing is downloaded then.
    pub provider_mirror: Option<PathBuf>,
    /// Where downloaded providers are kept; without it in the work folder.
    pub plugin_cache: Option<PathBuf>,
    /// Provider sources (`namespace/type`) that a configuration may use.
    pub allowed_providers: Vec<String>,
    /// Ways to run code that a configuration may use: `local-exec`, `remote-exec`, `file`, `external`, `http`.
    pub allowed_code: BTreeSet<String>,
    /// Prefixes of remote module sources that may be used, pinned.
    pub allowed_modules: Vec<String>,
    /// Folder for copies of configurations, installed providers and locks.
    pub work: PathBuf,
    /// Program and arguments that print credentials; the run's folder is added as last argument.
    pub credential_command: Vec<String>,
    /// Certificates and proxies for the children, by their usual names; other names are left out.
    pub passthrough: Vec<(String, String)>,
    /// Where tokens are found that settings refer to.
    pub secrets: Arc<dyn Secrets>,
}

impl Settings {
    /// Settings with the default allow-lists and nothing else.
    pub fn new(work: impl Into<PathBuf>, search_path: Vec<PathBuf>) -> Self {
        Self {
            binary: None,
            search_path,
            provider_mirror: None,
            plugin_cache: None,
            allowed_providers: DEFAULT_PROVIDERS.map(str::to_owned).to_vec(),
            allowed_code: BTreeSet::new(),
            allowed_modules: Vec::new(),
            work: work.into(),
            credential_command: Vec::new(),
            passthrough: Vec::new(),
            secrets: Arc::new(NoSecrets),
        }
    }

    fn allowed(&self) -> scan::Allowed<'_> {
        scan::Allowed {
            providers: &self.allowed_providers,
            code: &self.allowed_code,
            modules: &self.allowed_modules,
        }
    }
}

/// The adapter.
#[derive(Debug)]
pub struct Terraform {
    settings: Settings,
    version: OnceCell<ToolVersion>,
}

impl Terraform {
    /// Nothing is looked for before it is asked for.
    pub fn new(settings: Settings) -> Self {
        Self { settings, version: OnceCell::new() }
    }
}

#[async_trait]
impl Provisioner for Terraform {
    async fn find(&self) -> Result<()> {
        binary::find(self.settings.binary.as_deref(), &self.settings.search_path).map(drop)
    }

    async fn version(&self) -> Result<ToolVersion> {
        let probe = async || {
            let path = binary::find(self.settings.binary.as_deref(), &self.settings.search_path)?;
            files::make_dir(&self.settings.work)?;
            binary::version(&path, &self.settings.work).await
        };
        self.version.get_or_try_init(probe).await.cloned()
    }

    async fn inspect(&self, environment: &Environment) -> Result<Module> {
        let tree = tree::Tree::read(&environment.tree)?;
        let scanned = scan::scan(&environment.tree, environment, self.settings.allowed())?;
        prepare::locked(&scanned, &tree, &environment.root)?;
        Ok(scanned.module)
    }

    async fn plan(
        &self,
        job: &Job,
        intent: Intent,
        variables: &Map<String, Value>,
        watch: &dyn Watch,
    ) -> Result<Planned> {
        let doing = format!("preparing {}", job.environment.key);
        let prepared = follow::unless_stopped(watch, &doing, self.prepare(job)).await?;
        plan::plan(&prepared, job, intent, variables, watch).await
    }

    async fn facts(&self, job: &Job) -> Result<JobFacts> {
        let version = self.version().await?;
        let tree = tree::Tree::read(&job.environment.tree)?;
        Ok(prepare::facts(&version, &tree, &job.environment.root))
    }

    async fn state(&self, job: &Job) -> Result<StateVersion> {
        self.prepare(job).await?.state().await
    }

    async fn apply(
        &self,
        permit: &Permit,
        job: &Job,
        plan: PlanFile<'_>,
        watch: &dyn Watch,
    ) -> Result<Applied> {
        let doing = format!("preparing {}", job.environment.key);
        let prepared = follow::unless_stopped(watch, &doing, self.prepare(job)).await?;
        let guard = Box::pin(permit.lease().check());
        apply::apply(&prepared, job, plan, watch, guard).await
    }

    async fn is_beside(&self, job: &Job) -> Result<bool> {
        Ok(beside::is_beside(&job.environment.backend))
    }

    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>> {
        self.prepare(job).await?.outputs().await
    }
}

#[cfg(test)]
mod tests;
