//! A decision that the policy was not asked for.
//!
//! error[E0451]: fields `digest` and `verdict` of struct `Decision` are private: private field, private field

use datamcp::model::Digest;
use datamcp::policy::{Decision, Verdict};

pub fn forge(digest: Digest) -> Decision {
    Decision { digest, verdict: Verdict::AutoApprovable }
}
