//! `get_operation`: how one operation stands, its log, its result.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::request::WAIT_S_MAX;
use super::{ChangeAnswer, ReadOperation, World, answer, catalog, request};
use crate::audit::OperationRow;
use crate::error::{Error, Result};
use crate::model::{Actor, Effect, OperationId, Role, Status};
use crate::run::{Settled, settle, wait};

/// Request of `get_operation`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetOperationRequest {
    /// The operation.
    pub id: String,
    /// Seconds to wait for its end (default 0, at most 600).
    #[serde(default)]
    pub wait_s: Option<u64>,
    /// Read the log from here on; 0 is its beginning. Left out: the log is left out.
    #[serde(default)]
    pub log_cursor: Option<u64>,
}

/// Answer of `get_operation`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GetOperationAnswer {
    /// Operation.
    pub operation_id: OperationId,
    /// Tool.
    pub tool: String,
    /// Target.
    pub target: String,
    /// How it stands.
    pub status: Status,
    /// What is going on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub progress: Option<String>,
    /// A piece of its log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<String>,
    /// Where the log goes on; equal to what was given when there is no more yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log_cursor: Option<u64>,
    /// When it was received.
    pub start: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<String>,
    /// The answer of the tool, once it has ended; left out when the log was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<Value>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// Bytes of log in one answer.
const LOG_SLICE: usize = 2_400;

struct GetOperation;

#[async_trait]
impl ReadOperation for GetOperation {
    async fn read(&self, world: &World, actor: &Actor, raw: Value, see: See<'_>) -> Result<Value> {
        let r: GetOperationRequest = request::read(&raw)?;
        let row = visible(world, actor, &r.id).await?;
        let wait_s = r.wait_s.unwrap_or(0);
        if wait_s > WAIT_S_MAX {
            return Err(Error::invalid("wait_s", wait_s.to_string(), "is too long")
                .allowed(format!("0 to {WAIT_S_MAX}")));
        }
        let mut progress = None;
        let mut show = |p: &crate::run::Progress| {
            progress = Some(if p.total > 0 {
                format!("{} ({}/{})", p.message, p.done, p.total)
            } else {
                p.message.clone()
            });
            see(p);
        };
        let ended = wait(&world.stores(), row.id, Duration::from_secs(wait_s), &mut show).await?;
        let orphaned = !ended && settle(&world.stores(), row.id).await? == Settled::Orphaned;
        let row = world.log.store().row(row.id).await?.unwrap_or(row);
        let status = if ended { row.status } else { Status::Running };
        let mut answer = GetOperationAnswer {
            operation_id: row.id,
            tool: row.tool.clone(),
            target: row.chain.clone(),
            status,
            progress: progress.filter(|_| !status.is_final()),
            log: None,
            log_cursor: None,
            start: row.start_ts.to_string(),
            end: row.end_ts.map(|ts| ts.to_string()),
            result: None,
            next: orphaned.then(|| {
                "its supervisor died, its terraform still works: ask again when it has ended"
                    .to_owned()
            }),
        };
        match r.log_cursor {
            Some(cursor) => {
                let (log, _) = world.runs.read_log(row.id, cursor, LOG_SLICE).await?;
                answer.log_cursor = Some(cursor + log.len() as u64);
                answer.log = Some(log);
            }
            None if status.is_final() => {
                let stored = world.runs.result(row.id).await?;
                let lost = || serde_json::to_value(ChangeAnswer::of_row(&row)).unwrap_or_default();
                answer.result = Some(shorter(stored.unwrap_or_else(lost)));
            }
            None => {}
        }
        serde_json::to_value(answer).map_err(|e| Error::internal("writing an answer", e))
    }
}

/// The stored answer again, with room for what is around it.
fn shorter(mut result: Value) -> Value {
    for field in ["plan_stdout", "apply_stdout"] {
        if let Some(Value::String(text)) = result.get_mut(field) {
            *text = answer::cut(text, 1_000);
        }
    }
    result
}

/// The operation, when it exists and is this principal's to see: both are one answer (security row 3).
pub async fn visible(world: &World, actor: &Actor, id: &str) -> Result<OperationRow> {
    let unknown = || {
        Error::invalid("id", id, "is not an operation of yours")
            .allowed("an operation_id of an earlier answer")
            .next("list_operations shows them")
    };
    let parsed: OperationId = id.parse().map_err(|_| unknown())?;
    let row = world.log.store().row(parsed).await?.ok_or_else(unknown)?;
    let admin = world.config.roles(actor).contains(&Role::Admin);
    if row.user == actor.principal.0 || admin { Ok(row) } else { Err(unknown()) }
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "get_operation",
    title: "Get operation",
    about: "Tells how an operation stands and, once it has ended, its result; with wait_s it waits for the end, with \
            log_cursor it answers the log piece by piece.",
    effect: Effect::Read,
    input: catalog::schema::<GetOperationRequest>,
    output: catalog::answer::<GetOperationAnswer>,
    kind: Kind::Read(&GetOperation),
};
