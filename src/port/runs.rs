//! The folder of one operation: sealed run file, journal, log, result, cancel request, and the supervisor's hold on it.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::model::OperationId;

/// One line of an operation's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// When.
    pub ts: Timestamp,
    /// What happened.
    pub kind: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

impl JournalLine {
    /// A field of the body; `null` when there is none.
    pub fn field(&self, name: &str) -> &Value {
        self.body.get(name).unwrap_or(&Value::Null)
    }
}

/// Keeps a run's folder held by this process; a dead process lets go by itself.
pub trait Hold: Send + Sync + std::fmt::Debug {}

/// Run folders. Whatever is written here is redacted or sealed by the caller or by this port, as each method says.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Makes the folder and stores the run file sealed; durable when it returns. Refuses an id that exists.
    async fn create(&self, id: OperationId, run_file: &Value) -> Result<()>;
    /// Opens the run file; `None` when there is none.
    async fn run_file(&self, id: OperationId) -> Result<Option<Value>>;
    /// Takes the supervisor's hold; `None` when another process has it.
    async fn hold(&self, id: OperationId) -> Result<Option<Box<dyn Hold>>>;
    /// Whether a live process holds the folder.
    async fn is_held(&self, id: OperationId) -> Result<bool>;
    /// Appends a line to the journal, durable when it returns.
    async fn note(&self, id: OperationId, line: &JournalLine) -> Result<()>;
    /// Appends a line to the journal without waiting for the disk: progress.
    async fn note_lazily(&self, id: OperationId, line: &JournalLine) -> Result<()>;
    /// The journal's whole lines from byte `offset` on, and the offset after them.
    async fn journal(&self, id: OperationId, offset: u64) -> Result<(Vec<JournalLine>, u64)>;
    /// Appends redacted text to the operation's log.
    async fn log(&self, id: OperationId, text: &str) -> Result<()>;
    /// At most `limit` bytes of the log from `offset` on, cut at a character boundary, and the log's length.
    async fn read_log(&self, id: OperationId, offset: u64, limit: usize) -> Result<(String, u64)>;
    /// Stores the redacted answer, durable when it returns.
    async fn put_result(&self, id: OperationId, result: &Value) -> Result<()>;
    /// The stored answer.
    async fn result(&self, id: OperationId) -> Result<Option<Value>>;
    /// Asks the supervisor to stop. True when this was the first request.
    async fn request_cancel(&self, id: OperationId, by: &str) -> Result<bool>;
    /// Who asked to stop, if anybody did.
    async fn cancel_requested(&self, id: OperationId) -> Result<Option<String>>;
    /// Folder for files in clear that live no longer than the operation (plan file, variables, streams), mode 0700.
    async fn scratch(&self, id: OperationId) -> Result<std::path::PathBuf>;
    /// Size of a scratch file; `None` when there is none.
    async fn scratch_size(&self, id: OperationId, name: &str) -> Result<Option<u64>>;
    /// Seals the named scratch files into the folder (kept as evidence) and deletes the whole scratch folder.
    async fn close_scratch(&self, id: OperationId, keep: &[&str]) -> Result<Vec<String>>;
    /// Removes the whole folder: for reads, whose folder is only a place to work in.
    async fn forget(&self, id: OperationId) -> Result<()>;
    /// Removes the folders of runs that began before `before` and have an answer, but for those that nobody may lose:
    /// held by a supervisor, or with evidence in them. How many.
    async fn sweep(&self, before: Timestamp) -> Result<usize>;
}
