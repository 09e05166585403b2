//! Applications of an Argo CD: looks at them, changes them, has them synced.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{ArgoProject, OperationId};
use crate::permit::Permit;

/// An application as Argo CD shows it. Health and sync come from another part of it than the operation: none of the three
/// says anything about the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its uid: another one is another application, whatever its name.
    pub uid: String,
    /// What it is to be.
    pub spec: Value,
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub sync: String,
    /// The commit that it was last compared with.
    pub revision: Option<String>,
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`.
    pub health: String,
    /// When it was last compared.
    pub reconciled: Option<Timestamp>,
    /// Whether an operation is asked for or running.
    pub busy: bool,
    /// The operation that runs, or the last one.
    pub last: Option<SyncState>,
    /// Its objects.
    pub resources: Vec<ResourceState>,
    /// What was deployed, oldest first.
    pub history: Vec<Deployed>,
    /// What Argo CD has to say against it.
    pub conditions: Vec<String>,
    /// Whether Argo CD syncs it by itself.
    pub automatic: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
}

impl Application {
    /// Where it comes from when that is more than one place: repository and revision of each.
    pub fn sources(&self) -> Vec<String> {
        let text = |source: &Value, key: &str| {
            source.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let of = |source: &Value| {
            let url = text(source, "repoURL");
            // What stands before an @ may be a password.
            let place = url.rsplit_once('@').map_or(url.as_str(), |(_, place)| place);
            format!("{place} at {}", text(source, "targetRevision"))
        };
        self.spec.get("sources").and_then(Value::as_array).into_iter().flatten().map(of).collect()
    }
}

/// An operation on an application.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncState {
    /// `Running`, `Terminating`, `Succeeded`, `Failed` or `Error`; empty while it is only asked for.
    pub phase: String,
    /// What Argo CD says about it.
    pub message: String,
    /// When it was begun.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Who asked for it: a user of Argo CD, or Argo CD itself.
    pub by: String,
    /// Our operation, when it is ours.
    pub ours: Option<OperationId>,
    /// The commit.
    pub revision: Option<String>,
    /// What became of each object.
    pub results: Vec<ResourceState>,
}

impl SyncState {
    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed" | "Error")
    }
}

/// How an object of an application stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceState {
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty for objects of the cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Of an object: `Synced`, `OutOfSync`. Of a result: `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`.
    pub status: String,
    /// Its health, where Argo CD knows one; of a result what was said.
    pub text: String,
    /// Whether it is a hook.
    pub hook: bool,
    /// Whether it is there, is not wanted any more, and would be deleted by pruning.
    pub stray: bool,
}

/// A sync that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// Its number.
    pub id: i64,
    /// The commit.
    pub revision: String,
    /// When.
    pub at: String,
}

/// One object of an application as it is and as it is to be. Secrets in it are masked by Argo CD, and again by whoever
/// shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// As it is in the cluster, without what does not count in a comparison; nothing when it is not there.
    pub live: Option<Value>,
    /// As it would be after a sync to the revision that was compared with; nothing when it is not wanted.
    pub predicted: Option<Value>,
    /// Whether it is a hook.
    pub hook: bool,
}

/// What bounds the applications of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Patterns of repositories.
    pub repositories: Vec<String>,
    /// Patterns of server, cluster name and namespace.
    pub destinations: Vec<(String, String, String)>,
}

/// What a sync is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOrder {
    /// The application.
    pub application: String,
    /// The commit.
    pub revision: String,
    /// Whether what is not wanted any more is deleted.
    pub prune: bool,
    /// Our operation: Argo CD keeps it with the sync, so that a lost answer can be found again.
    pub operation: OperationId,
}

/// What came of asking for a change.
#[derive(Debug)]
pub enum Asked {
    /// Argo CD took it.
    Taken,
    /// Nobody knows: the way there or back broke. It has to be looked for.
    Lost(Error),
}

/// Applications of one project.
#[async_trait]
pub trait Applications: Send + Sync {
    /// Its version. One with holes that let anybody into the cluster is refused; what else is known against it is told.
    async fn version(&self, place: &ArgoProject) -> Result<(String, Option<String>)>;

    /// What bounds its applications; nothing when the token may not see it.
    async fn bounds(&self, place: &ArgoProject) -> Result<Option<Bounds>>;

    /// All applications of the project.
    async fn list(&self, place: &ArgoProject) -> Result<Vec<Application>>;

    /// One application; nothing when there is none. `fresh` has it compared again first.
    async fn find(
        &self,
        place: &ArgoProject,
        name: &str,
        fresh: bool,
    ) -> Result<Option<Application>>;

    /// Its objects against the revision that it was compared with.
    async fn managed(&self, place: &ArgoProject, name: &str) -> Result<Vec<Managed>>;

    /// Its objects as a revision makes them.
    async fn rendered(&self, place: &ArgoProject, name: &str, revision: &str)
    -> Result<Vec<Value>>;

    /// Whether the project's sync windows let it be synced now.
    async fn may_sync(&self, place: &ArgoProject, name: &str) -> Result<bool>;

    /// Creates an application, or gives it another spec when `there`. Argo CD checks the spec, and renders it, first.
    async fn put(
        &self,
        permit: &Permit,
        place: &ArgoProject,
        name: &str,
        spec: &Value,
        there: bool,
    ) -> Result<Asked>;

    /// Asks for a sync. Returns at once: whoever asks follows it by [`find`](Self::find).
    async fn sync(&self, permit: &Permit, place: &ArgoProject, order: &SyncOrder) -> Result<Asked>;

    /// Asks for the end of the running operation. Returns at once; that none runs is as good.
    async fn terminate(&self, permit: &Permit, place: &ArgoProject, name: &str) -> Result<()>;

    /// Deletes an application, with its objects when `cascade`. Returns at once; that it is gone is as good.
    async fn delete(
        &self,
        permit: &Permit,
        place: &ArgoProject,
        name: &str,
        cascade: bool,
    ) -> Result<Asked>;
}
