//! A decision made or changed by hand.
//!
//! error[E0624]: associated function `new` is private: private associated function
//! error[E0616]: field `verdict` of struct `Decision` is private: private field

use datamcp::model::Digest;
use datamcp::policy::{Decision, Verdict};

pub fn by_constructor(digest: Digest) -> Decision {
    Decision::new(digest, Verdict::AutoApprovable)
}

pub fn by_change(mut decision: Decision) -> Decision {
    decision.verdict = Verdict::AutoApprovable;
    decision
}
