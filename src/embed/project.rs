//! An opened project: what a program can ask for.

use std::path::Path;

use serde_json::Value;

use super::{Operation, Options, Request, Review};
use crate::approval::ApprovalRecord;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, ApprovalId, OperationId, Principal};
use crate::operation::desk::{Decider, approve};
use crate::operation::{Called, Kind, World, call, catalog, get_operation, submit};

/// A project: its settings, stores and ways to the clouds. Cheap to copy; several programs use one project at once.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) world: World,
    pub(super) actor: Actor,
    pub(super) program: Option<String>,
}

impl Project {
    /// Opens the project of this settings file, for a program without a name and with the `datamcp` binary on `PATH`.
    pub async fn open(settings: impl AsRef<Path>) -> Result<Self> {
        Options::default().open(settings).await
    }

    /// The principal that the program acts as: it follows from the operating system's user.
    pub fn principal(&self) -> &Principal {
        &self.actor.principal
    }

    /// Asks for an operation. On return the request is on record and its supervisor was started; a refusal is an error whose
    /// detail `operation_id` names the record of the attempt.
    pub async fn start(&self, request: &Request) -> Result<Operation> {
        let tool = catalog::find(request.tool())
            .ok_or_else(|| Error::internal("starting an operation", "there is no such tool"))?;
        match submit(&self.world, &self.actor, tool, request.to_json()).await {
            Ok(submitted) => Ok(Operation::follow(&self.world, submitted.operation)),
            Err(refusal) => Err(match refusal.operation {
                Some(id) => refusal.error.detail("operation_id", id.to_string()),
                None => refusal.error,
            }),
        }
    }

    /// Takes up an operation of this principal again: also one that an earlier run of the program started. Progress is told
    /// from its beginning.
    pub async fn follow(&self, id: OperationId) -> Result<Operation> {
        get_operation::visible(&self.world, &self.actor, &id.to_string()).await?;
        Ok(Operation::follow(&self.world, id))
    }

    /// Asks a running operation to stop, once and politely; it says itself how it ended.
    pub async fn cancel(&self, id: OperationId) -> Result<()> {
        self.call("cancel_operation", serde_json::json!({ "id": id })).await.map(drop)
    }

    /// Calls a tool that only looks and answers at once, for instance `terraform_outputs` or `list_environments`: request
    /// and answer as the tool's reference gives them.
    pub async fn read(&self, tool: &str, request: Value) -> Result<Value> {
        if tool == "cancel_operation" {
            return Err(not_a_read(tool));
        }
        self.call(tool, request).await
    }

    async fn call(&self, tool: &str, request: Value) -> Result<Value> {
        let tool = catalog::find(tool)
            .filter(|tool| matches!(tool.kind, Kind::Read(_)))
            .ok_or_else(|| not_a_read(tool))?;
        let Called { answer, failed } =
            call(&self.world, &self.actor, tool, request, &mut |_| {}).await;
        if !failed {
            return Ok(answer);
        }
        Err(serde_json::from_value(answer.get("error").cloned().unwrap_or_default())
            .unwrap_or_else(|e| Error::internal("reading an answer", e)))
    }

    /// Requests for a decision that are neither used nor rejected nor expired, oldest first.
    pub async fn approvals(&self) -> Result<Vec<ApprovalRecord>> {
        self.world.approvals.open(self.world.clock.now()).await
    }

    /// Opens a request for a decision for a person of the settings, on the word of this program. Refused unless the settings
    /// trust the program with it in that tier, and let that person decide.
    pub async fn review(&self, approval: ApprovalId, person: &str) -> Result<Review> {
        let Some(program) = &self.program else {
            return Err(Error::new(
                ErrorCode::PolicyDenied,
                "deciding through a program: this one has no name",
            )
            .next("open the project by Options::named"));
        };
        let decider = Decider::through(&self.world.config, program, &self.actor.os_user, person)?;
        let prompt = approve::prompt(&self.world, &decider, &approval.to_string()).await?;
        Ok(Review { world: self.world.clone(), decider, prompt })
    }
}

fn not_a_read(tool: &str) -> Error {
    let reads = catalog::TOOLS
        .iter()
        .filter(|tool| matches!(tool.kind, Kind::Read(_)) && tool.name != "cancel_operation");
    Error::invalid("tool", tool, "is not a tool that only looks")
        .allowed(reads.map(|tool| tool.name).collect::<Vec<_>>().join(", "))
        .next("what changes something, or looks for long, is started by a Request")
}
