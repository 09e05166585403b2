//! The place where an environment keeps its Terraform state: found, made, repaired.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Job, LockObject, ObjectVersion, OwnOrphan};
use crate::error::Result;
use crate::model::{Action, Environment};
use crate::permit::Permit;

/// One property that the place should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Which, for instance `versioning`.
    pub name: String,
    /// How it is.
    pub seen: String,
    /// How it should be.
    pub wanted: String,
    /// What has to be done about it; none when it is as it should be.
    pub action: Option<Action>,
}

/// What was found. The order of the settings is the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Name of the place, for instance `s3://acme-dev-tfstate`.
    pub place: String,
    /// Its properties.
    pub settings: Vec<Setting>,
    /// What was left out on purpose, and why.
    pub notes: Vec<String>,
}

/// Looks at state backends and makes them. Every call converges: what is as it should be is left alone.
#[async_trait]
pub trait StateBackend: Send + Sync {
    /// Looks. A place that belongs to somebody else, is in another region or may not be looked at is an error.
    async fn observe(&self, environment: &Environment, session: &str) -> Result<Findings>;

    /// Makes one setting as it should be; durable at the cloud when it returns.
    async fn set(
        &self,
        permit: &Permit,
        environment: &Environment,
        session: &str,
        setting: &str,
    ) -> Result<()>;

    /// Id of the newest stored version of a job's state; none while there is no state, and where no versions are kept.
    async fn newest(&self, job: &Job) -> Result<Option<String>>;

    /// Versions of a job's state that were stored after `since`, oldest first; empty where no versions are kept.
    async fn written(&self, job: &Job, since: Option<&str>) -> Result<Vec<ObjectVersion>>;

    /// The lock beside a job's state, where the backend keeps it as an object.
    async fn lock(&self, job: &Job) -> Result<Option<LockObject>>;

    /// Takes away a lock that is provably our own, exactly as it was seen, after a check of the lease in the proof.
    /// False: it is another one by now, and stays. Not covered by a permit: nothing of the infrastructure changes.
    async fn unlock(&self, job: &Job, orphan: OwnOrphan<'_>) -> Result<bool>;

    /// Permissions that terraform needs to use a state of this environment, and that its identity does not have: to read it,
    /// or to `write` it and its lock, too. Nothing where that cannot be asked.
    async fn lacks(&self, _environment: &Environment, _write: bool) -> Result<Vec<&'static str>> {
        Ok(Vec::new())
    }
}
