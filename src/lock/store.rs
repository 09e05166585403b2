//! Port of the lease store: plain records; only [`lease`](super::lease) turns them into a proof.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::OperationId;

/// Who holds a lease, since when, for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The operation.
    pub operation: OperationId,
    /// Its tool.
    pub tool: String,
    /// Who asked for it.
    pub user: String,
    /// Host and process id of the supervisor, for people.
    pub place: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why nothing may change until a person reconciles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The operation that ended in an unknown way.
    pub operation: OperationId,
    /// What happened.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// How a lease stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Rises with every grant, never falls.
    pub fence: u64,
    /// Who holds it, alive or not.
    pub holder: Option<Holder>,
    /// Whether the holder (or a child that it left behind) is known to be alive.
    pub alive: bool,
    /// Set while a person has to reconcile.
    pub blocked: Option<Blocked>,
}

/// Answer to a try for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    /// Granted with this fence.
    Granted(u64),
    /// Somebody alive holds it.
    Held(Holder),
    /// The last holder is gone without having released: its operation has to be settled first.
    Abandoned(Holder),
    /// A person has to reconcile first.
    Blocked(Blocked),
}

/// Leases by key (a target's name). Several processes use one store at once.
///
/// A grant is exclusive until it is released, or until its holder *and every child it left behind* is gone; even then
/// nobody takes it over: the next try is answered [`Acquired::Abandoned`].
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Tries to take the lease; never waits for a holder. A key that was never seen starts at fence 1.
    async fn acquire(&self, key: &str, holder: &Holder) -> Result<Acquired>;
    /// Fails with `lock_held` unless `fence` is the current grant and held by `operation`.
    async fn check(&self, key: &str, operation: OperationId, fence: u64) -> Result<()>;
    /// Gives it back. Repeating is harmless; a foreign or older fence changes nothing and is an error.
    async fn release(&self, key: &str, operation: OperationId, fence: u64) -> Result<()>;
    /// Clears a dead holder's claim after its operation was settled. Refused while the holder or a child of it lives.
    async fn clear(&self, key: &str, operation: OperationId) -> Result<()>;
    /// Lets go of the lease but blocks the key until [`unblock`](Self::unblock). Works for a dead holder's claim too.
    async fn block(&self, key: &str, blocked: &Blocked) -> Result<()>;
    /// Takes the block away. Refused while a child of the blocked operation lives. The operation must be the one that blocks.
    async fn unblock(&self, key: &str, operation: OperationId) -> Result<()>;
    /// How a lease stands; `None` for a key never seen.
    async fn lease(&self, key: &str) -> Result<Option<LeaseRecord>>;
    /// All leases, by key.
    async fn leases(&self) -> Result<Vec<(String, LeaseRecord)>>;
}
