//! Everything a terraform child needs before it starts: the copied tree, scanned; backend values; configuration files;
//! an initialised data folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::report::Report;
use super::stream::Parser;
use super::tree::Tree;
use super::{
    Terraform, backend, cli_config, command, diagnose, environment, files, plan_file, scan,
    workspace,
};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{End, Invocation, Sink};
use crate::model::digest::Parts;
use crate::model::{Digest, StateVersion};
use crate::port::credentials::{GOOGLE_FILE, aws_config};
use crate::port::{Job, JobFacts, Output, Provisioner, ToolVersion};

/// Longest time for a command that only reads.
const READ_LIMIT: Duration = Duration::from_mins(10);
/// Longest time for an init, which may download providers.
const INIT_LIMIT: Duration = Duration::from_mins(30);
/// Largest answer of a command that only reads.
const ANSWER_MAX: usize = 512 * 1024 * 1024;
const INITIALISED: &str = "datamcp-initialised";

/// A job that is ready to run.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) tool: ToolVersion,
    pub(super) facts: JobFacts,
    /// `aws/dev`, for messages.
    pub(super) place: String,
    /// The root module in the copied tree; terraform's working folder.
    pub(super) cwd: PathBuf,
    pub(super) env: Vec<(String, String)>,
}

impl Drop for Prepared {
    /// A folder for sockets outside of the scratch folder goes when it is empty: never under a child that still runs.
    fn drop(&mut self) {
        for (_, tmp) in self.env.iter().filter(|(name, _)| name == "TMPDIR") {
            std::fs::remove_dir(tmp).ok();
        }
    }
}

/// The facts that can be told by reading files.
pub(super) fn facts(tool: &ToolVersion, tree: &Tree, root: &Path) -> JobFacts {
    JobFacts {
        terraform: format!("{} {}", tool.name, tool.version),
        providers: tree.lock_file(root).unwrap_or_else(|| Digest::of(b"")),
        tree: tree.digest().clone(),
    }
}

impl Terraform {
    /// Makes a job ready. Starts `init` when the data folder for exactly these inputs is new.
    pub(super) async fn prepare(&self, job: &Job) -> Result<Prepared> {
        let tool = self.version().await?;
        let environment = &job.environment;
        let (work, place) = (&self.settings.work, environment.key.to_string());
        let tree = Tree::read(&environment.tree)?;
        let folder = format!("{}-{}", environment.key.cloud.word(), environment.key.name);
        let copy = tree.copy_to(&work.join("trees").join(&folder))?;
        let scanned = scan::scan(&copy, environment, self.settings.allowed())?;
        locked(&scanned, &tree, &environment.root)?;
        let facts = facts(&tool, &tree, &environment.root);
        files::make_dir(&job.scratch)?;
        let cache = self.plugin_cache()?;
        let cli = cli_config::render(self.settings.provider_mirror.as_deref(), cache.as_deref());
        let values = backend::render(environment);
        let data = work.join("data").join(format!(
            "{folder}-{}-{}",
            job.workspace,
            fingerprint(&[
                facts.tree.as_str(),
                &environment.root.to_string_lossy(),
                &values.to_string(),
                &facts.terraform,
                &cli,
            ])
        ));
        // The token is no part of what the data folder is for: a new one needs no new folder.
        let signed = backend::token(&environment.backend, &*self.settings.secrets).await?;
        let found = workspace::standing(&environment.backend, signed.as_ref()).await?;
        let token = signed.as_ref().map(|(host, token)| cli_config::credentials(host, token));
        let cli = cli + token.as_deref().unwrap_or_default();
        let env = self.environment(job, &cli, &data)?;
        let prepared = Prepared { tool, facts, place, cwd: copy.join(&environment.root), env };
        let mark = data.join(INITIALISED);
        if !mark.is_file() {
            prepared.init(job, &values, &data, cache.as_deref()).await?;
            scan::installed(&data, environment, self.settings.allowed())?;
            if found == workspace::Standing::Absent {
                workspace::standing(&environment.backend, signed.as_ref()).await?;
            }
            files::write_private(&mark, b"")?;
        }
        Ok(prepared)
    }

    /// The shared cache for downloads; none when there is a mirror.
    fn plugin_cache(&self) -> Result<Option<PathBuf>> {
        if self.settings.provider_mirror.is_some() {
            return Ok(None);
        }
        let cache = self
            .settings
            .plugin_cache
            .clone()
            .unwrap_or_else(|| self.settings.work.join("plugins"));
        files::make_dir(&cache)?;
        Ok(Some(cache))
    }

    fn environment(&self, job: &Job, cli: &str, data: &Path) -> Result<Vec<(String, String)>> {
        let scratch = &job.scratch;
        let (home, tmp) =
            (scratch.join("home"), environment::short_tmp(scratch, &job.operation.to_string()));
        files::make_dir(&home)?;
        files::make_dir(&tmp)?;
        let (cli_file, aws_file) = (scratch.join("terraform.rc"), scratch.join("aws.config"));
        files::write_private(&cli_file, cli.as_bytes())?;
        let run = scratch.parent().unwrap_or(scratch);
        let aws = aws_config(&self.settings.credential_command, run, &job.environment.region)?;
        files::write_private(&aws_file, aws.as_bytes())?;
        Ok(environment::build(&environment::Needs {
            environment: &job.environment,
            workspace: &job.workspace,
            home: &home,
            tmp: &tmp,
            cli_config: &cli_file,
            aws_config: &aws_file,
            google_file: &run.join(GOOGLE_FILE),
            data,
            passthrough: &self.settings.passthrough,
        }))
    }
}

