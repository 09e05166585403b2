//! Secrets as written in `datamcp.toml`: nothing secret is among it.

use serde::{Deserialize, Serialize};

/// Where secrets may lie.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Accounts and projects whose secrets environments of others may refer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
}

impl Secrets {
    pub(super) fn is_default(&self) -> bool {
        self.accounts.is_empty()
    }
}
