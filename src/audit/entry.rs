//! Writing the log: every attempt first, the intent before the effect, the outcome after.

use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;

use super::anchor::{Anchor, Head};
use super::event::{Body, EventRecord, NewEvent};
use super::store::AuditStore;
use crate::clock::Clock;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, ApprovalId, Digest, OperationId, PlanId, StateMark, Status, Target};

/// An effect is about to happen or happens.
#[derive(Debug)]
pub struct Open;

/// An entry of the log about one effect.
pub struct Entry<State> {
    chain: String,
    operation: OperationId,
    digest: Digest,
    fence: u64,
    state: PhantomData<State>,
}

impl<State> std::fmt::Debug for Entry<State> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("operation", &self.operation).finish_non_exhaustive()
    }
}

impl<State> Entry<State> {
    /// The chain it is in: the target's name.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The operation.
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// Digest of the change.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Fence of the lease under which it was opened.
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

/// What an entry is opened with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The plan.
    pub plan: PlanId,
    /// Digest of the plan's binding.
    pub digest: Digest,
    /// The approval that was spent.
    pub approval: Option<ApprovalId>,
    /// Fence of the lease.
    pub fence: u64,
}

/// What an operation is closed with. Every text is redacted by whoever makes it.
#[derive(Debug, Clone)]
pub struct Closing {
    /// How it stands now.
    pub status: Status,
    /// One line.
    pub summary: String,
    /// Plan computed or carried out.
    pub plan: Option<PlanId>,
    /// Output.
    pub stdout: String,
    /// Errors and warnings.
    pub stderr: String,
    /// Resources touched.
    pub resource_refs: Vec<String>,
    /// Links to whole outputs.
    pub artifacts: Vec<String>,
    /// Why it did not succeed.
    pub error: Option<Error>,
    /// The Terraform state as it was left.
    pub state: Option<StateMark>,
}

impl Closing {
    /// An end with this status and summary and nothing else.
    pub fn new(status: Status, summary: impl Into<String>) -> Self {
        Self {
            status,
            summary: summary.into(),
            plan: None,
            stdout: String::new(),
            stderr: String::new(),
            resource_refs: Vec::new(),
            artifacts: Vec::new(),
            error: None,
            state: None,
        }
    }

    /// An end because of this error.
    pub fn failed(status: Status, error: Error) -> Self {
        Self { error: Some(error.clone()), ..Self::new(status, error.message) }
    }
}

/// A request, as far as it was understood.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What it is about.
    pub target: Target,
    /// Who asked.
    pub actor: Actor,
    /// Tool as named by the caller.
    pub tool: String,
    /// Redacted request.
    pub params: Value,
    /// Digest of the request as given.
    pub request_digest: Digest,
    /// Key under which a repeated call finds the operation.
    pub idempotency_key: Option<String>,
}

/// The log: the store and the second place.
#[derive(Clone)]
pub struct Log {
    store: Arc<dyn AuditStore>,
    anchor: Arc<dyn Anchor>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

impl Log {
    /// A log over these.
    pub fn new(store: Arc<dyn AuditStore>, anchor: Arc<dyn Anchor>, clock: Arc<dyn Clock>) -> Self {
        Self { store, anchor, clock }
    }

    /// The store, for reading.
    pub fn store(&self) -> &Arc<dyn AuditStore> {
        &self.store
    }

    /// The second place, for reading.
    pub fn anchor(&self) -> &Arc<dyn Anchor> {
        &self.anchor
    }

    /// Records a request that was understood. Nothing may be started unless this succeeded.
    pub async fn receive(&self, operation: OperationId, attempt: Attempt) -> Result<EventRecord> {
        let Attempt { target, actor, tool, params, request_digest, idempotency_key } = attempt;
        self.append(
            operation,
            target.to_string(),
            actor,
            Body::Received { tool, params, request_digest, idempotency_key },
        )
        .await
    }

