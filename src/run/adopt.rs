//! Taking over what a dead supervisor left: the truth where its journal proves it, `unknown` where nobody saw the end.

use std::time::Duration;

use serde_json::{Value, json};

use super::Stores;
use crate::audit::store::OperationRow;
use crate::audit::{Closing, Query};
use crate::error::{Error, ErrorCode, Result};
use crate::lock::{Blocked, LeaseRecord};
use crate::model::{Actor, OperationId, Outcome, Principal, StateMark, Status};
use crate::port::JournalLine;

/// How an operation stands after somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// There is no such operation.
    Absent,
    /// Its supervisor lives, or is just being started.
    Alive,
    /// Its supervisor died but a child that it started still works.
    Orphaned,
    /// It has ended.
    Ended(Status),
}

/// A supervisor that has not noted its start by then will not come.
const GRACE: Duration = Duration::from_secs(10);

/// Streams and states that stay as evidence of an unknown end, sealed.
const EVIDENCE: [&str; 5] =
    ["apply.jsonl", "apply.stderr", "errored.tfstate", "helm.out", "helm.err"];

/// Why a target stays blocked although the end is known.
pub const STATE_LOST: &str =
    "terraform could not save the state; errored.tfstate is kept as evidence";

/// Why a target stays blocked when its state was written by two.
pub const FORKED: &str = "somebody else wrote the state beside this run";

/// Kind of the line in which a journal tells of [`FORKED`].
pub const INCIDENT: &str = "incident";

/// Kind of the line in which a journal tells how the Terraform state was left.
pub const STATE: &str = "state";

/// The Terraform state as the journal says that it was left.
pub fn state_left(journal: &[JournalLine]) -> Option<StateMark> {
    let line = journal.iter().rev().find(|line| line.kind == STATE)?;
    serde_json::from_value(line.body.clone()).ok()
}

/// Looks whether an operation's supervisor lives, and records the end of a dead one's work.
pub async fn settle(stores: &Stores, id: OperationId) -> Result<Settled> {
    let Some(row) = stores.log.store().row(id).await? else {
        return Ok(Settled::Absent);
    };
    let held = stores.runs.is_held(id).await?;
    if row.status.is_final() {
        // The record comes first, the answer right after it: a living supervisor is writing it.
        if held && stores.runs.result(id).await?.is_none() {
            return Ok(Settled::Alive);
        }
        tidy(stores, &row, held).await?;
        return Ok(Settled::Ended(row.status));
    }
    if held {
        return Ok(Settled::Alive);
    }
    let (journal, _) = stores.runs.journal(id, 0).await?;
    let age = stores.clock.now().duration_since(row.start_ts);
    if journal.is_empty() && age.unsigned_abs() < GRACE {
        return Ok(Settled::Alive);
    }
    let lease = stores.leases.lease(&row.chain).await?;
    if claims(lease.as_ref(), id) && lease.as_ref().is_some_and(|l| l.alive) {
        return Ok(Settled::Orphaned);
    }
    // One settles at a time, and no late supervisor beside it: the second would look at what the first cleared away.
    let Some(_hold) = stores.runs.hold(id).await? else {
        return Ok(Settled::Alive);
    };
    let (journal, _) = stores.runs.journal(id, 0).await?;
    match stores.log.store().row(id).await? {
        Some(now) if now.status.is_final() => Ok(Settled::Ended(now.status)),
        _ => close(stores, &row, &journal).await.map(Settled::Ended),
    }
}

/// Settles every open operation, oldest first. Returns those that ended thereby.
pub async fn settle_all(stores: &Stores) -> Result<Vec<(OperationId, Status)>> {
    let query = Query { open: true, limit: 1000, ..Query::default() };
    let mut settled = Vec::new();
    for row in stores.log.store().rows(&query).await?.rows.iter().rev() {
        match settle(stores, row.id).await {
            Ok(Settled::Ended(status)) => settled.push((row.id, status)),
            Ok(_) => {}
            // One that cannot be settled must not keep the others from it.
            Err(error) => tracing::warn!(operation = %row.id, %error, "settling an operation"),
        }
    }
    Ok(settled)
}

fn claims(lease: Option<&LeaseRecord>, id: OperationId) -> bool {
    lease.and_then(|l| l.holder.as_ref()).is_some_and(|h| h.operation == id)
}

