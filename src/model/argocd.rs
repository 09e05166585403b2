//! A project of an Argo CD, as settings give it to an environment.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SecretRef;

/// The project of an Argo CD that is an environment's: how far its applications reach is the project's to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgoProject {
    /// Name of the server in settings: requests name it so.
    pub server: String,
    /// Its URL, without a slash at the end.
    pub url: String,
    /// Where the token is.
    pub token: SecretRef,
    /// Certificates of the authorities to trust for it, in place of the system's.
    pub ca: Option<PathBuf>,
    /// The project.
    pub project: String,
    /// URL of the cluster that its applications go to, as Argo CD knows it.
    pub destination: String,
    /// Repositories that its applications may come from; empty: what the project allows.
    pub repos: Vec<String>,
}

impl ArgoProject {
    /// Whether settings list this repository; `None` when they list none.
    pub fn lists(&self, repository: &str) -> Option<bool> {
        let meant = |known: &String| {
            known == repository || (known.ends_with('/') && repository.starts_with(known.as_str()))
        };
        (!self.repos.is_empty()).then(|| {
            self.repos.iter().any(meant) && !repository.split('/').any(|part| part == "..")
        })
    }
}

impl fmt::Display for ArgoProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "project {} of Argo CD {}", self.project, self.server)
    }
}
