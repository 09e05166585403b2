//! Verdicts. A [`Decision`] is minted here only, so that holding one proves that the policy was asked.

use crate::error::Error;
use crate::model::Digest;

/// What a person has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// Why a person is needed, as shown to the caller.
    pub reasons: Vec<String>,
    /// Whether they type the environment's name.
    pub typed_name: bool,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Not at all.
    Deny(Error),
    /// The requester may decide by `auto_approve`.
    AutoApprovable,
    /// A person has to decide.
    NeedsPerson(Obligation),
}

/// The policy's verdict about one computed change.
#[derive(Debug, Clone)]
pub struct Decision {
    digest: Digest,
    verdict: Verdict,
}

/// Proof that the requester may decide alone and did.
#[derive(Debug)]
pub struct SelfApproval {
    digest: Digest,
}

impl SelfApproval {
    /// The change that it is about.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl Decision {
    pub(super) fn new(digest: Digest, verdict: Verdict) -> Self {
        Self { digest, verdict }
    }

    /// The change that it is about.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The verdict.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Whether the change may happen at all.
    pub fn permits(&self) -> bool {
        !matches!(self.verdict, Verdict::Deny(_))
    }

    /// The requester's own approval: counts only where the verdict says so *and* the flag was given.
    pub fn self_approve(&self, auto_approve: bool) -> Option<SelfApproval> {
        (auto_approve && self.verdict == Verdict::AutoApprovable)
            .then(|| SelfApproval { digest: self.digest.clone() })
    }
}
