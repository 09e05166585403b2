//! Plans and applies one root module.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::model::{ChangeSet, Digest, Environment, Intent, OperationId, Outcome, StateVersion};
use crate::permit::Permit;

mod variables;

pub use variables::check_variables;

/// One root module, for one operation.
#[derive(Debug, Clone)]
pub struct Job {
    /// The environment.
    pub environment: Environment,
    /// Terraform workspace.
    pub workspace: String,
    /// The operation that this is done for.
    pub operation: OperationId,
    /// Folder for files in clear that live no longer than the operation.
    pub scratch: PathBuf,
}

/// A declared input variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableDecl {
    /// Its name.
    pub name: String,
    /// Whether it has a default.
    pub optional: bool,
    /// Whether the module marks it as sensitive.
    pub sensitive: bool,
    /// Its type expression as written, `any` when there is none.
    pub kind: String,
}

/// What can be said of a root module by reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Declared variables.
    pub variables: Vec<VariableDecl>,
    /// Things a user should know, for instance a deprecated backend argument.
    pub warnings: Vec<String>,
}

/// Binary and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolVersion {
    /// `terraform` or `tofu`.
    pub name: String,
    /// Version, for instance `1.11.4`.
    pub version: String,
    /// Where it was found.
    pub path: PathBuf,
}

/// A computed plan. Holds secrets in clear: stored sealed, shown never.
#[derive(Clone)]
pub struct Planned {
    /// The saved plan file.
    pub file: Vec<u8>,
    /// SHA-256 of its JSON form.
    pub json: Digest,
    /// What it would do.
    pub changes: ChangeSet,
    /// Human text (`terraform show`), not redacted.
    pub text: String,
    /// The state it was computed against.
    pub state: StateVersion,
    /// The facts of the job at that time.
    pub facts: JobFacts,
    /// Values that must not leave (sensitive by the plan's own marks).
    pub secrets: Vec<String>,
    /// Warnings of terraform, not redacted.
    pub warnings: Vec<String>,
    /// Digest of what was seen in the world, by address: of what the plan changes, or of what has drifted. What was not
    /// there yet is left out.
    pub seen: BTreeMap<String, Digest>,
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planned")
            .field("json", &self.json)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Facts of a job that an approval is bound to and that can be observed without computing a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// Version of the binary, with its name: `terraform 1.11.4`.
    pub terraform: String,
    /// SHA-256 of the provider lock file.
    pub providers: Digest,
    /// SHA-256 of the configuration tree.
    pub tree: Digest,
}

/// The saved plan that a permit is for.
#[derive(Clone, Copy)]
pub struct PlanFile<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Resources it would touch, for the list of what was not started.
    pub changes: &'a ChangeSet,
}

impl std::fmt::Debug for PlanFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanFile").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// How an apply ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Applied {
    /// The end.
    pub outcome: Outcome,
    /// Terraform's exit code; `None` when a signal ended it or nobody saw it.
    pub returncode: Option<i32>,
    /// Addresses that were completed.
    pub done: Vec<String>,
    /// Addresses that failed, with the provider's message (not redacted).
    pub failed: BTreeMap<String, String>,
    /// Addresses that were never started.
    pub not_started: Vec<String>,
    /// Human text of the stream, not redacted, head and tail when it is long.
    pub text: String,
    /// The state after it, when it could be read.
    pub state: Option<StateVersion>,
    /// How many resources are in that state.
    pub resources: usize,
    /// Addresses that were made but are not in that state.
    pub missing: Vec<String>,
    /// What went wrong, typed; `None` on success.
    pub error: Option<Error>,
    /// Outputs that the stream reported, sensitive values left out by terraform.
    pub outputs: Map<String, Value>,
}

/// One root output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Its value; left out when it is sensitive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Value>,
    /// Whether the module marks it as sensitive.
    pub sensitive: bool,
}

/// A Terraform state lock that somebody holds (Terraform's `LockInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateLock {
    /// Lock id.
    pub id: String,
    /// `user@host`.
    pub who: String,
    /// What they do.
    pub operation: String,
    /// Since when.
    pub created: String,
}

/// Sees what a run does while it does it, and may stop it.
#[async_trait]
pub trait Watch: Send + Sync {
    /// A durable note in the operation's journal: `intent` before a mutating child starts, `child` after, `exit` at its end.
    async fn note(&self, kind: &str, body: Value) -> Result<()>;
    /// Progress for people: what is going on, how much of how much.
    async fn progress(&self, message: &str, done: usize, total: usize);
    /// A line of the log, not redacted: the receiver redacts.
    async fn line(&self, text: &str);
    /// Whether a stop was asked for.
    async fn stop_requested(&self) -> bool;
}

/// Plans and applies root modules.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// Looks for the binary. Starts no child.
    async fn find(&self) -> Result<()>;

    /// Finds the binary and asks its version. Starts a child the first time.
    async fn version(&self) -> Result<ToolVersion>;

    /// Reads the root module: declared variables, and every reason to refuse it (backend, providers, provisioners,
    /// module sources). Starts no child, opens no connection.
    async fn inspect(&self, environment: &Environment) -> Result<Module>;

    /// Computes a plan. Takes Terraform's state lock while it runs; changes nothing. One SIGINT when a stop is asked for.
    async fn plan(
        &self,
        job: &Job,
        intent: Intent,
        variables: &Map<String, Value>,
        watch: &dyn Watch,
    ) -> Result<Planned>;

    /// The facts of the job as they are now.
    async fn facts(&self, job: &Job) -> Result<JobFacts>;

    /// Lineage and serial of the state as it is now.
    async fn state(&self, job: &Job) -> Result<StateVersion>;

    /// Applies exactly the saved plan. Durable before it returns: the state, or a report of its loss.
    /// Notes `intent`, `child` and `exit`. A stop sends one SIGINT and still returns an outcome.
    async fn apply(
        &self,
        permit: &Permit,
        job: &Job,
        plan: PlanFile<'_>,
        watch: &dyn Watch,
    ) -> Result<Applied>;

    /// Whether another process of this machine may be at work on the same state, one that is no child of ours. True when
    /// it cannot be told.
    async fn is_beside(&self, _job: &Job) -> Result<bool> {
        Ok(true)
    }

    /// Reads the outputs. Values of sensitive ones are left out.
    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>>;
}
