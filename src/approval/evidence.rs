//! How a decision was given: kept in the log, so that anyone can weigh it later.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way for a person to decide that no tool can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `datamcp approve` on a terminal. Under the requester's own user id it does not bind a model that has a shell.
    Terminal,
}

/// Who decided, how, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name of the person, as configuration calls them, or `os:NAME`.
    pub approver: String,
    /// The operating system's user at the terminal.
    pub os_user: String,
    /// The channel.
    pub channel: Channel,
    /// Where: the terminal's name.
    pub place: String,
    /// Whether the environment's name was typed.
    pub typed_name: bool,
    /// When.
    pub at: Timestamp,
}
