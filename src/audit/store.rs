//! Port of the audit store, and the projection of events to one row per operation (`mcp_ops_log`).

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Body, EventRecord, NewEvent};
use crate::error::{Error, Result};
use crate::model::{ApprovalId, Digest, OperationId, PlanId, Status};

/// One row of `mcp_ops_log`: an operation as its events tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationRow {
    /// Operation.
    pub id: OperationId,
    /// Principal.
    pub user: String,
    /// Tool.
    pub tool: String,
    /// Redacted request.
    pub params: Value,
    /// When it was received.
    #[schemars(with = "String")]
    pub start_ts: Timestamp,
    /// When it ended.
    #[schemars(with = "Option<String>")]
    pub end_ts: Option<Timestamp>,
    /// How it stands.
    pub status: Status,
    /// First 4 KB and last 16 KB of the output, redacted.
    pub stdout: String,
    /// The same of errors and warnings.
    pub stderr: String,
    /// Resources touched.
    pub resource_refs: Vec<String>,
    /// `aws` or `gcp`, when the target is an environment.
    pub cloud: Option<String>,
    /// Name of the environment.
    pub env: Option<String>,
    /// Chain that its events are in.
    pub chain: String,
    /// Program that spoke for the principal.
    pub agent: Option<String>,
    /// Operating system's user.
    pub os_user: String,
    /// Digest of the request.
    #[schemars(with = "String")]
    pub request_digest: Digest,
    /// Key under which a repeated call finds it.
    pub idempotency_key: Option<String>,
    /// Plan computed or carried out.
    pub plan: Option<PlanId>,
    /// Digest of the plan's binding.
    #[schemars(with = "Option<String>")]
    pub plan_digest: Option<Digest>,
    /// Approval that was spent.
    pub approval: Option<ApprovalId>,
    /// Fence of the lease.
    pub fence: Option<u64>,
    /// Links to whole outputs.
    pub artifacts: Vec<String>,
    /// One line.
    pub summary: String,
    /// Why it did not succeed.
    pub error: Option<Error>,
    /// `prev_hash` of the newest event about it.
    pub prev_hash: String,
    /// `hash` of the newest event about it.
    pub hash: String,
}

/// The row after `event`. `None`: the event does not fit the row (an end before a beginning, a second end), so it
/// must not be appended.
pub fn project(row: Option<&OperationRow>, event: &EventRecord) -> Option<OperationRow> {
    let e = &event.event;
    let mut next = match (&e.body, row) {
        (Body::Received { tool, params, request_digest, idempotency_key }, None) => {
            let mut new = fresh(event, tool, params, request_digest, Status::Queued);
            new.idempotency_key.clone_from(idempotency_key);
            new
        }
        (Body::Refused { tool, params, request_digest, error }, None) => {
            let mut new = fresh(event, tool, params, request_digest, Status::Refused);
            new.end_ts = Some(e.ts);
            new.summary.clone_from(&error.message);
            new.error = Some(error.clone());
            new
        }
        (Body::Decided { .. }, Some(row)) => row.clone(),
        (Body::CancelRequested { .. }, Some(row)) if !row.status.is_final() => row.clone(),
        (Body::Opened { plan, plan_digest, approval, fence }, Some(row))
            if row.status == Status::Queued =>
        {
            OperationRow {
                status: Status::Running,
                plan: Some(*plan),
                plan_digest: Some(plan_digest.clone()),
                approval: *approval,
                fence: Some(*fence),
                ..row.clone()
            }
        }
        (Body::Closed { .. }, Some(row)) if !row.status.is_final() => close(row, event),
        (Body::Reconciled { status, note, .. }, Some(row)) if row.status.is_final() => {
            OperationRow {
                status: if row.status == Status::Unknown { *status } else { row.status },
                summary: format!("reconciled: {note}"),
                ..row.clone()
            }
        }
        (Body::Proven { status, note }, Some(row)) if row.status == Status::Unknown => {
            OperationRow { status: *status, summary: note.clone(), ..row.clone() }
        }
        _ => return None,
    };
    next.prev_hash.clone_from(&event.prev_hash);
    next.hash.clone_from(&event.hash);
    Some(next)
}

