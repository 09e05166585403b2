//! Which environment, which cluster, which namespace a request means, and whether it may be there.

use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::nearest;
use crate::model::{Cluster, ClusterAccess, Environment, EnvironmentKey, OperationId};
use crate::operation::World;
use crate::operation::unready::unready;
use crate::port::{ClusterFacts, ClusterFound, ClusterUser, ReleaseJob};

use super::manifest::allowed;

/// The environment of a kube context. Left out, a plan says it, or the pod that we run in.
pub(in crate::operation) fn of_context(
    config: &Config,
    context: Option<&str>,
    planned: bool,
) -> Result<Option<EnvironmentKey>> {
    match context {
        Some(context) => Ok(Some(config.by_context(context)?.key.clone())),
        None if planned => Ok(None),
        None => {
            if let Some(own) = config.in_cluster() {
                return Ok(Some(own.key.clone()));
            }
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

/// The environment's cluster as its cloud, or the file that settings name, says it is now; and as whom we come.
pub(in crate::operation) async fn cluster(
    world: &World,
    environment: &Environment,
    operation: OperationId,
) -> Result<(ClusterFacts, ClusterUser)> {
    let wanted = configured(environment)?;
    if wanted.access != ClusterAccess::Managed {
        return world.kubeconfigs.reach(wanted).await;
    }
    Ok((managed(world, environment, operation).await?, ClusterUser::Minted))
}

/// Refuses early what a file of the settings does not give.
pub(in crate::operation) async fn reachable(
    world: &World,
    environment: &Environment,
) -> Result<()> {
    let wanted = configured(environment)?;
    if wanted.access != ClusterAccess::Managed {
        world.kubeconfigs.reach(wanted).await?;
    }
    Ok(())
}

/// Refuses a cluster that is not the one that settings mean.
pub(in crate::operation) fn is_meant(environment: &Environment, uid: &str) -> Result<()> {
    match environment.cluster.as_ref().and_then(|cluster| cluster.uid.as_deref()) {
        Some(meant) if meant != uid => {
            let why = format!("coming to the cluster of {}: it is another one", environment.key);
            Err(Error::new(ErrorCode::WrongIdentity, why)
                .field("cluster.uid")
                .given(uid)
                .allowed(meant)
                .next("see where the kubeconfig leads; cluster.uid is the uid of kube-system"))
        }
        _ => Ok(()),
    }
}

/// The environment's cluster as its cloud says it is now.
async fn managed(
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
            let at = (session.as_str(), name.as_str());
            return Err(unready(world, environment, at, &doing, status).await);
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
    (cluster, user): (ClusterFacts, ClusterUser),
    operation: OperationId,
    scratch: std::path::PathBuf,
    (namespace, release): (&str, &str),
) -> ReleaseJob {
    ReleaseJob {
        environment: environment.clone(),
        cluster,
        user,
        operation,
        namespace: namespace.to_owned(),
        release: release.to_owned(),
        scratch,
    }
}
