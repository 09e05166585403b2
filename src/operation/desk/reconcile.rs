//! Settling an unknown end: a person looked at the environment and says how it was.

use super::{Decider, Person};
use crate::audit::{Body, OperationRow};
use crate::error::{Error, ErrorCode, Result};
use crate::lock::LeaseRecord;
use crate::model::{OperationId, StateMark, Status};
use crate::operation::{World, state};
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
    /// The Terraform state that the operation was refused for.
    pub state: Option<StateMark>,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// How an end was that nobody saw.
    Ended(Status),
    /// The Terraform state that the operation was refused for is right.
    StateIsRight,
}

/// Looks the operation up. Only one that ended in an unknown way, that blocks its target, or that was refused for the
/// state that it found can be reconciled.
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
    let state = refused_for(&row);
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
        _ if row.status != Status::Unknown && !blocks && state.is_none() => {
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
    Ok(Case { evidence: row.artifacts.clone(), row, lease, log_tail, word: typed, state })
}

/// The state that an operation found and was refused for.
fn refused_for(row: &OperationRow) -> Option<StateMark> {
    let found = row.error.as_ref()?.details.get(state::DETAIL)?.get("found")?;
    serde_json::from_value(found.clone()).ok()
}

/// Records what the person says and frees the target.
pub async fn reconcile(
    world: &World,
    person: &Person,
    case: &Case,
    said: Word,
    note: &str,
    typed: &str,
) -> Result<()> {
    let (status, state) = match (said, &case.state) {
        (Word::Ended(status), None) => (status, None),
        (Word::StateIsRight, Some(found)) => (case.row.status, Some(found.clone())),
        (Word::Ended(_), Some(_)) => {
            return Err(Error::invalid(
                "as",
                case.row.id.to_string(),
                "changed nothing: it was refused for the state that it found",
            )
            .next("restore the state, or say with --state that it is right as it was found"));
        }
        (Word::StateIsRight, None) => {
            return Err(Error::invalid(
                "state",
                case.row.id.to_string(),
                "was not refused for its state",
            )
            .next("say with --as how it ended"));
        }
    };
    if state.is_none() && !matches!(status, Status::Succeeded | Status::Failed | Status::Partial) {
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
    if let Some(found) = &state {
        overtaken(world, case, found).await?;
    }
    let decider = Decider::at_terminal(&world.config, person);
    let evidence = decider.evidence(true, world.clock.now());
    let accepts = state.is_some();
    let body = Body::Reconciled { status, evidence, note: note.to_owned(), state };
    world.log.record(case.row.id, &case.row.chain, &decider.actor(), body).await?;
    if accepts {
        return Ok(());
    }
    world.leases.unblock(&case.row.chain, case.row.id).await
}

/// Refuses a word about a state that a later operation, or a later word, has settled.
async fn overtaken(world: &World, case: &Case, found: &StateMark) -> Result<()> {
    let store = world.log.store();
    let newest = store.state(&case.row.chain, &found.backend, &found.workspace).await?;
    match newest.filter(|e| case.row.end_ts.is_none_or(|end| e.event.ts > end)) {
        None => Ok(()),
        Some(later) => Err(Error::invalid(
            "id",
            case.row.id.to_string(),
            format!(
                "is overtaken: operation {} has settled the state since",
                later.event.operation
            ),
        )
        .next("plan again: what the state is now counts")),
    }
}
