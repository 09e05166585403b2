//! A lease that no store granted.
//!
//! error[E0451]: fields `store`, `key`, `operation` and `fence` of struct `Lease` are private: private field, private field, private field, private field

use std::sync::Arc;

use datamcp::lock::{Lease, LeaseStore};
use datamcp::model::OperationId;

pub fn forge(store: Arc<dyn LeaseStore>, key: String, operation: OperationId) -> Lease {
    Lease { store, key, operation, fence: 1 }
}
