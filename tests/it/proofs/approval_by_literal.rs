//! A person's approval that nobody gave.
//!
//! error[E0451]: fields `id`, `digest` and `evidence` of struct `Approval` are private: private field, private field, private field

use datamcp::approval::{Approval, Evidence};
use datamcp::model::{ApprovalId, Digest};

pub fn forge(id: ApprovalId, digest: Digest, evidence: Evidence) -> Approval {
    Approval { id, digest, evidence }
}
