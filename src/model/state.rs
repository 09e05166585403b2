//! What the log keeps of a Terraform state: where it was, how far it had come, how much was in it.

use serde::{Deserialize, Serialize};

use super::StateVersion;

/// A state as an operation left it, or as a person said that it is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateMark {
    /// Identity of the backend.
    pub backend: String,
    /// Terraform workspace.
    pub workspace: String,
    /// Lineage and serial; an empty lineage: there is no state.
    #[serde(flatten)]
    pub version: StateVersion,
    /// How many resources are in it.
    pub resources: usize,
    /// Which version of the stored object it is, where the backend keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

impl StateMark {
    /// How it is named to people.
    pub fn text(&self) -> String {
        let StateVersion { lineage, serial } = &self.version;
        if lineage.is_empty() {
            return "no state".to_owned();
        }
        let object = self.object.as_ref().map_or_else(String::new, |id| format!(", version {id}"));
        format!("lineage {lineage} serial {serial}{object}")
    }
}