/// Whether terraform ended without having saved its state.
fn state_lost(journal: &[JournalLine]) -> bool {
    journal.iter().any(|line| line.kind == "exit" && line.field("state_not_saved") == &json!(true))
}

/// Why the target has to stay blocked although the end is known.
fn blocked_for(journal: &[JournalLine]) -> Option<&'static str> {
    let forked = || journal.iter().any(|line| line.kind == INCIDENT);
    if state_lost(journal) { Some(STATE_LOST) } else { forked().then_some(FORKED) }
}

/// What the journal proves about the effect.
fn end(journal: &[JournalLine], stream_began: bool) -> (Status, String) {
    // A child that was refused for a state lock of its own was started once more: only the last one counts.
    let began = journal.iter().rposition(|line| line.kind == "intent").unwrap_or(0);
    let journal = journal.get(began..).unwrap_or_default();
    let last = |kind: &str| journal.iter().rev().find(|line| line.kind == kind);
    let Some(_intent) = last("intent") else {
        return (
            Status::Failed,
            "the supervisor died before anything was started: nothing changed".into(),
        );
    };
    if let Some(exit) = last("exit") {
        if exit.field("state_not_saved") == &Value::Bool(true) {
            return (
                Status::Unknown,
                "terraform could not save the state, and the supervisor died after it".into(),
            );
        }
        if journal.iter().any(|line| line.kind == INCIDENT) {
            return (Status::Partial, format!("{FORKED}, and the supervisor died after it"));
        }
        let outcome: Option<Outcome> = serde_json::from_value(exit.field("outcome").clone()).ok();
        if let Some(outcome) = outcome.filter(|o| *o != Outcome::Unknown) {
            return (
                outcome.into(),
                "the supervisor died after the work had ended; its journal has the end".into(),
            );
        }
    }
    // Calls to a cloud's API that converge: whatever was made, the next run finds it and goes on.
    if last("call").is_some() {
        return (Status::Partial, "the supervisor died between calls: some of it may have been made; the same call again goes on".into());
    }
    if last("child").is_none() && !stream_began {
        return (
            Status::Failed,
            "the supervisor died before the child was started: nothing changed".into(),
        );
    }
    (Status::Unknown, "the supervisor died while the child worked: nobody saw the end".into())
}

async fn close(stores: &Stores, row: &OperationRow, journal: &[JournalLine]) -> Result<Status> {
    let size = async |name| stores.runs.scratch_size(row.id, name).await;
    // Terraform writes at once; helm only at its end, so there the file alone says that it was started.
    let stream_began = size("apply.jsonl").await?.is_some_and(|size| size > 0)
        || size("helm.out").await?.is_some();
    let (status, summary) = end(journal, stream_began);
    let mut closing = Closing::new(status, summary.clone());
    closing.plan = row.plan;
    closing.error = error(status, row, &summary);
    closing.state = state_left(journal);
    let blocks = status == Status::Unknown || blocked_for(journal).is_some();
    let keep: &[&str] = if blocks { &EVIDENCE } else { &[] };
    closing.artifacts = stores.runs.close_scratch(row.id, keep).await?;
    let settled = OperationRow { status, summary, error: closing.error.clone(), ..row.clone() };
    // A request that was recorded but never stored has no place for an answer: its record is the answer.
    if let Err(error) = stores.runs.put_result(row.id, &answer(&settled)).await {
        tracing::warn!(operation = %row.id, %error, "storing the answer of a dead operation");
    }
    if let Err(error) = stores.log.end(row.id, &row.chain, &by_us(row), closing).await {
        // Two may adopt at once: the log takes one end, the other finds it there.
        match stores.log.store().row(row.id).await? {
            Some(now) if now.status.is_final() => return Ok(now.status),
            _ => return Err(error),
        }
    }
    tidy(stores, &settled, false).await?;
    Ok(status)
}

fn error(status: Status, row: &OperationRow, summary: &str) -> Option<Error> {
    match status {
        Status::Succeeded => None,
        Status::Unknown => Some(
            Error::new(ErrorCode::EnvironmentBlocked, format!("{}: {summary}", row.chain)).next(
                format!(
                    "a person looks at the environment, then runs `datamcp reconcile {}`",
                    row.id
                ),
            ),
        ),
        _ => Some(
            Error::new(ErrorCode::UpstreamFailed, summary)
                .next("compute a new plan to see what is left to do"),
        ),
    }
}

