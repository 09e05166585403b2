//! What happened, as a hash chain of events per target, written before the effect.

pub mod anchor;
pub mod entry;
pub mod event;
pub mod store;
pub mod verify;

pub use anchor::Anchor;
pub use entry::{Closing, Entry, Log, Opening};
pub use event::{Body, EventRecord, NewEvent};
pub use store::{AuditStore, OperationRow, Page, Query};