fn fresh(
    event: &EventRecord,
    tool: &str,
    params: &Value,
    request_digest: &Digest,
    status: Status,
) -> OperationRow {
    let e = &event.event;
    let (cloud, env) = match e.chain.split_once('/') {
        Some((cloud @ ("aws" | "gcp"), env)) => (Some(cloud.to_owned()), Some(env.to_owned())),
        _ => (None, None),
    };
    OperationRow {
        id: e.operation,
        user: e.actor.principal.0.clone(),
        tool: tool.to_owned(),
        params: params.clone(),
        start_ts: e.ts,
        end_ts: None,
        status,
        stdout: String::new(),
        stderr: String::new(),
        resource_refs: Vec::new(),
        cloud,
        env,
        chain: e.chain.clone(),
        agent: e.actor.agent.clone(),
        os_user: e.actor.os_user.clone(),
        request_digest: request_digest.clone(),
        idempotency_key: None,
        plan: None,
        plan_digest: None,
        approval: None,
        fence: None,
        artifacts: Vec::new(),
        summary: String::new(),
        error: None,
        prev_hash: String::new(),
        hash: String::new(),
    }
}

fn close(row: &OperationRow, event: &EventRecord) -> OperationRow {
    let Body::Closed {
        status, summary, plan, stdout, stderr, resource_refs, artifacts, error, ..
    } = &event.event.body
    else {
        return row.clone();
    };
    OperationRow {
        status: *status,
        end_ts: Some(event.event.ts),
        summary: summary.clone(),
        plan: plan.or(row.plan),
        stdout: stdout.clone(),
        stderr: stderr.clone(),
        resource_refs: resource_refs.clone(),
        artifacts: artifacts.clone(),
        error: error.clone(),
        ..row.clone()
    }
}

/// Which rows to list. Everything given has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Chain (`aws/dev`).
    pub chain: Option<String>,
    /// Principal.
    pub user: Option<String>,
    /// Tool.
    pub tool: Option<String>,
    /// Status.
    pub status: Option<Status>,
    /// Only operations that have not ended.
    pub open: bool,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// Continue after (that is: older than) this operation.
    pub before: Option<OperationId>,
    /// Most rows to answer with; at least 1.
    pub limit: usize,
}

/// Rows, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<OperationRow>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Events and their projection. Several processes use one store at once.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Appends one event to its chain ([`EventRecord::link`]) and writes the row it projects to ([`project`]), in one
    /// transaction, durable when it returns. An event that does not fit its row is refused with `internal` and nothing
    /// is written; a `received` whose (user, idempotency key) exists is refused with `invalid_request`.
    /// An event that claims to be older than the one before it of the same operation gets that one's time: clocks are
    /// corrected.
    async fn append(&self, event: NewEvent) -> Result<EventRecord>;
    /// The row of an operation.
    async fn row(&self, id: OperationId) -> Result<Option<OperationRow>>;
    /// Rows, newest first.
    async fn rows(&self, query: &Query) -> Result<Page>;
    /// The operation that this principal's key belongs to.
    async fn by_key(&self, user: &str, key: &str) -> Result<Option<OperationRow>>;
    /// Names of all chains, sorted.
    async fn chains(&self) -> Result<Vec<String>>;
    /// Events of a chain after sequence number `after`, in order, at most `limit`, as stored: not checked. They end
    /// before one that cannot be read; when that is the first, the answer is an error with its number as detail `seq`.
    async fn events(&self, chain: &str, after: u64, limit: usize) -> Result<Vec<EventRecord>>;
    /// Events about one operation, in order.
    async fn history(&self, id: OperationId) -> Result<Vec<EventRecord>>;
    /// The newest event of a chain that tells how the Terraform state of this backend and workspace was left
    /// ([`Body::state`]). A store that has no index for it walks the chain.
    async fn state(
        &self,
        chain: &str,
        backend: &str,
        workspace: &str,
    ) -> Result<Option<EventRecord>> {
        let (mut newest, mut after) = (None, 0);
        loop {
            let events = self.events(chain, after, 500).await?;
            let Some(last) = events.last() else {
                return Ok(newest);
            };
            after = last.seq;
            let told = events.into_iter().rev().find(|record| {
                let mark = record.event.body.state();
                mark.is_some_and(|m| m.backend == backend && m.workspace == workspace)
            });
            newest = told.or(newest);
        }
    }
}
