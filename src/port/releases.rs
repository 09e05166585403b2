//! Releases of Helm charts in one cluster: looks at them, renders them, changes them.

mod readiness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClusterFacts, ClusterUser, Watch};
use crate::error::{Error, Result};
use crate::model::{ChartAt, Digest, Environment, OperationId, Outcome};
use crate::permit::Permit;

pub use readiness::{Readiness, readiness};

/// A chart as it is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Its name, as `Chart.yaml` says it.
    pub name: String,
    /// Its version, as `Chart.yaml` says it.
    pub version: String,
    /// Contents by path inside of the chart.
    pub files: BTreeMap<String, Vec<u8>>,
    /// SHA-256 of its archive, else over paths and contents.
    pub digest: Digest,
    /// The archive, where it came as one: helm is given that, not the files.
    pub archive: Option<Vec<u8>>,
    /// The source that it was fetched from: name, URL, the registry's digest.
    pub origin: Option<String>,
    /// Who signed it, where settings have that checked.
    pub signature: Option<String>,
}

/// One release of one cluster, for one operation.
#[derive(Debug, Clone)]
pub struct ReleaseJob {
    /// The environment.
    pub environment: Environment,
    /// Its cluster, as the cloud says it is now.
    pub cluster: ClusterFacts,
    /// As whom it is spoken to.
    pub user: ClusterUser,
    /// The operation that this is done for.
    pub operation: OperationId,
    /// The namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// Folder for files in clear that live no longer than the operation.
    pub scratch: PathBuf,
}

/// One revision of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// Helm's word for how it stands: `deployed`, `failed`, `superseded`, `pending-upgrade` …
    pub status: String,
    /// Chart and its version.
    pub chart: String,
    /// When it was made.
    pub updated: String,
    /// What Helm, or whoever made it, noted.
    #[serde(default)]
    pub description: String,
}

impl Revision {
    /// Whether helm began it and has not said how it ended: it works on it, or was killed.
    pub fn is_pending(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }
}

/// A release as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its last revision.
    pub last: Revision,
}

/// What a chart has run before or after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// When: `pre-install`, `post-upgrade` …
    #[serde(default)]
    pub events: Vec<String>,
    /// The object.
    #[serde(default)]
    pub manifest: String,
}

/// A release as it is in the cluster. Holds secrets in clear: never shown, never kept unsealed.
#[derive(Clone)]
pub struct Release {
    /// The revision that was looked at.
    pub at: Revision,
    /// Revisions, oldest first.
    pub history: Vec<Revision>,
    /// What that revision made, as YAML documents.
    pub manifest: String,
    /// Its hooks.
    pub hooks: Vec<Hook>,
    /// The chart's text for people.
    pub notes: String,
    /// Objects of the release as they are in the cluster now.
    pub live: Vec<Value>,
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Release").field("at", &self.at).finish_non_exhaustive()
    }
}

/// What a chart with its values would make. Holds secrets in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Objects, as YAML documents.
    pub manifest: String,
    /// Hooks.
    pub hooks: Vec<Hook>,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rendered")
    }
}

/// Chart and values.
#[derive(Clone, Copy)]
pub struct Filled<'a> {
    /// The chart.
    pub chart: &'a Chart,
    /// The values; they may hold secrets.
    pub values: &'a Map<String, Value>,
}

impl std::fmt::Debug for Filled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filled").field("chart", &self.chart.name).finish_non_exhaustive()
    }
}

/// How patiently something is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Wait until everything is ready, or gone.
    pub wait: bool,
    /// How long at most, in seconds.
    pub timeout_s: u64,
    /// After a failure, go back to what there was.
    pub undo: bool,
}

/// How a change of a release ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The end.
    pub outcome: Outcome,
    /// Helm's exit code; `None` when a signal ended it or nobody saw it.
    pub returncode: Option<i32>,
    /// What helm said, not redacted.
    pub text: String,
    /// The last revision of the release after it; `None` when there is none, or it could not be looked at.
    pub last: Option<Revision>,
    /// The chart's text for people, not redacted.
    pub notes: String,
    /// What went wrong, typed; `None` on success.
    pub error: Option<Error>,
}

/// Releases of charts.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Looks for the binary. Starts no child.
    async fn find(&self) -> Result<()>;

    /// Finds the binary and asks its version, for instance `helm 4.3`. Starts a child the first time.
    async fn version(&self) -> Result<String>;

    /// Reads a chart below the project's chart folder. Starts no child, opens no connection, follows no link.
    async fn chart(&self, project: &Path, path: &str) -> Result<Chart>;

    /// Fetches a chart from a source of the settings, checks digest, contents and, where settings name keys, who signed
    /// it. `scratch` is for files in clear.
    async fn fetch(&self, at: &ChartAt, scratch: &Path) -> Result<Chart>;

    /// The uid of the namespace `kube-system`: it says which cluster this is, whatever its name and address.
    async fn cluster_uid(&self, job: &ReleaseJob) -> Result<String>;

    /// [`cluster_uid`](Self::cluster_uid) and the last revision of the release, asked at once.
    async fn meet(&self, job: &ReleaseJob) -> Result<(String, Option<Release>)>;

    /// The releases of the namespace, or only the job's when `all` is false.
    async fn list(&self, job: &ReleaseJob, all: bool) -> Result<Vec<Listed>>;

    /// The release at a revision, default the last; `None` when there is no such release.
    async fn look(&self, job: &ReleaseJob, revision: Option<u64>) -> Result<Option<Release>>;

    /// How a change ended that died with nobody looking, and what was seen of it: the job's release, held against the
    /// `intent` that was noted before. `None`: the note is of another release.
    async fn proven(&self, job: &ReleaseJob, intent: &Value) -> Result<Option<(Outcome, String)>>;

    /// What installing or upgrading would make. The API server is asked, nothing is stored; values that break the
    /// chart's schema are refused here.
    async fn render(&self, job: &ReleaseJob, filled: Filled<'_>) -> Result<Rendered>;

    /// As [`render`](Self::render), twice at once: what is another each time differs.
    async fn render_twice(
        &self,
        job: &ReleaseJob,
        filled: Filled<'_>,
    ) -> Result<(Rendered, Rendered)>;

    /// Installs or upgrades. Notes `intent`, `child` and `exit`. A stop sends one SIGINT.
    async fn deploy(
        &self,
        permit: &Permit,
        job: &ReleaseJob,
        filled: Filled<'_>,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran>;

    /// Goes back to a revision. Notes as `deploy` does; helm is never interrupted in it.
    async fn rollback(
        &self,
        permit: &Permit,
        job: &ReleaseJob,
        revision: u64,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran>;

    /// Takes the release away. Notes as `deploy` does; helm is never interrupted in it.
    async fn uninstall(
        &self,
        permit: &Permit,
        job: &ReleaseJob,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran>;
}
