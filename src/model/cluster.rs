//! A managed cluster and the way to its API: what an exec entry of a kubeconfig says.

use super::name::{self, BadName};

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
        Ok(())
    }
}
