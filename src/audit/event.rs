//! Events of the log and how they are chained: `hash = SHA-256(prev_hash, canonical JSON of the event)`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::Evidence;
use crate::error::Error;
use crate::model::{Actor, ApprovalId, Digest, OperationId, PlanId, StateMark, Status, digest};

/// What happened. Every text in it was redacted before it came here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Body {
    /// A request arrived and was understood.
    Received {
        /// Tool.
        tool: String,
        /// Redacted request.
        params: Value,
        /// Digest of the request as given.
        request_digest: Digest,
        /// Key under which a repeated call finds this operation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency_key: Option<String>,
    },
    /// A request was refused before anything was started.
    Refused {
        /// Tool as named by the caller.
        tool: String,
        /// Redacted request.
        params: Value,
        /// Digest of the request as given.
        request_digest: Digest,
        /// Why.
        error: Error,
    },
    /// A person decided about a plan. The operation is the one that computed it.
    Decided {
        /// The request for a decision.
        approval: ApprovalId,
        /// The plan.
        plan: PlanId,
        /// Whether they agreed.
        granted: bool,
        /// Who, how, when.
        evidence: Evidence,
    },
    /// The effect is about to start.
    Opened {
        /// The plan.
        plan: PlanId,
        /// Digest of the plan's binding.
        plan_digest: Digest,
        /// The approval that was spent; none when the policy let the requester decide.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
        /// Fence of the lease.
        fence: u64,
    },
    /// A stop was asked for.
    CancelRequested {
        /// Who asked.
        by: String,
    },
    /// The operation ended.
    Closed {
        /// How it stands now.
        status: Status,
        /// One line.
        summary: String,
        /// Plan that was computed or carried out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanId>,
        /// First 4 KB and last 16 KB of the output.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stdout: String,
        /// The same of errors and warnings.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stderr: String,
        /// Resources touched.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        resource_refs: Vec<String>,
        /// Links to whole outputs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        artifacts: Vec<String>,
        /// Why it did not succeed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Error>,
        /// The Terraform state as the operation left it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<StateMark>,
    },
    /// A person said how an unknown end was, or that a state which was refused is right.
    Reconciled {
        /// What it was.
        status: Status,
        /// Who said so, how.
        evidence: Evidence,
        /// What they wrote.
        note: String,
        /// The Terraform state that is right from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<StateMark>,
    },
    /// What was changed tells itself how an unknown end was: the history of a release.
    Proven {
        /// What it was.
        status: Status,
        /// What was seen.
        note: String,
    },
}

impl Body {
    /// The Terraform state that counts from this event on.
    pub fn state(&self) -> Option<&StateMark> {
        match self {
            Self::Closed { state, .. } | Self::Reconciled { state, .. } => state.as_ref(),
            _ => None,
        }
    }

    /// The word by which the event is listed.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Received { .. } => "received",
            Self::Refused { .. } => "refused",
            Self::Decided { .. } => "decided",
            Self::Opened { .. } => "opened",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::Closed { .. } => "closed",
            Self::Reconciled { .. } => "reconciled",
            Self::Proven { .. } => "proven",
        }
    }
}

/// An event before it has a place in a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// Chain: the target's name.
    pub chain: String,
    /// Operation.
    pub operation: OperationId,
    /// When.
    pub ts: Timestamp,
    /// Who asked or acted.
    pub actor: Actor,
    /// What.
    pub body: Body,
}

/// An event in its chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// 1 for the first of a chain, then rising by one.
    pub seq: u64,
    /// The event.
    #[serde(flatten)]
    pub event: NewEvent,
    /// Hash of the event before, empty for the first.
    pub prev_hash: String,
    /// Hash of this one.
    pub hash: String,
}

impl EventRecord {
    /// Puts an event behind `last` (sequence number and hash of the chain's newest event).
    pub fn link(event: NewEvent, last: Option<(u64, &str)>) -> Self {
        let (seq, prev_hash) =
            last.map_or((1, String::new()), |(seq, hash)| (seq + 1, hash.to_owned()));
        let hash = hash(seq, &event, &prev_hash);
        Self { seq, event, prev_hash, hash }
    }

    /// The hash that this event should have.
    pub fn computed_hash(&self) -> String {
        hash(self.seq, &self.event, &self.prev_hash)
    }
}

fn hash(seq: u64, event: &NewEvent, prev_hash: &str) -> String {
    let value = serde_json::to_value(event).unwrap_or_default();
    let mut parts = digest::Parts::default();
    parts
        .add(prev_hash.as_bytes())
        .add(&seq.to_be_bytes())
        .add(digest::canonical(&value).as_bytes());
    parts.finish().as_str().to_owned()
}
