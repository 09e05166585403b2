//! What the database knows of a lease, and the refusals that quote it.

use rusqlite::{Connection, Row, Transaction};

use super::super::Stop;
use crate::error::{Error, ErrorCode, Result};
use crate::lock::store::{Blocked, Holder};
use crate::model::OperationId;

/// A lease's row.
#[derive(Default)]
pub(super) struct LeaseRow {
    pub(super) fence: u64,
    /// The operation of the last grant.
    pub(super) last: Option<OperationId>,
    pub(super) holder: Option<Holder>,
    pub(super) blocked: Option<Blocked>,
}

impl LeaseRow {
    pub(super) fn is_held_by(&self, operation: OperationId) -> bool {
        self.holder.as_ref().is_some_and(|h| h.operation == operation)
    }

    pub(super) fn parse(r: &Row<'_>) -> Result<Self, Stop> {
        fn of<T: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<T>, Stop> {
            text.map(|t| serde_json::from_str(&t))
                .transpose()
                .map_err(|e| Error::internal("reading a lock", e).into())
        }
        Ok(Self {
            fence: r.get::<_, i64>("fence")?.cast_unsigned(),
            last: r.get::<_, Option<String>>("operation")?.and_then(|t| t.parse().ok()),
            holder: of(r.get("holder")?)?,
            blocked: of(r.get("blocked")?)?,
        })
    }
}

pub(super) fn find(db: &Connection, key: &str) -> Result<Option<LeaseRow>, Stop> {
    db.prepare_cached("SELECT * FROM leases WHERE key = ?")?
        .query_and_then([key], LeaseRow::parse)?
        .next()
        .transpose()
}

pub(super) fn let_go(tx: &Transaction<'_>, key: &str) -> Result<(), Stop> {
    tx.prepare_cached("UPDATE leases SET holder = NULL WHERE key = ?")?.execute([key])?;
    Ok(())
}

pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Stop> {
    serde_json::to_string(value).map_err(|e| Error::internal("storing a lock", e).into())
}

pub(super) fn held(doing: &str, holder: &Holder) -> Error {
    Error::new(
        ErrorCode::LockHeld,
        format!(
            "{doing}: held by operation {} ({}) of {} since {}",
            holder.operation, holder.tool, holder.user, holder.since
        ),
    )
    .detail("operation", holder.operation.to_string())
    .detail("since", holder.since.to_string())
    .next(format!("look at it with get_operation {}", holder.operation))
}

pub(super) fn blocked_by(doing: &str, blocked: &Blocked) -> Error {
    Error::new(
        ErrorCode::EnvironmentBlocked,
        format!(
            "{doing}: blocked since {} by operation {}: {}",
            blocked.since, blocked.operation, blocked.reason
        ),
    )
    .detail("operation", blocked.operation.to_string())
    .next(format!(
        "a person looks at the environment, then runs `datamcp reconcile {}`",
        blocked.operation
    ))
}

pub(super) fn lost(
    doing: &str,
    operation: OperationId,
    fence: u64,
    row: Option<&LeaseRow>,
) -> Error {
    let now = match row {
        Some(LeaseRow { holder: Some(h), fence, .. }) => {
            format!("operation {} holds it with fence {fence}", h.operation)
        }
        Some(LeaseRow { fence, .. }) => format!("nobody holds it, its last fence is {fence}"),
        None => "it was never granted".to_owned(),
    };
    Error::new(
        ErrorCode::LockHeld,
        format!("{doing}: fence {fence} of operation {operation} does not hold it: {now}"),
    )
    .detail("operation", operation.to_string())
    .detail("fence", fence)
}
