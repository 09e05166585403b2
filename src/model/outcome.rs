//! How an operation stands and how it ended. "We do not know" is a state of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the effect of an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it was done.
    Succeeded,
    /// Nothing of it, or nothing that lasts, was done.
    Failed,
    /// Some of it was done.
    Partial,
    /// A person or program stopped it.
    Cancelled,
    /// Nobody saw the end.
    Unknown,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Recorded and handed to its supervisor.
    Queued,
    /// The supervisor works on it.
    Running,
    /// The change was computed; nothing changed.
    Planned,
    /// The change was computed and waits for a person.
    ApprovalRequired,
    /// Done.
    Succeeded,
    /// Failed.
    Failed,
    /// Done in part.
    Partial,
    /// Stopped on request.
    Cancelled,
    /// Nobody saw the end: the environment is blocked until a person reconciles.
    Unknown,
    /// Not allowed or not possible as asked; nothing was started.
    Refused,
}

impl Status {
    /// Every status, in the order of an operation's life.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Running,
        Self::Planned,
        Self::ApprovalRequired,
        Self::Succeeded,
        Self::Failed,
        Self::Partial,
        Self::Cancelled,
        Self::Unknown,
        Self::Refused,
    ];

    /// Whether the operation has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The word used in answers and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Planned => "planned",
            Self::ApprovalRequired => "approval_required",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }

    /// The status that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl From<Outcome> for Status {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed => Self::Failed,
            Outcome::Partial => Self::Partial,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Unknown => Self::Unknown,
        }
    }
}
