//! All proofs for one mutation. Every mutating port method takes one; nothing else can make one.

use crate::approval::Approval;
use crate::audit::Entry;
use crate::audit::entry::Open;
use crate::error::{Error, ErrorCode, Result};
use crate::lock::Lease;
use crate::model::{Digest, OperationId};
use crate::policy::{Decision, SelfApproval};

/// Who agreed.
#[derive(Debug)]
pub enum Consent {
    /// The policy lets the requester decide, and they said so.
    Requester(SelfApproval),
    /// A person approved; the approval is spent.
    Person(Approval),
}

/// Decision, consent, lease and open log entry for one and the same change.
#[derive(Debug)]
pub struct Permit {
    decision: Decision,
    consent: Consent,
    lease: Lease,
    entry: Entry<Open>,
}

impl Permit {
    /// Joins the proofs. Refuses proofs about different changes, operations or targets.
    pub fn assemble(
        decision: Decision,
        consent: Consent,
        lease: Lease,
        entry: Entry<Open>,
    ) -> Result<Self> {
        let consented = match &consent {
            Consent::Requester(own) => own.digest(),
            Consent::Person(approval) => approval.digest(),
        };
        let same_change = consented == decision.digest() && entry.digest() == decision.digest();
        let same_operation =
            lease.operation() == entry.operation() && lease.fence() == entry.fence();
        if !same_change || !same_operation || lease.key() != entry.chain() || !decision.permits() {
            return Err(Error::new(
                ErrorCode::Internal,
                "assembling a permit: the proofs are about different changes",
            ));
        }
        Ok(Self { decision, consent, lease, entry })
    }

    /// The operation that it is for.
    pub fn operation(&self) -> OperationId {
        self.entry.operation()
    }

    /// Digest of the change that it is for.
    pub fn digest(&self) -> &Digest {
        self.decision.digest()
    }

    /// Who agreed.
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// The lease, for a check of its fence right before an effect.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Takes it apart when the effect is over: the lease to give back, the entry to close.
    pub fn finish(self) -> (Lease, Entry<Open>) {
        (self.lease, self.entry)
    }
}