    /// Records a request that was refused.
    pub async fn refuse(
        &self,
        operation: OperationId,
        attempt: Attempt,
        error: Error,
    ) -> Result<EventRecord> {
        let Attempt { target, actor, tool, params, request_digest, .. } = attempt;
        self.append(
            operation,
            target.to_string(),
            actor,
            Body::Refused { tool, params, request_digest, error },
        )
        .await
    }

    /// Records that an effect is about to start. Nothing may start unless this succeeded.
    pub async fn open(
        &self,
        operation: OperationId,
        target: &Target,
        actor: &Actor,
        opening: Opening,
    ) -> Result<Entry<Open>> {
        let Opening { plan, digest, approval, fence } = opening;
        let body = Body::Opened { plan, plan_digest: digest.clone(), approval, fence };
        let record = self.append(operation, target.to_string(), actor.clone(), body).await?;
        Ok(Entry { chain: record.event.chain, operation, digest, fence, state: PhantomData })
    }

    /// Closes an open entry.
    pub async fn close(
        &self,
        entry: Entry<Open>,
        actor: &Actor,
        closing: Closing,
    ) -> Result<EventRecord> {
        self.append(entry.operation, entry.chain, actor.clone(), closed(closing)).await
    }

    /// Closes an operation that never opened an entry (planned, refused, nothing started), or one whose process died.
    pub async fn end(
        &self,
        operation: OperationId,
        chain: &str,
        actor: &Actor,
        closing: Closing,
    ) -> Result<EventRecord> {
        self.append(operation, chain.to_owned(), actor.clone(), closed(closing)).await
    }

    /// Records any other event about an operation.
    pub async fn record(
        &self,
        operation: OperationId,
        chain: &str,
        actor: &Actor,
        body: Body,
    ) -> Result<EventRecord> {
        self.append(operation, chain.to_owned(), actor.clone(), body).await
    }

    async fn append(
        &self,
        operation: OperationId,
        chain: String,
        actor: Actor,
        body: Body,
    ) -> Result<EventRecord> {
        let event = NewEvent { chain, operation, ts: self.clock.now(), actor, body };
        let record = self.store.append(event).await.map_err(unavailable)?;
        let head = Head { seq: record.seq, hash: record.hash.clone() };
        self.anchor.put(&record.event.chain, &head).await.map_err(unavailable)?;
        Ok(record)
    }
}

fn closed(closing: Closing) -> Body {
    let Closing { status, summary, plan, stdout, stderr, resource_refs, artifacts, error, state } =
        closing;
    Body::Closed {
        status,
        summary,
        plan,
        stdout: inline(&stdout),
        stderr: inline(&stderr),
        resource_refs,
        artifacts,
        error,
        state,
    }
}

fn unavailable(error: Error) -> Error {
    if error.code == ErrorCode::InvalidRequest {
        return error;
    }
    let known = error.details.contains_key("disk_full").then_some(error.next).flatten();
    let mut unavailable = Error::new(
        ErrorCode::AuditUnavailable,
        format!("writing the operations log: {}", error.message),
    )
    .next(known.unwrap_or_else(|| {
        "make the store writable again (disk space, permissions); reads go on meanwhile".to_owned()
    }));
    unavailable.details = error.details;
    unavailable
}

const HEAD: usize = 4 * 1024;
const TAIL: usize = 16 * 1024;

/// First 4 KB and last 16 KB of a text, with a line between that says how much is left out.
pub fn inline(text: &str) -> String {
    if text.len() <= HEAD + TAIL {
        return text.to_owned();
    }
    let head_end = (0..=HEAD).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let tail_start =
        (text.len() - TAIL..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    let left_out = tail_start - head_end;
    format!(
        "{}\n… {left_out} bytes left out …\n{}",
        text.get(..head_end).unwrap_or(""),
        text.get(tail_start..).unwrap_or("")
    )
}
