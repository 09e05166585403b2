//! Where a managed cluster's API is, as its cloud says. Looks only.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::Environment;

/// What the cloud says of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its name.
    pub name: String,
    /// Its full name in the cloud; it holds the account.
    pub arn: String,
    /// URL of its API.
    pub endpoint: String,
    /// Account or project that it is in.
    pub account: String,
    /// What the cloud calls this sort of cluster, for people: `EKS`, `GKE Autopilot`.
    pub kind: String,
    /// Certificate of the authority behind its API, base64 of PEM, as kubeconfigs hold it; empty where it is one that
    /// every system trusts.
    pub certificate_authority: String,
    /// Version of Kubernetes.
    pub version: String,
    /// Whether its API can be reached from inside of its network only.
    pub private_only: bool,
}

/// A cluster that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterFound {
    /// It is there and its API answers.
    Active(ClusterFacts),
    /// It is there, but its API cannot be used now: the cloud's word for why.
    NotActive(String),
    /// There is none of this name; these there are.
    Absent(Vec<String>),
    /// There is none of this name there, but one in this other location.
    Elsewhere(String),
}

/// Something that the cloud does to a cluster now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOperation {
    /// The cloud's name for it.
    pub id: String,
    /// What it is: `UPGRADE_MASTER`.
    pub kind: String,
    /// Since when.
    pub since: String,
}

/// Finds clusters.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// Asks the cloud about a cluster of the environment's account, in one question when it is there. `region` is where it
    /// is looked for; a zone will do where the cloud has clusters of zones.
    async fn find(
        &self,
        environment: &Environment,
        session: &str,
        region: &str,
        name: &str,
    ) -> Result<ClusterFound>;

    /// What the cloud does to a cluster now; nothing where it does not tell.
    async fn operations(
        &self,
        _environment: &Environment,
        _session: &str,
        _region: &str,
        _name: &str,
    ) -> Result<Vec<ClusterOperation>> {
        Ok(Vec::new())
    }
}
