//! What an operation is about: it names the lock that is taken and the chain of the log that is written.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::EnvironmentKey;

/// What an operation is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One environment of one cloud.
    Environment(EnvironmentKey),
    /// An organization (accounts and projects are made there).
    Organization(String),
    /// Refused before a target was known.
    Unbound,
}

impl fmt::Display for Target {
    /// `aws/dev`, `organization/acme` or `unbound`: also the name of the lock and of the chain of events.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(key) => key.fmt(f),
            Self::Organization(name) => write!(f, "organization/{name}"),
            Self::Unbound => f.write_str("unbound"),
        }
    }
}

impl Target {
    /// The environment, when it is one.
    pub fn environment(&self) -> Option<&EnvironmentKey> {
        match self {
            Self::Environment(key) => Some(key),
            _ => None,
        }
    }
}