/// What the record alone can answer, in place of a supervisor that did not live to.
fn answer(row: &OperationRow) -> Value {
    json!({
        "operation_id": row.id,
        "status": row.status,
        "succeeded": row.status == Status::Succeeded,
        "summary": { "text": row.summary },
        "plan_id": row.plan,
        "next": row.error.as_ref().and_then(|e| e.next.clone()),
        "error": row.error,
    })
}

/// Finishes what an operation that has ended did not live to do: its answer, and giving its lease back. `held`: a living
/// supervisor does so itself.
async fn tidy(stores: &Stores, row: &OperationRow, held: bool) -> Result<()> {
    let ran = !stores.runs.journal(row.id, 0).await?.0.is_empty();
    if ran && stores.runs.result(row.id).await?.is_none() {
        stores.runs.put_result(row.id, &answer(row)).await?;
    }
    let lease = stores.leases.lease(&row.chain).await?;
    let claimed = claims(lease.as_ref(), row.id);
    let blocks = |l: &LeaseRecord| l.blocked.as_ref().is_some_and(|b| b.operation == row.id);
    let busy = lease.as_ref().is_some_and(|l| l.alive && (claimed || blocks(l)));
    if busy || held {
        return Ok(());
    }
    // What its supervisor could not remove: files in clear live no longer than the operation.
    stores.runs.close_scratch(row.id, &EVIDENCE).await?;
    if !claimed {
        return Ok(());
    }
    let (journal, _) = stores.runs.journal(row.id, 0).await?;
    let why = blocked_for(&journal);
    if row.status == Status::Unknown || why.is_some() {
        let reason = match (row.status, why) {
            (Status::Unknown, _) | (_, None) => row.summary.clone(),
            (_, Some(why)) => why.to_owned(),
        };
        let blocked = Blocked { operation: row.id, reason, since: stores.clock.now() };
        stores.leases.block(&row.chain, &blocked).await
    } else {
        stores.leases.clear(&row.chain, row.id).await
    }
}

fn by_us(row: &OperationRow) -> Actor {
    Actor { principal: Principal("datamcp".into()), os_user: row.os_user.clone(), agent: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(kinds: &[(&str, Value)]) -> Vec<JournalLine> {
        kinds
            .iter()
            .map(|(kind, body)| JournalLine {
                ts: jiff::Timestamp::UNIX_EPOCH,
                kind: (*kind).into(),
                body: body.clone(),
            })
            .collect()
    }

    #[test]
    fn fault_2_intent_without_child_means_that_nothing_started() {
        let none = json!(null);
        assert_eq!(end(&journal(&[("started", none.clone())]), false).0, Status::Failed);
        assert_eq!(end(&journal(&[("intent", none.clone())]), false).0, Status::Failed);
        assert_eq!(
            end(&journal(&[("intent", none.clone())]), true).0,
            Status::Unknown,
            "the child wrote something"
        );
        assert_eq!(
            end(&journal(&[("intent", none.clone()), ("child", none)]), false).0,
            Status::Unknown
        );
    }

    #[test]
    fn promise_6_a_recorded_exit_is_the_truth() {
        let lines = |outcome| {
            journal(&[
                ("intent", json!({})),
                ("child", json!({})),
                ("exit", json!({ "outcome": outcome })),
            ])
        };
        assert_eq!(end(&lines("succeeded"), true).0, Status::Succeeded);
        assert_eq!(end(&lines("partial"), true).0, Status::Partial);
        assert_eq!(end(&lines("unknown"), true).0, Status::Unknown);
    }

    #[test]
    fn fault_30_a_lost_state_blocks_even_when_the_supervisor_died_after_it() {
        let lines = journal(&[
            ("intent", json!({})),
            ("child", json!({})),
            ("exit", json!({ "outcome": "failed", "state_not_saved": true })),
        ]);
        assert_eq!(end(&lines, true).0, Status::Unknown);
    }

    #[test]
    fn fault_34_calls_that_converge_end_as_partial() {
        let lines = journal(&[("intent", json!({})), ("call", json!({ "name": "versioning" }))]);
        assert_eq!(end(&lines, false).0, Status::Partial);
    }
}
