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
    /// A program that uses datamcp as a library says that a person decided. It counts only in tiers that name the program;
    /// it is worth what that program's own way of asking is worth.
    Program,
}

/// Who decided, how, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name of the person, as configuration calls them, or `os:NAME`.
    pub approver: String,
    /// The operating system's user at the terminal, or of the program.
    pub os_user: String,
    /// The channel.
    pub channel: Channel,
    /// Where: the terminal's name, or the program's.
    pub place: String,
    /// How a program knows of the decision, in its own words, redacted: a ticket, a signed-in session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Whether the environment's name was typed.
    pub typed_name: bool,
    /// When.
    pub at: Timestamp,
}
