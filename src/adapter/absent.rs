//! In place of a cloud that this build was made without, and of what is not there for a cloud: every question is refused,
//! nothing is pretended.

use async_trait::async_trait;

use crate::error::{Error, ErrorCode, Result};
use crate::model::{EksAccess, Environment, GkeAccess};
use crate::permit::Permit;
use crate::port::{
    Caller, ChildCredentials, ClusterFound, ClusterToken, ClusterTokens, Clusters, Findings,
    GoogleTokens, Identity, Origin, StateBackend,
};

/// Knows nobody and reaches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoCloud;

fn missing(environment: &Environment) -> Error {
    Error::new(
        ErrorCode::ToolMissing,
        format!(
            "checking the identity for {}: this build has no support for its cloud",
            environment.key
        ),
    )
    .next(format!("build datamcp with the feature `{}`", environment.key.cloud.word()))
}

#[async_trait]
impl Identity for NoCloud {
    async fn caller(&self, environment: &Environment, _session: &str) -> Result<Caller> {
        Err(missing(environment))
    }

    async fn origin(&self, environment: &Environment, _session: &str) -> Result<Origin> {
        Err(missing(environment))
    }

    async fn credentials(
        &self,
        environment: &Environment,
        _session: &str,
    ) -> Result<ChildCredentials> {
        Err(missing(environment))
    }
}

#[async_trait]
impl Clusters for NoCloud {
    async fn find(
        &self,
        environment: &Environment,
        _session: &str,
        _region: &str,
        _name: &str,
    ) -> Result<ClusterFound> {
        Err(missing(environment))
    }
}

#[async_trait]
impl ClusterTokens for NoCloud {
    async fn token(&self, access: &EksAccess) -> Result<ClusterToken> {
        let cluster = &access.cluster;
        let doing = format!("making a token for EKS cluster {cluster}: this build has no AWS");
        Err(Error::new(ErrorCode::ToolMissing, doing).next("build datamcp with the feature `aws`"))
    }
}

#[async_trait]
impl GoogleTokens for NoCloud {
    async fn token(&self, _access: &GkeAccess) -> Result<ClusterToken> {
        let doing = "making a token for GKE: this build has no Google Cloud";
        Err(Error::new(ErrorCode::ToolMissing, doing).next("build datamcp with the feature `gcp`"))
    }
}

#[async_trait]
impl StateBackend for NoCloud {
    async fn observe(&self, environment: &Environment, _session: &str) -> Result<Findings> {
        Err(missing(environment))
    }

    async fn set(
        &self,
        _permit: &Permit,
        environment: &Environment,
        _session: &str,
        _setting: &str,
    ) -> Result<()> {
        Err(missing(environment))
    }
}
