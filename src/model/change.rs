//! What a plan would do, resource by resource.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Action;

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceChange {
    /// Terraform's address of it, for instance `module.network.aws_vpc.this`.
    pub address: String,
    /// Its type, for instance `aws_vpc`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happens to it.
    pub action: Action,
}

/// A computed change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeSet {
    /// Resources that change; unchanged ones are left out.
    pub resources: Vec<ResourceChange>,
    /// Names of root outputs that change.
    pub outputs: Vec<String>,
    /// Provider-defined actions that the plan would invoke (Terraform 1.14 and later).
    pub invocations: Vec<String>,
}

/// How many resources each action touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeCounts {
    /// Created, not counting replacements.
    pub add: usize,
    /// Updated in place.
    pub change: usize,
    /// Deleted, not counting replacements.
    pub destroy: usize,
    /// Deleted and created again.
    pub replace: usize,
}

impl ChangeSet {
    /// Whether carrying it out would change nothing.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.outputs.is_empty() && self.invocations.is_empty()
    }

    /// The kinds of change in it. A changed output or an invoked action counts as an update.
    pub fn actions(&self) -> BTreeSet<Action> {
        let mut kinds: BTreeSet<Action> = self.resources.iter().map(|r| r.action).collect();
        if !self.outputs.is_empty() || !self.invocations.is_empty() {
            kinds.insert(Action::Update);
        }
        kinds
    }

    /// Counts by action.
    pub fn counts(&self) -> ChangeCounts {
        let of = |action| self.resources.iter().filter(|r| r.action == action).count();
        ChangeCounts {
            add: of(Action::Create),
            change: of(Action::Update),
            destroy: of(Action::Delete),
            replace: of(Action::Replace),
        }
    }
}
