//! The machine that we are on, looked at before anything runs.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::error::Result;

/// The state folder, as a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFolder {
    /// Where it is, or will be.
    pub path: PathBuf,
    /// Its mode; none while there is no such folder.
    pub mode: Option<u32>,
    /// Whether we may write in it, or make it.
    pub writable: bool,
    /// Bytes that are free there.
    pub free: u64,
    /// Mode of the key that seals; none while there is no key.
    pub key: Option<u32>,
}

/// A credentials file of Google's, by what should be known about having it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleFile {
    /// The service account whose key is in it; such a key does not end.
    pub key_of: Option<String>,
    /// Whether others can read it.
    pub readable_by_others: bool,
}

/// Looks at the machine. Changes nothing, starts nothing.
#[async_trait]
pub trait Premises: Send + Sync {
    /// The state folder.
    async fn state_folder(&self) -> Result<StateFolder>;
    /// Where `terraform` or `tofu` takes its providers from, and whether that is there. Answers within a few seconds.
    async fn providers(&self, tool: &str) -> Result<String>;
    /// A credentials file that Terraform is pointed to.
    async fn google_file(&self, path: &Path) -> Result<GoogleFile>;
}
