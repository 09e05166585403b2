//! EKS clusters: where their APIs are.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::Region;
use aws_sdk_eks::Client;
use aws_sdk_eks::config::Builder;
use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types::{Cluster, ClusterStatus};

use super::AwsIdentity;
use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::Environment;
use crate::port::{ClusterFacts, ClusterFound, Clusters};

/// Clusters by the AWS SDK.
#[derive(Debug)]
pub struct EksClusters {
    identity: Arc<AwsIdentity>,
}

impl EksClusters {
    /// Clusters as this identity sees them.
    pub fn new(identity: Arc<AwsIdentity>) -> Self {
        Self { identity }
    }
}

#[async_trait]
impl Clusters for EksClusters {
    async fn find(
        &self,
        environment: &Environment,
        session: &str,
        region: &str,
        name: &str,
    ) -> Result<ClusterFound> {
        let settings = self.identity.settings(environment, session).await?;
        let region_of = Region::new(region.to_owned());
        let client = Client::from_conf(Builder::from(&settings).region(region_of).build());
        match client.describe_cluster().name(name).send().await {
            Ok(answer) => Ok(answer.cluster().map_or_else(
                || ClusterFound::NotActive("unknown".to_owned()),
                |cluster| found(name, cluster),
            )),
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                Ok(ClusterFound::Absent(listed(&client, region).await?))
            }
            Err(error) => Err(failed(
                &format!("asking for EKS cluster {name} in {region}"),
                "eks:DescribeCluster",
                error.code(),
                &causes(&error),
            )),
        }
    }
}

/// All clusters of the region: page by page, there are few.
async fn listed(client: &Client, region: &str) -> Result<Vec<String>> {
    let pages = client.list_clusters().into_paginator().items().send();
    pages.collect::<Result<Vec<String>, _>>().await.map_err(|error| {
        failed(
            &format!("listing the EKS clusters of {region}"),
            "eks:ListClusters",
            error.code(),
            &causes(&error),
        )
    })
}

fn failed(doing: &str, action: &str, code: Option<&str>, causes: &str) -> Error {
    let denied = code.is_some_and(|code| code.contains("AccessDenied"));
    if denied {
        return Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {causes}"))
            .detail("action", action)
            .next(format!("allow {action} for the environment's role"));
    }
    Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {causes}"))
}

fn found(name: &str, cluster: &Cluster) -> ClusterFound {
    let usable = matches!(cluster.status(), Some(ClusterStatus::Active | ClusterStatus::Updating));
    let endpoint = cluster.endpoint().filter(|endpoint| !endpoint.is_empty());
    let authority = cluster.certificate_authority().and_then(|authority| authority.data());
    match (usable, endpoint, authority) {
        (true, Some(endpoint), Some(authority)) => ClusterFound::Active(ClusterFacts {
            name: name.to_owned(),
            arn: cluster.arn().unwrap_or_default().to_owned(),
            account: cluster.arn().and_then(|a| a.split(':').nth(4)).unwrap_or_default().to_owned(),
            kind: "EKS".to_owned(),
            endpoint: endpoint.to_owned(),
            certificate_authority: authority.to_owned(),
            version: cluster.version().unwrap_or_default().to_owned(),
            private_only: cluster
                .resources_vpc_config()
                .is_some_and(|vpc| !vpc.endpoint_public_access() && vpc.endpoint_private_access()),
        }),
        _ => ClusterFound::NotActive(
            cluster.status().map_or("without an endpoint", ClusterStatus::as_str).to_owned(),
        ),
    }
}
