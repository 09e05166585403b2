//! Clusters of GKE: where their APIs are, and what Google does to them now (Kubernetes Engine API, v1).

mod operations;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use self::operations::Operations;
use super::GoogleIdentity;
use super::call::{Again, Body, Call, is_absent, url};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;
use crate::port::{ClusterFacts, ClusterFound, ClusterOperation, Clusters};

const HOST: &str = "container.googleapis.com";
/// What is asked of Google about a cluster, and what a way in by its DNS name takes.
const NEEDED: [&str; 4] = [
    "container.clusters.get",
    "container.clusters.list",
    "container.operations.list",
    "container.clusters.connect",
];

/// Clusters by the Kubernetes Engine API.
#[derive(Debug)]
pub struct GkeClusters {
    identity: Arc<GoogleIdentity>,
}

impl GkeClusters {
    /// Clusters as this identity sees them.
    pub fn new(identity: Arc<GoogleIdentity>) -> Self {
        Self { identity }
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        environment: &Environment,
        doing: &str,
        path: &str,
    ) -> Result<T> {
        let path = format!("/v1/projects/{}/locations/{path}", environment.account);
        let value: Value = self.identity.ask(environment, doing, HOST, &path).await?;
        serde_json::from_value(value).map_err(|_| {
            Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the answer has another form"))
        })
    }
}

/// What is read of a cluster. Its password and its key are not among it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cluster {
    name: String,
    location: String,
    self_link: String,
    status: String,
    endpoint: String,
    current_master_version: String,
    master_auth: MasterAuth,
    autopilot: Switch,
    private_cluster_config: PrivateClusterConfig,
    control_plane_endpoints_config: Endpoints,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MasterAuth {
    cluster_ca_certificate: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PrivateClusterConfig {
    enable_private_endpoint: bool,
    private_endpoint: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Endpoints {
    dns_endpoint_config: DnsEndpoint,
    ip_endpoints_config: IpEndpoints,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DnsEndpoint {
    endpoint: String,
    allow_external_traffic: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IpEndpoints {
    enabled: Option<bool>,
    enable_public_endpoint: Option<bool>,
    private_endpoint: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    clusters: Vec<Cluster>,
}

#[async_trait]
impl Clusters for GkeClusters {
    async fn find(
        &self,
        environment: &Environment,
        _session: &str,
        location: &str,
        name: &str,
    ) -> Result<ClusterFound> {
        let doing = format!("asking for GKE cluster {name} in {location}");
        let path = format!("{location}/clusters/{name}");
        match self.ask::<Cluster>(environment, &doing, &path).await {
            Ok(cluster) => Ok(found(cluster)),
            Err(error) if is_absent(&error) => {
                let doing = format!("listing the GKE clusters of {}", environment.account);
                let listed: Listed = self.ask(environment, &doing, "-/clusters").await?;
                Ok(absent(listed.clusters, location, name))
            }
            Err(error) => Err(error),
        }
    }

    async fn operations(
        &self,
        environment: &Environment,
        _session: &str,
        location: &str,
        name: &str,
    ) -> Result<Vec<ClusterOperation>> {
        let doing = format!("listing the operations of GKE in {location}");
        let path = format!("{location}/operations");
        let listed: Operations = self.ask(environment, &doing, &path).await?;
        Ok(listed.of(name))
    }

    async fn lacks(&self, environment: &Environment) -> Result<Vec<&'static str>> {
        let doing = format!("asking for the permissions in project {}", environment.account);
        let path = format!("/v3/projects/{}:testIamPermissions", environment.account);
        let host = "cloudresourcemanager.googleapis.com";
        let url = url(environment.endpoint_url.as_deref(), host, &path);
        let body = json!({ "permissions": NEEDED });
        // It asks only, though it is sent.
        let call = Call { again: Again::Question, ..Call::post(&doing, url, Body::Json(&body)) };
        let answer = self.identity.send(environment, &call).await?.value;
        let has = answer.get("permissions").and_then(Value::as_array);
        let has: Vec<&str> = has.into_iter().flatten().filter_map(Value::as_str).collect();
        Ok(NEEDED.into_iter().filter(|needed| !has.contains(needed)).collect())
    }
}

fn absent(clusters: Vec<Cluster>, location: &str, name: &str) -> ClusterFound {
    if let Some(other) = clusters.iter().find(|c| c.name == name && c.location != location) {
        return ClusterFound::Elsewhere(other.location.clone());
    }
    let here = clusters.into_iter().filter(|c| c.location == location);
    ClusterFound::Absent(here.map(|c| c.name).collect())
}

/// The project in a link like `https://container.googleapis.com/v1/projects/P/locations/L/clusters/C`.
fn project(link: &str) -> &str {
    link.split_once("/projects/").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default()
}

fn found(cluster: Cluster) -> ClusterFound {
    // A cluster that is being changed, or has lost a part, answers all the same.
    if !matches!(cluster.status.as_str(), "RUNNING" | "RECONCILING" | "DEGRADED") {
        return ClusterFound::NotActive(cluster.status);
    }
    let Some((host, authority, private_only)) = way(&cluster) else {
        return ClusterFound::NotActive("without an endpoint that is open to us".to_owned());
    };
    let account = project(&cluster.self_link).to_owned();
    ClusterFound::Active(ClusterFacts {
        arn: format!("projects/{account}/locations/{}/clusters/{}", cluster.location, cluster.name),
        account,
        kind: if cluster.autopilot.enabled { "GKE Autopilot" } else { "GKE Standard" }.to_owned(),
        endpoint: format!("https://{host}"),
        certificate_authority: authority,
        version: cluster.current_master_version,
        private_only,
        name: cluster.name,
    })
}

/// The way to its API: its public address, else its name if that is open to the outside, else its private address.
fn way(cluster: &Cluster) -> Option<(String, String, bool)> {
    let (ip, dns) = (
        &cluster.control_plane_endpoints_config.ip_endpoints_config,
        &cluster.control_plane_endpoints_config.dns_endpoint_config,
    );
    let closed = &cluster.private_cluster_config;
    let addresses = ip.enabled.unwrap_or(true);
    let public =
        addresses && ip.enable_public_endpoint.unwrap_or(true) && !closed.enable_private_endpoint;
    let authority = &cluster.master_auth.cluster_ca_certificate;
    let some = |host: &str, private| {
        let known = !host.is_empty() && !authority.is_empty();
        known.then(|| (host.to_owned(), authority.clone(), private))
    };
    if public && let Some(way) = some(&cluster.endpoint, false) {
        return Some(way);
    }
    if dns.allow_external_traffic && !dns.endpoint.is_empty() {
        // Its certificate is of an authority that every system trusts; the cluster's own did not sign it.
        return Some((dns.endpoint.clone(), String::new(), false));
    }
    let private = [&ip.private_endpoint, &closed.private_endpoint, &cluster.endpoint];
    let private = private.into_iter().find(|host| !host.is_empty()).filter(|_| addresses)?;
    some(private, true)
}
