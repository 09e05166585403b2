//! The objects in which a backend keeps a state: its versions, and the lock beside it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StateLock;
use crate::lock::Lease;
use crate::model::StateVersion;

/// One stored version of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// The backend's id of the version.
    pub id: String,
    /// When it was written, as the backend says.
    pub written: String,
    /// Lineage and serial.
    #[serde(flatten)]
    pub state: StateVersion,
}

/// The lock beside a state, as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockObject {
    /// What it says.
    pub lock: StateLock,
    /// Names exactly this content, for a condition.
    pub tag: String,
}

/// What a lock of our own child has to say.
#[derive(Debug, Clone)]
pub struct Ours<'a> {
    /// The id that terraform was refused for.
    pub id: &'a str,
    /// `user@host` of our children.
    pub who: &'a str,
    /// When the child was about to be started.
    pub since: Timestamp,
    /// When it had ended.
    pub until: Timestamp,
}

/// A lock that our own child stored and was then refused for: its answer got lost on the way. Only such a lock may be
/// taken away, and only under the target's lease, which is in it.
#[derive(Debug)]
pub struct OwnOrphan<'l> {
    lease: &'l Lease,
    seen: LockObject,
}

impl<'l> OwnOrphan<'l> {
    /// Recognises it. `None`: it may be somebody else's.
    ///
    /// The child has ended, or there would be no `until`; whether another terraform of this machine works on the same
    /// state is asked beside this.
    pub fn recognise(lease: &'l Lease, ours: &Ours<'_>, seen: LockObject) -> Option<Self> {
        let created: Timestamp = seen.lock.created.parse().ok()?;
        let own = seen.lock.id == ours.id
            && !ours.id.is_empty()
            && seen.lock.who == ours.who
            && (ours.since..=ours.until).contains(&created);
        own.then_some(Self { lease, seen })
    }

    /// The lease that it may be taken away under: to be checked right before.
    pub fn lease(&self) -> &Lease {
        self.lease
    }

    /// The lock as it was seen.
    pub fn seen(&self) -> &LockObject {
        &self.seen
    }
}
