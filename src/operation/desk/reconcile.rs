//! Settling an unknown end: a person looked at the environment and says how it was.

use super::{Decider, Person};
use crate::audit::{Body, OperationRow};
use crate::error::{Error, ErrorCode, Result};
use crate::lock::LeaseRecord;
use crate::model::{OperationId, Status};
use crate::operation::World;
use crate::run::{Settled, settle};

/// Bytes of the log that a person is shown.
const TAIL: usize = 2_000;

/// What a person is shown before they decide.
#[derive(Debug, Clone)]
pub struct Case {
    /// The operation.
    pub row: OperationRow,
    /// The lease of its target.
    pub lease: Option<LeaseRecord>,
    /// The end of its log.
    pub log_tail: String,
    /// Evidence that was kept, sealed.
    pub evidence: Vec<String>,
    /// What has to be typed: the target's name.
    pub word: String,
}

/// Looks the operation up. Only one that ended in an unknown way, or that blocks its target, can be reconciled.
pub async fn case(world: &World, id: &str) -> Result<Case> {
    let unknown = || {
        Error::invalid("id", id, "is not an operation")
            .next("`datamcp ops list --status unknown` lists what can be reconciled")
    };
    let parsed: OperationId = id.parse().map_err(|_| unknown())?;
    let settled = settle(&world.stores(), parsed).await?;
    let row = world.log.store().row(parsed).await?.ok_or_else(unknown)?;
    let lease = world.leases.lease(&row.chain).await?;
    let blocks =
        lease.as_ref().and_then(|l| l.blocked.as_ref()).is_some_and(|b| b.operation == parsed);
    match settled {
        Settled::Orphaned => {
            return Err(Error::new(
                ErrorCode::LockHeld,
                format!("reconciling {id}: a terraform that it started still works"),
            )
            .next("wait until it has ended, then reconcile"));
        }
        Settled::Alive => {
            return Err(Error::new(
                ErrorCode::LockHeld,
                format!("reconciling {id}: it is still running"),
            )
            .next("wait for its end with get_operation"));
        }
        _ if row.status != Status::Unknown && !blocks => {
            return Err(Error::invalid(
                "id",
                id,
                format!(
                    "ended as {} and blocks nothing: there is nothing to reconcile",
                    row.status
                ),
            ));
        }
        _ => {}
    }
    let (_, length) = world.runs.read_log(parsed, 0, 0).await?;
    let (log_tail, _) =
        world.runs.read_log(parsed, length.saturating_sub(TAIL as u64), TAIL).await?;
    let typed = row.env.clone().unwrap_or_else(|| row.chain.clone());
    Ok(Case { evidence: row.artifacts.clone(), row, lease, log_tail, word: typed })
}

/// Records what the person says and frees the target.
pub async fn reconcile(
    world: &World,
    person: &Person,
    case: &Case,
    status: Status,
    note: &str,
    typed: &str,
) -> Result<()> {
    if !matches!(status, Status::Succeeded | Status::Failed | Status::Partial) {
        return Err(Error::invalid("as", status.word(), "is not an end")
            .allowed("succeeded, failed or partial"));
    }
    if typed.trim_end_matches(['\r', '\n']) != case.word {
        return Err(Error::new(
            ErrorCode::PolicyDenied,
            format!("reconciling {}: what was typed is not what was asked for", case.row.id),
        )
        .given(typed)
        .allowed(&case.word));
    }
    let decider = Decider::at_terminal(&world.config, person);
    let evidence = decider.evidence(true, world.clock.now());
    let body = Body::Reconciled { status, evidence, note: note.to_owned() };
    world.log.record(case.row.id, &case.row.chain, &decider.actor(), body).await?;
    world.leases.unblock(&case.row.chain, case.row.id).await
}
