//! Turning a person's decision into a proof, once.

use std::sync::Arc;

use jiff::Timestamp;

use super::Evidence;
use super::store::{ApprovalRecord, ApprovalState, ApprovalStore};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ApprovalId, Digest, OperationId, PlanId};

/// Proof that a person approved this very change; it was spent to make it.
#[derive(Debug)]
pub struct Approval {
    id: ApprovalId,
    digest: Digest,
    evidence: Evidence,
}

impl Approval {
    /// Which one.
    pub fn id(&self) -> ApprovalId {
        self.id
    }

    /// The change that it is about.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How it was given.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// How a plan's approval stands for somebody who wants to carry the plan out.
#[derive(Debug)]
pub enum Request {
    /// Nobody was asked yet.
    None,
    /// A person has not decided yet.
    Waiting(ApprovalRecord),
    /// A person agreed: it can be spent.
    Granted(ApprovalRecord),
}

/// How the approval for `plan` stands now. Expired, rejected, spent and foreign ones are refusals.
pub async fn standing(
    store: &dyn ApprovalStore,
    plan: PlanId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Request> {
    let Some(record) = store.for_plan(plan).await? else {
        return Ok(Request::None);
    };
    if record.digest != *digest {
        return Err(Error::new(
            ErrorCode::ApprovalMismatch,
            format!("checking approval {}: it is about another change than plan {plan}", record.id),
        )
        .next("compute a new plan and have it approved"));
    }
    match &record.state {
        ApprovalState::Spent { operation, .. } => Err(used(plan, *operation)),
        ApprovalState::Rejected(evidence) => Err(Error::new(
            ErrorCode::PolicyDenied,
            format!(
                "checking approval {}: {} rejected plan {plan} at {}",
                record.id, evidence.approver, evidence.at
            ),
        )
        .next("change what was objected to, then compute a new plan")),
        _ if record.expires <= now => Err(expired(plan, record.expires)),
        ApprovalState::Requested => Ok(Request::Waiting(record)),
        ApprovalState::Granted(_) => Ok(Request::Granted(record)),
    }
}

/// Spends a granted approval for `operation`.
pub async fn spend(
    store: &Arc<dyn ApprovalStore>,
    record: &ApprovalRecord,
    digest: &Digest,
    operation: OperationId,
    now: Timestamp,
) -> Result<Approval> {
    if record.expires <= now {
        return Err(expired(record.plan, record.expires));
    }
    let ApprovalState::Granted(evidence) = &record.state else {
        return Err(Error::new(
            ErrorCode::PolicyDenied,
            format!("spending approval {}: no person granted it", record.id),
        ));
    };
    if record.digest != *digest {
        return Err(Error::new(
            ErrorCode::ApprovalMismatch,
            format!("spending approval {}: it is about another change", record.id),
        ));
    }
    if !store.spend(record.id, operation).await? {
        return Err(Error::new(
            ErrorCode::ApprovalUsed,
            format!("spending approval {}: it was used before", record.id),
        )
        .next("compute a new plan and have it approved"));
    }
    Ok(Approval { id: record.id, digest: digest.clone(), evidence: evidence.clone() })
}

/// The refusal of a plan that ran before.
pub fn used(plan: PlanId, operation: OperationId) -> Error {
    Error::new(
        ErrorCode::ApprovalUsed,
        format!("checking plan {plan}: operation {operation} carried it out before"),
    )
    .detail("operation", operation.to_string())
    .next("compute a new plan: a plan runs once")
}

/// The refusal of a plan that is too old.
pub fn expired(plan: PlanId, at: Timestamp) -> Error {
    Error::new(ErrorCode::ApprovalExpired, format!("checking plan {plan}: it expired at {at}"))
        .detail("expired", at.to_string())
        .next("compute a new plan and have it approved")
}
