//! The requester's own approval where the policy does not let them.
//!
//! error[E0451]: field `digest` of struct `SelfApproval` is private: private field

use datamcp::model::Digest;
use datamcp::policy::SelfApproval;

pub fn forge(digest: Digest) -> SelfApproval {
    SelfApproval { digest }
}
