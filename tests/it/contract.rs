//! What every store promises, whatever it is built on. Each file here holds tests as functions over a way to open the
//! store; a store is put under them in a file of its own, as `sqlite` is.

mod approvals;
mod audit;
mod leases;
mod sqlite;
mod verify;

use std::sync::Arc;

use datamcp::approval::ApprovalStore;
use datamcp::audit::AuditStore;
use datamcp::lock::LeaseStore;

/// Opens one place; each call is what another process would see.
pub(crate) type Open<'a, S> = &'a (dyn Fn() -> Arc<S> + Sync);
pub(crate) type OpenAudit<'a> = Open<'a, dyn AuditStore>;
pub(crate) type OpenApprovals<'a> = Open<'a, dyn ApprovalStore>;
pub(crate) type OpenLeases<'a> = Open<'a, dyn LeaseStore>;

/// A moment, in seconds since 1970.
pub(crate) fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}
