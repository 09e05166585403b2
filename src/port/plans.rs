//! Plans between being computed and being carried out, sealed at rest.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::model::{PlanId, PlanRecord};

/// Sealed plans, and the variables of the last apply.
#[async_trait]
pub trait Plans: Send + Sync {
    /// Keeps a plan: record and file, both encrypted, durable when it returns.
    async fn put(&self, record: &PlanRecord, file: &[u8]) -> Result<()>;
    /// The record, or `None` when there is none of that id. A record that does not open is an error.
    async fn record(&self, id: PlanId) -> Result<Option<PlanRecord>>;
    /// The plan file. A file that does not open (a byte flipped) is `approval_mismatch`.
    async fn file(&self, id: PlanId) -> Result<Vec<u8>>;
    /// Deletes the plan file; the record stays until it expires, so that a second use is told apart from an unknown plan.
    async fn burn(&self, id: PlanId) -> Result<()>;
    /// Deletes the plan files that expired before `now` (they hold secrets) and, a day later, their records. Returns how
    /// many files.
    async fn sweep(&self, now: Timestamp) -> Result<usize>;
    /// Keeps the variables of the last apply of `place` (`aws/dev/default`); destroy uses them.
    async fn keep_variables(&self, place: &str, variables: &Map<String, Value>) -> Result<()>;
    /// The variables kept for `place`.
    async fn kept_variables(&self, place: &str) -> Result<Option<Map<String, Value>>>;
    /// Keeps where the state of `place` is, as [`Backend::identity`](crate::model::Backend::identity) says it; durable
    /// when it returns.
    async fn keep_backend(&self, place: &str, identity: &str) -> Result<()>;
    /// Where the state of `place` was when it was last changed.
    async fn kept_backend(&self, place: &str) -> Result<Option<String>>;
}