fn fingerprint(parts: &[&str]) -> String {
    let mut all = Parts::default();
    for part in parts {
        all.add(part.as_bytes());
    }
    let digest = all.finish();
    let hex = digest.as_str().trim_start_matches("sha256:");
    hex.get(..16).unwrap_or(hex).to_owned()
}

/// Refuses a root module whose providers are not pinned by a lock file.
pub(super) fn locked(scanned: &scan::Scanned, tree: &Tree, root: &Path) -> Result<()> {
    if !scanned.needs_providers || tree.lock_file(root).is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidRequest,
        format!("scanning the configuration: {} has no provider lock file", root.display()),
    )
    .field("environment.root")
    .allowed("a .terraform.lock.hcl beside the root module")
    .next("run `terraform init -backend=false` and `terraform providers lock` in the root module and commit .terraform.lock.hcl"))
}

#[derive(Deserialize)]
struct RawOutput {
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    value: Value,
}

impl Prepared {
    /// A child in this job's folder and environment.
    pub(super) fn invocation(&self, args: Vec<OsString>) -> Invocation {
        Invocation::new(&self.tool.path, &self.cwd).args(args).env(self.env.iter().cloned())
    }

    /// Runs a child that only reads, and returns what it printed.
    pub(super) async fn read(&self, doing: &str, args: Vec<OsString>) -> Result<Vec<u8>> {
        let end = self
            .invocation(args)
            .output(Sink::Capture(ANSWER_MAX), Sink::Capture(1024 * 1024))
            .capture(READ_LIMIT)
            .await?;
        if end.code != Some(0) {
            let found = diagnose::from_text(&end.stderr.text());
            return Err(diagnose::classify(doing, &found).detail("returncode", end.code));
        }
        if end.stdout.dropped > 0 {
            let why = format!("{doing}: the answer is larger than {ANSWER_MAX} bytes");
            return Err(Error::new(ErrorCode::UpstreamFailed, why));
        }
        Ok(end.stdout.bytes)
    }

    /// The whole state now, with secrets in clear: read and dropped.
    pub(super) async fn pull(&self) -> Result<Vec<u8>> {
        let doing = format!("reading the state of {}", self.place);
        self.read(&doing, command::state_pull()).await
    }

    /// Lineage and serial of the state now.
    pub(super) async fn state(&self) -> Result<StateVersion> {
        plan_file::version_of(&self.pull().await?)
    }

    /// The outputs, sensitive values left out.
    pub(super) async fn outputs(&self) -> Result<BTreeMap<String, Output>> {
        let doing = format!("reading the outputs of {}", self.place);
        let bytes = self.read(&doing, command::outputs()).await?;
        let raw: BTreeMap<String, RawOutput> = serde_json::from_slice(&bytes)
            .map_err(|e| Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {e}")))?;
        let shown = |raw: RawOutput| Output {
            value: (!raw.sensitive).then_some(raw.value),
            sensitive: raw.sensitive,
        };
        Ok(raw.into_iter().map(|(k, v)| (k, shown(v))).collect())
    }

    async fn init(
        &self,
        job: &Job,
        values: &Value,
        data: &Path,
        cache: Option<&Path>,
    ) -> Result<()> {
        files::make_dir(data)?;
        if let crate::model::Backend::Local { path } = &job.environment.backend
            && let Some(folder) = path.parent()
        {
            files::make_dir(folder)?;
        }
        let _data = files::FileLock::take(&data.join("datamcp.lock")).await?;
        if data.join(INITIALISED).is_file() {
            return Ok(());
        }
        // Not safe to run twice at once on one cache.
        let _cache = match cache {
            Some(cache) => Some(files::FileLock::take(&cache.join(".datamcp.lock")).await?),
            None => None,
        };
        let by_file = backend::by_file(&job.environment.backend);
        let file = job.scratch.join("backend.json");
        files::write_private(&file, values.to_string().as_bytes())?;
        // In the default workspace, which is always there: init refuses to select one that a first plan will make. A
        // cloud block has no default one; its workspace is part of the place.
        let env = self.env.iter().filter(|(name, _)| !by_file || name != "TF_WORKSPACE").cloned();
        let end = Invocation::new(&self.tool.path, &self.cwd)
            .args(command::init(by_file.then_some(file.as_path())))
            .env(env)
            .output(Sink::Capture(4 * 1024 * 1024), Sink::Capture(1024 * 1024))
            .capture(INIT_LIMIT)
            .await?;
        if end.code == Some(0) {
            return Ok(());
        }
        Err(init_failed(&self.place, &end))
    }
}

fn init_failed(place: &str, end: &End) -> Error {
    let (mut report, mut parser) = (Report::default(), Parser::default());
    parser.push(&end.stdout.bytes, &mut |p| report.take(p));
    parser.finish(&mut |p| report.take(p));
    report.diagnostics.extend(diagnose::from_text(&end.stderr.text()));
    diagnose::classify(&format!("initialising {place}"), &report.diagnostics)
        .detail("returncode", end.code)
}
