//! `cancel_operation`: asks a running operation to stop. One polite signal; nothing is ever killed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::{ReadOperation, World, catalog, get_operation, request};
use crate::audit::Body;
use crate::error::{Error, Result};
use crate::model::{Actor, Effect, OperationId, Status};
use crate::run::{Settled, settle};

/// Request of `cancel_operation`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOperationRequest {
    /// The operation.
    pub id: String,
}

/// Answer of `cancel_operation`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CancelOperationAnswer {
    /// Operation.
    pub operation_id: OperationId,
    /// How it stands now; it may take a while to stop.
    pub status: Status,
    /// What was done and what to do next.
    pub next: String,
}

struct CancelOperation;

#[async_trait]
impl ReadOperation for CancelOperation {
    async fn read(&self, world: &World, actor: &Actor, raw: Value, _see: See<'_>) -> Result<Value> {
        let r: CancelOperationRequest = request::read(&raw)?;
        let row = get_operation::visible(world, actor, &r.id).await?;
        let (status, next) = match settle(&world.stores(), row.id).await? {
            Settled::Ended(status) => (status, "it had ended before".to_owned()),
            Settled::Orphaned => (
                Status::Running,
                "its supervisor died, its terraform still works: nobody can stop it politely any more; wait for its end with get_operation".to_owned(),
            ),
            Settled::Alive | Settled::Absent => {
                let by = format!("{} ({})", actor.principal, actor.os_user);
                let first = world.runs.request_cancel(row.id, &by).await?;
                let open = world.log.store().row(row.id).await?.is_some_and(|row| !row.status.is_final());
                if first && open {
                    world.log.record(row.id, &row.chain, actor, Body::CancelRequested { by }).await?;
                }
                (Status::Running, told(&row.tool, first).to_owned())
            }
        };
        serde_json::to_value(CancelOperationAnswer { operation_id: row.id, status, next })
            .map_err(|e| Error::internal("writing an answer", e))
    }
}

/// What the wish does, by what carries the operation out: a program gets a signal, our own calls are not begun any more.
fn told(tool: &str, first: bool) -> &'static str {
    let program = tool.contains("terraform") || tool.starts_with("helm_") || tool == "detect_drift";
    match (program, first) {
        (true, true) => {
            "the program was asked to stop: what it is doing now it finishes; get_operation with wait_s waits for the end"
        }
        (true, false) => {
            "it was asked to stop before; one signal is all it gets, a second one could lose what is in flight; \
             to force it a person ends the provider's process and reconciles"
        }
        (false, true) => {
            "it was asked to stop: no further call is made, and what the cloud does already goes on; get_operation with \
             wait_s waits for the end"
        }
        (false, false) => {
            "it was asked to stop before, and nothing more is to be said; get_operation with wait_s waits for the end"
        }
    }
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "cancel_operation",
    title: "Cancel operation",
    about: "Asks a running operation to stop, once and politely: what is in flight is finished and recorded. \
            Cancelling a call in the client does not stop the work; this does.",
    effect: Effect::Control,
    input: catalog::schema::<CancelOperationRequest>,
    output: catalog::answer::<CancelOperationAnswer>,
    kind: Kind::Read(&CancelOperation),
};
