//! One change at a time per target, by a fenced lease.

pub mod lease;
pub mod store;

pub use lease::Lease;
pub use store::{Acquired, Blocked, Holder, LeaseRecord, LeaseStore};
