//! One call of one tool, whoever makes it: MCP, the command line, a program.

use std::time::Duration;

use serde_json::Value;

use super::answer::ChangeAnswer;
use super::catalog::{Kind, Tool};
use super::{World, policy_check, submit};
use crate::error::{Error, Result};
use crate::model::{Actor, OperationId, Status};
use crate::run::{Progress, wait};

/// Shows progress while a call waits.
pub type See<'a> = &'a mut (dyn FnMut(&Progress) + Send);

/// The answer of a call.
#[derive(Debug)]
pub struct Called {
    /// The structured answer.
    pub answer: Value,
    /// Whether the caller did not get what they asked for.
    pub failed: bool,
}

/// Calls a tool. Never fails: a refusal is an answer. Dropping the future ends the waiting only.
pub async fn call(
    world: &World,
    actor: &Actor,
    tool: &'static Tool,
    request: Value,
    see: See<'_>,
) -> Called {
    let answered = match tool.kind {
        Kind::Read(operation) => match policy_check(world, actor, tool) {
            Ok(()) => operation
                .read(world, actor, request, see)
                .await
                .map(|answer| Called { answer, failed: false }),
            Err(error) => Err(error),
        },
        Kind::Survey(_) | Kind::Write(_) => return change(world, actor, tool, request, see).await,
    };
    answered.unwrap_or_else(|error| refused(None, error))
}

fn refused(operation: Option<OperationId>, error: Error) -> Called {
    let answer = ChangeAnswer::failed(operation, Status::Refused, error).fit();
    Called { answer: serde_json::to_value(answer).unwrap_or_default(), failed: true }
}

async fn change(
    world: &World,
    actor: &Actor,
    tool: &'static Tool,
    request: Value,
    see: See<'_>,
) -> Called {
    let submitted = match submit(world, actor, tool, request).await {
        Ok(submitted) => submitted,
        Err(refusal) => return refused(refusal.operation, refusal.error),
    };
    let limit = Duration::from_secs(submitted.wait_s);
    match outcome(world, submitted.operation, limit, see).await {
        Ok(answer) => {
            let status = answer.get("status").and_then(Value::as_str).and_then(Status::from_word);
            Called { answer, failed: status.is_none_or(failed) }
        }
        Err(error) => refused(Some(submitted.operation), error),
    }
}

/// Whether a status means that the caller did not get what they asked for.
pub fn failed(status: Status) -> bool {
    matches!(
        status,
        Status::Failed | Status::Partial | Status::Cancelled | Status::Unknown | Status::Refused
    )
}

/// How an operation stands after `limit` at most, as its tool answers it.
pub async fn outcome(
    world: &World,
    id: OperationId,
    limit: Duration,
    see: See<'_>,
) -> Result<Value> {
    if wait(&world.stores(), id, limit, see).await?
        && let Some(result) = world.runs.result(id).await?
    {
        return Ok(result);
    }
    let row = world.log.store().row(id).await?;
    let answer = match row {
        // Its supervisor died after the end was recorded: the row has what the answer would have said.
        Some(row) if row.status.is_final() => ChangeAnswer::of_row(&row),
        _ => {
            let mut answer = ChangeAnswer::new(Some(id), Status::Running);
            answer.next = Some(format!(
                "get_operation {id} with wait_s waits for the end; the work goes on meanwhile"
            ));
            answer
        }
    };
    serde_json::to_value(answer).map_err(|e| Error::internal("writing an answer", e))
}
