//! The proof that an operation holds its target.

use std::sync::Arc;

use super::store::{Acquired, Blocked, Holder, LeaseStore};
use crate::error::{Error, ErrorCode, Result};
use crate::model::OperationId;

/// A held lease. Given back by [`release`](Lease::release); dropped without it, it stays claimed and the next
/// try finds it abandoned.
pub struct Lease {
    store: Arc<dyn LeaseStore>,
    key: String,
    operation: OperationId,
    fence: u64,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("key", &self.key)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}

/// Why a lease was not granted.
#[derive(Debug)]
pub enum NotGranted {
    /// Somebody alive holds it.
    Held(Holder),
    /// Its last holder died: settle that operation, then try again.
    Abandoned(Holder),
    /// A person has to reconcile first.
    Blocked(Blocked),
    /// The store failed.
    Store(Error),
}

impl Lease {
    /// Tries once to take the lease on `key`.
    pub async fn acquire(
        store: &Arc<dyn LeaseStore>,
        key: &str,
        holder: &Holder,
    ) -> Result<Self, NotGranted> {
        match store.acquire(key, holder).await {
            Ok(Acquired::Granted(fence)) => Ok(Self {
                store: Arc::clone(store),
                key: key.to_owned(),
                operation: holder.operation,
                fence,
            }),
            Ok(Acquired::Held(other)) => Err(NotGranted::Held(other)),
            Ok(Acquired::Abandoned(dead)) => Err(NotGranted::Abandoned(dead)),
            Ok(Acquired::Blocked(blocked)) => Err(NotGranted::Blocked(blocked)),
            Err(error) => Err(NotGranted::Store(error)),
        }
    }

    /// The target it is on.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The operation that holds it.
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// Its fence.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Asks the store whether this is still the current grant: a proof can be old.
    pub async fn check(&self) -> Result<()> {
        self.store.check(&self.key, self.operation, self.fence).await
    }

    /// Gives it back.
    pub async fn release(self) -> Result<()> {
        self.store.release(&self.key, self.operation, self.fence).await
    }

    /// Gives it back but leaves the target blocked until a person reconciles.
    pub async fn block(self, blocked: &Blocked) -> Result<()> {
        self.store.block(&self.key, blocked).await
    }
}

/// The refusal that names who holds a target, since when, for what.
pub fn held(key: &str, holder: &Holder) -> Error {
    Error::new(
        ErrorCode::LockHeld,
        format!(
            "acquiring lock {key}: held by operation {} ({}) of {} since {}",
            holder.operation, holder.tool, holder.user, holder.since
        ),
    )
    .detail("operation", holder.operation.to_string())
    .detail("tool", holder.tool.clone())
    .detail("user", holder.user.clone())
    .detail("since", holder.since.to_string())
    .next(format!(
        "wait for it with get_operation {}, or stop it with cancel_operation",
        holder.operation
    ))
}

/// The refusal that names why a target is blocked.
pub fn blocked(key: &str, blocked: &Blocked) -> Error {
    Error::new(
        ErrorCode::EnvironmentBlocked,
        format!(
            "acquiring lock {key}: blocked since {} by operation {}: {}",
            blocked.since, blocked.operation, blocked.reason
        ),
    )
    .detail("operation", blocked.operation.to_string())
    .detail("since", blocked.since.to_string())
    .next(format!(
        "a person looks at the environment, then runs `datamcp reconcile {}`",
        blocked.operation
    ))
}
