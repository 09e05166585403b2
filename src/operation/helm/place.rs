//! Which environment, which cluster, which namespace a request means, and whether it may be there.

use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::nearest;
use crate::model::{Cluster, Environment, EnvironmentKey, OperationId};
use crate::operation::World;
use crate::port::{ClusterFacts, ClusterFound, ReleaseJob};

use super::manifest::allowed;

/// The environment of a kube context. Left out, a plan says it.
pub(in crate::operation) fn of_context(
    config: &Config,
    context: Option<&str>,
    planned: bool,
) -> Result<Option<EnvironmentKey>> {
    match context {
        Some(context) => Ok(Some(config.by_context(context)?.key.clone())),
        None if planned => Ok(None),
        None => {
            let known: Vec<&str> = config
                .environments()
                .filter_map(|e| e.cluster.as_ref().map(|c| c.context.as_str()))
                .collect();
            let known =
                if known.is_empty() { "(none configured)".to_owned() } else { known.join(", ") };
            Err(Error::invalid("kube_context", "", "is missing: this is not inside of a cluster")
                .allowed(known)
                .next("name the kube context of an environment's cluster"))
        }
    }
}

/// The cluster that settings give an environment.
fn configured(environment: &Environment) -> Result<&Cluster> {
    environment.cluster.as_ref().ok_or_else(|| {
        let why = format!("{}: no cluster is configured for it", environment.key);
        Error::new(ErrorCode::InvalidRequest, why)
            .field("kube_context")
            .next("set `cluster` of the environment in the settings")
    })
}

/// Refuses a namespace that is not to be changed. Returns the cluster that settings give the environment.
pub(in crate::operation) fn namespace_is_open<'e>(
    environment: &'e Environment,
    namespace: &str,
) -> Result<&'e Cluster> {
    let cluster = configured(environment)?;
    if cluster.may_change(namespace) {
        return Ok(cluster);
    }
    let why = format!("namespace {namespace} of {} is not open to releases", environment.key);
    Err(Error::new(ErrorCode::PolicyDenied, why)
        .field("namespace")
        .given(namespace)
        .allowed(allowed(cluster))
        .next("ask the people who keep datamcp.toml to look at cluster.namespaces"))
}

/// The environment's cluster as its cloud says it is now.
pub(in crate::operation) async fn cluster(
    world: &World,
    environment: &Environment,
    operation: OperationId,
) -> Result<ClusterFacts> {
    let wanted = configured(environment)?;
    let (name, region) = (&wanted.name, environment.cluster_location());
    let doing = format!("looking for cluster {name} of {}", environment.key);
    let session = operation.to_string();
    let facts = match world.clusters.find(environment, &session, region, name).await? {
        ClusterFound::Active(facts) => facts,
        ClusterFound::NotActive(status) => {
            return Err(Error::new(ErrorCode::UpstreamFailed, format!("{doing}: it is {status}"))
                .detail("cluster_status", status)
                .next("wait until the cloud says that it is ready"));
        }
        ClusterFound::Absent(known) => {
            let error = Error::new(
                ErrorCode::InvalidRequest,
                format!("{doing}: there is none of this name in {region}"),
            )
            .field("cluster.name")
            .given(name)
            .allowed(known.join(", "));
            return Err(match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => error.next(format!("did you mean {near}")),
                None => error.next("correct cluster.name, or apply the environment first"),
            });
        }
        ClusterFound::Elsewhere(location) => {
            let why = format!("{doing}: it is in {location}, not in {region}");
            return Err(Error::new(ErrorCode::InvalidRequest, why)
                .field("cluster.location")
                .given(region)
                .allowed(&location)
                .next("correct cluster.location of the environment"));
        }
    };
    let account = &facts.account;
    if *account != environment.account {
        return Err(Error::new(
            ErrorCode::WrongIdentity,
            format!("{doing}: it belongs to account {account}"),
        )
        .given(account)
        .allowed(&environment.account));
    }
    if !facts.endpoint.starts_with("https://") {
        let why = format!("{doing}: its endpoint is not reached over TLS");
        return Err(Error::new(ErrorCode::UpstreamFailed, why).given(&facts.endpoint));
    }
    Ok(facts)
}

/// The job of one release.
pub(in crate::operation) fn job(
    environment: &Environment,
    cluster: ClusterFacts,
    operation: OperationId,
    scratch: std::path::PathBuf,
    (namespace, release): (&str, &str),
) -> ReleaseJob {
    ReleaseJob {
        environment: environment.clone(),
        cluster,
        operation,
        namespace: namespace.to_owned(),
        release: release.to_owned(),
        scratch,
    }
}
