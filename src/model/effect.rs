//! What a tool may do to the world, and what a plan does to one resource.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a tool may do; MCP annotations, audit verb and policy are computed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Looks only.
    Read,
    /// May create, update or replace.
    Change,
    /// Takes away.
    Destroy,
    /// Steers an operation that runs.
    Control,
    /// Writes a file of the caller's.
    Local,
}

impl Effect {
    /// Whether a call can change infrastructure.
    pub fn mutates(self) -> bool {
        matches!(self, Self::Change | Self::Destroy)
    }
}

/// What a plan does to one resource.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new resource.
    Create,
    /// In place.
    Update,
    /// Deleted and created again.
    Replace,
    /// Taken away.
    Delete,
}

impl Action {
    /// Every action, mildest first.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Replace, Self::Delete];

    /// The word used in configuration and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}
