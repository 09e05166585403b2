//! What Argo CD and the vendors' charts are told: the bounds hold, nothing is open, and the files agree with each other.
//!
//! What the chart renders is judged in the infra lane, which has Helm.

mod argocd;
mod dashboard;
mod values;

use std::path::Path;

use serde_json::Value;

/// The one document of a file of the repository.
fn file(path: &str) -> Value {
    xtask::manifest::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The file with one value replaced, so that a check can be seen to fail.
fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut changed = value.clone();
    *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = new;
    changed
}
