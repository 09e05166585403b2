//! Port of the approval store: plain records; only [`grant`](super::grant) turns them into a proof.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::error::Result;
use crate::model::{ApprovalId, Digest, OperationId, PlanId, Principal, Target};

/// How an approval stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ApprovalState {
    /// Waits for a person.
    Requested,
    /// A person agreed.
    Granted(Evidence),
    /// A person refused.
    Rejected(Evidence),
    /// It was used.
    Spent {
        /// By this operation.
        operation: OperationId,
        /// The evidence it was granted with.
        evidence: Evidence,
    },
}

/// One request for a decision and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRecord {
    /// Its id.
    pub id: ApprovalId,
    /// The plan it is about.
    pub plan: PlanId,
    /// Digest of the plan's binding.
    pub digest: Digest,
    /// Tool that will carry the plan out.
    pub tool: String,
    /// The target.
    pub target: Target,
    /// Who asked for the change.
    pub requester: Principal,
    /// The operating system's user that asked.
    pub requester_os_user: String,
    /// What the approver is shown: computed by us, redacted.
    pub text: String,
    /// Whether the environment's name has to be typed.
    pub typed_name: bool,
    /// When it was asked for.
    pub created: Timestamp,
    /// After this it counts no more.
    pub expires: Timestamp,
    /// How it stands.
    pub state: ApprovalState,
}

/// Approvals. Several processes use one store at once.
#[async_trait]
pub trait ApprovalStore: Send + Sync {
    /// Stores a request; when the plan has one already, that one is returned and nothing is stored.
    async fn request(&self, record: &ApprovalRecord) -> Result<ApprovalRecord>;
    /// The one with this id.
    async fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalRecord>>;
    /// The one for this plan.
    async fn for_plan(&self, plan: PlanId) -> Result<Option<ApprovalRecord>>;
    /// All that are neither spent nor rejected nor expired at `now`, oldest first.
    async fn open(&self, now: Timestamp) -> Result<Vec<ApprovalRecord>>;
    /// Decides: `Requested` → `state`. False when it was decided before.
    async fn decide(&self, id: ApprovalId, state: &ApprovalState) -> Result<bool>;
    /// Spends: `Granted` → `Spent` by `operation`, atomically. False when it is not (or no longer) granted.
    async fn spend(&self, id: ApprovalId, operation: OperationId) -> Result<bool>;
}
