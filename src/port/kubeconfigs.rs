//! The user's kubeconfig files: the one local effect that a tool has; and clusters that are known by a file alone.

use std::path::Path;

use async_trait::async_trait;

use crate::error::Result;
use crate::model::{Cluster, ContextEntry, KubeconfigPlaces, Merged};

use super::{ClusterFacts, ClusterUser};

/// Kubeconfig files of the user.
#[async_trait]
pub trait Kubeconfigs: Send + Sync {
    /// Where they may lie.
    fn places(&self) -> KubeconfigPlaces;

    /// Adds an entry to a file, or brings it up to date; makes the file when there is none. Entries of others stay as they
    /// are, and so does the current context unless `set_current`. When it fails the file is untouched.
    async fn put(&self, path: &Path, entry: &ContextEntry, set_current: bool) -> Result<Merged>;

    /// The cluster that a context of a kubeconfig, or the pod that we run in, leads to, and as whom. Nothing is asked of
    /// it, and no program is started.
    async fn reach(&self, cluster: &Cluster) -> Result<(ClusterFacts, ClusterUser)>;
}
