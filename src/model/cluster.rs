//! A managed cluster and the way to its API: what settings and an exec entry of a kubeconfig say.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::name::{self, BadName};

/// The cluster of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name in the cloud.
    pub name: String,
    /// Name of its kube context: requests name it so.
    pub context: String,
    /// Role that the cluster's access entries know, when it is not the environment's.
    pub role_arn: Option<String>,
    /// Region or zone that it is in, when it is not the environment's region.
    #[serde(default)]
    pub location: Option<String>,
    /// Namespaces that may be changed; empty: all but those of Kubernetes itself.
    pub namespaces: Vec<String>,
    /// The way to its API.
    pub access: ClusterAccess,
    /// Uid that its namespace `kube-system` must have.
    pub uid: Option<String>,
}

/// The way to a cluster's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterAccess {
    /// The cloud says where it is; our own program makes the tokens.
    Managed,
    /// A context of this kubeconfig, by the name of [`Cluster::context`].
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The one command that its user may run for credentials; empty: none.
        exec: Vec<String>,
    },
    /// The service account of the pod that we run in.
    InCluster,
}

/// What Kubernetes gives the containers of a pod (Kubernetes, "Accessing the API from a Pod").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodAccount {
    /// Host of the API.
    pub host: String,
    /// Its port.
    pub port: String,
    /// Folder with `token` and `ca.crt`.
    pub folder: PathBuf,
}

/// Namespaces of Kubernetes itself (Kubernetes, "Initial namespaces"): nobody deploys there by this tool.
const OWN_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

impl Cluster {
    /// Whether this namespace may be changed.
    pub fn may_change(&self, namespace: &str) -> bool {
        match self.namespaces.as_slice() {
            [] => !OWN_NAMESPACES.contains(&namespace),
            listed => listed.iter().any(|known| known == namespace),
        }
    }
}

/// Whether a namespace is Kubernetes' own.
pub fn is_own_namespace(namespace: &str) -> bool {
    OWN_NAMESPACES.contains(&namespace)
}

/// A cluster of EKS, and as whom to come to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EksAccess {
    /// Name of the cluster.
    pub cluster: String,
    /// Its region; left out: the region of the credentials.
    pub region: Option<String>,
    /// Role to assume.
    pub role_arn: Option<String>,
    /// Named profile of the shared AWS configuration.
    pub profile: Option<String>,
    /// Endpoint of an AWS-compatible emulator.
    pub endpoint_url: Option<String>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// MFA device of the user whose keys the first ones are.
    pub mfa_serial: Option<String>,
    /// State folder of the project whose sessions with that device are used.
    pub state: Option<PathBuf>,
    /// Name of the role's session, when an operation of ours asks: its token is not kept.
    pub session: Option<String>,
}

impl EksAccess {
    /// Checks every name; the error says which field is wrong and what was given.
    pub fn check(&self) -> Result<(), (&'static str, &str, BadName)> {
        name::eks_cluster(&self.cluster).map_err(|bad| ("cluster", self.cluster.as_str(), bad))?;
        if let Some(region) = &self.region {
            name::aws_region(region).map_err(|bad| ("region", region.as_str(), bad))?;
        }
        if let Some(role) = &self.role_arn {
            name::role_arn(role).map_err(|bad| ("role_arn", role.as_str(), bad))?;
        }
        if let Some(id) = &self.external_id {
            name::external_id(id).map_err(|bad| ("external_id", id.as_str(), bad))?;
        }
        if let Some(serial) = &self.mfa_serial {
            name::mfa_serial(serial).map_err(|bad| ("mfa_serial", serial.as_str(), bad))?;
        }
        Ok(())
    }
}
