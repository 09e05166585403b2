//! Who asks: the principal whose rights count, and the agent that speaks for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of a principal as configuration calls it, or `os:NAME` for a user that configuration does not list.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Principal(pub String);

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who asks for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Whose rights count.
    pub principal: Principal,
    /// The operating system's user that the request came from.
    pub os_user: String,
    /// The program that speaks for the principal (MCP client name and version), as it calls itself: recorded, never trusted.
    pub agent: Option<String>,
}

/// What a principal may ask for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at environments, outputs, the operations log.
    Read,
    /// Computes plans.
    Plan,
    /// Asks for changes; may approve creations and updates itself where the tier lets it.
    Change,
    /// Asks for destruction; may approve replacements and deletions itself where the tier lets it.
    Destroy,
    /// Sees and cancels other principals' operations.
    Admin,
}
