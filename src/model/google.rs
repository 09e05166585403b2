//! Where an environment's Google credentials come from, and who is acted as with them. Says where, never what: nothing
//! secret is in here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::name::{self, BadName};

/// Where the first token comes from. One choice; nothing else is tried when it fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GoogleSource {
    /// Application default credentials: `GOOGLE_APPLICATION_CREDENTIALS`, else gcloud's own file, else the metadata
    /// server. Metadata is asked only when there is no file.
    #[default]
    ApplicationDefault,
    /// A file: of a user, of a workload identity federation, of a service account's key.
    File {
        /// Absolute path.
        path: PathBuf,
    },
    /// The metadata server of a Google machine.
    Metadata,
}

/// Whose token, and who is acted as with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleAccess {
    /// The first token.
    pub source: GoogleSource,
    /// Programs that a file may name as the source of its token.
    #[serde(default)]
    pub executables: Vec<PathBuf>,
    /// Service accounts: each gives the next a token, the last one acts.
    #[serde(default)]
    pub impersonate: Vec<String>,
}

impl GoogleAccess {
    /// In a few words, for people.
    pub fn words(&self) -> String {
        let source = match &self.source {
            GoogleSource::ApplicationDefault => "application default credentials".to_owned(),
            GoogleSource::File { path } => format!("credentials file {}", path.display()),
            GoogleSource::Metadata => "metadata server".to_owned(),
        };
        match self.impersonate.last() {
            Some(account) => format!("service account {account} by {source}"),
            None => source,
        }
    }

    /// Checks every name; the error says which field is wrong and what was given.
    pub fn check(&self) -> Result<(), (&'static str, &str, BadName)> {
        for account in &self.impersonate {
            name::service_account(account).map_err(|bad| ("impersonate", account.as_str(), bad))?;
        }
        Ok(())
    }
}

/// A way to the API of a cluster of GKE: any token of the right account opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GkeAccess {
    /// Whose token.
    pub google: GoogleAccess,
    /// Where a stand-in for Google's APIs answers.
    pub endpoint_url: Option<String>,
}
