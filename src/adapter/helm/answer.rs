//! Helm's JSON, as far as it is read. Unknown fields are left alone: the lines of Helm add some.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::port::{Hook, Revision};

/// A line of `helm list`. Its revision is a text.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) status: String,
    pub(super) chart: String,
    pub(super) updated: String,
}

impl Row {
    pub(super) fn revision(self) -> Revision {
        Revision {
            revision: self.revision.parse().unwrap_or(0),
            status: self.status,
            chart: self.chart,
            updated: self.updated,
            description: String::new(),
        }
    }
}

/// What `status`, `install` and `upgrade` print.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    pub(super) info: About,
    #[serde(default)]
    pub(super) manifest: String,
    #[serde(default)]
    pub(super) hooks: Option<Vec<Hook>>,
    #[serde(default)]
    pub(super) version: u64,
}

/// How a release stands.
#[derive(Debug, Default, Deserialize)]
pub(super) struct About {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) last_deployed: String,
    #[serde(default)]
    pub(super) notes: String,
    /// Objects by kind; kinds that belong to others are marked as related.
    #[serde(default)]
    pub(super) resources: Option<serde_json::Map<String, Value>>,
}

/// The objects that the release made, as they are now.
pub(super) fn live(about: &About) -> Vec<Value> {
    let groups = about.resources.iter().flatten();
    let own = groups.filter(|(kind, _)| !kind.contains("(related)"));
    own.flat_map(|(_, objects)| objects.as_array().cloned().unwrap_or_default()).collect()
}

/// Takes an answer apart.
pub(super) fn parse<T: DeserializeOwned>(doing: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|e| Error::new(ErrorCode::UpstreamFailed, format!("{doing}: helm's answer: {e}")))
}
