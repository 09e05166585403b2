//! An open entry that was not written.
//!
//! error[E0451]: fields `chain`, `operation`, `digest`, `fence` and `state` of struct `Entry` are private: private field, private field, private field, private field, private field

use std::marker::PhantomData;

use datamcp::audit::{Entry, entry::Open};
use datamcp::model::{Digest, OperationId};

pub fn forge(chain: String, operation: OperationId, digest: Digest) -> Entry<Open> {
    Entry { chain, operation, digest, fence: 1, state: PhantomData }
}
