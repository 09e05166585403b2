//! The `cluster` setting of an environment, and which environment a kube context means.

use std::collections::BTreeMap;
use std::path::Path;

use super::raw;
use super::valid::named;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, nearest};
use crate::model::{Cloud, Cluster, ClusterAccess, Environment, EnvironmentKey};

/// The cluster that a `cluster` setting means. `field` names the environment's keys.
pub(super) fn cluster(
    given: &raw::Cluster,
    key: &EnvironmentKey,
    root: &Path,
    field: impl Fn(&str) -> String,
) -> Result<Cluster> {
    let access = access(given, key, root, &field)?;
    let context = match (&given.context, &access) {
        (Some(context), _) => context.clone(),
        (None, ClusterAccess::Kubeconfig { .. }) => {
            return Err(Error::invalid(field("cluster.context"), "", "is missing")
                .allowed("the name of a context of cluster.kubeconfig")
                .next("name it: what is the current context now may be another tomorrow"));
        }
        (None, _) => format!("{}-{}", key.cloud.word(), key.name),
    };
    name::kube_context(&context).map_err(|bad| named(&field("cluster.context"), &context, &bad))?;
    let foreign = match key.cloud {
        Cloud::Aws => given.location.as_ref().map(|l| ("cluster.location", l, "GKE")),
        Cloud::Gcp => given.role_arn.as_ref().map(|r| ("cluster.role_arn", r, "EKS")),
    };
    if let Some((key, given, whose)) = foreign {
        return Err(Error::invalid(field(key), given, format!("belongs to clusters of {whose}"))
            .next("leave it out"));
    }
    if let Some(location) = &given.location {
        name::gcp_location(location)
            .map_err(|bad| named(&field("cluster.location"), location, &bad))?;
    }
    if let Some(role) = &given.role_arn {
        name::role_arn(role).map_err(|bad| named(&field("cluster.role_arn"), role, &bad))?;
    }
    for namespace in &given.namespaces {
        name::namespace(namespace)
            .map_err(|bad| named(&field("cluster.namespaces"), namespace, &bad))?;
    }
    if let Some(uid) = given.uid.as_ref().filter(|uid| uid.parse::<uuid::Uuid>().is_err()) {
        return Err(Error::invalid(field("cluster.uid"), uid, "is not a uid")
            .allowed("what `kubectl get namespace kube-system -o jsonpath={.metadata.uid}` says"));
    }
    let name = match (&given.name, &access) {
        (Some(name), _) => name.clone(),
        (None, ClusterAccess::InCluster) => "in-cluster".to_owned(),
        (None, _) => context.clone(),
    };
    Ok(Cluster {
        name,
        context,
        role_arn: given.role_arn.clone(),
        location: given.location.clone(),
        namespaces: given.namespaces.clone(),
        access,
        uid: given.uid.clone(),
    })
}

/// The way to its API: one of three, and nothing beside it that belongs to another.
fn access(
    given: &raw::Cluster,
    key: &EnvironmentKey,
    root: &Path,
    field: impl Fn(&str) -> String,
) -> Result<ClusterAccess> {
    const WAYS: &str = "one of name, kubeconfig, in_cluster";
    let access =
        match (&given.name, &given.kubeconfig, given.in_cluster) {
            (Some(name), None, false) => {
                let check = match key.cloud {
                    Cloud::Aws => name::eks_cluster,
                    Cloud::Gcp => name::gke_cluster,
                };
                check(name).map_err(|bad| named(&field("cluster.name"), name, &bad))?;
                ClusterAccess::Managed
            }
            (None, Some(path), false) => {
                ClusterAccess::Kubeconfig { path: root.join(path), exec: given.exec.clone() }
            }
            (None, None, true) => ClusterAccess::InCluster,
            (None, None, false) => {
                return Err(Error::invalid(field("cluster"), "", "does not say which cluster")
                    .allowed(WAYS));
            }
            _ => {
                return Err(Error::invalid(field("cluster"), "", "says more than one cluster")
                    .allowed(WAYS));
            }
        };
    let own = [("cluster.role_arn", &given.role_arn), ("cluster.location", &given.location)];
    let own = own.into_iter().find(|(_, value)| value.is_some());
    if let (Some((key, _)), true) = (own, access != ClusterAccess::Managed) {
        let why = "is for clusters that the cloud knows";
        return Err(Error::invalid(field(key), "", why)
            .next("take it out: the kubeconfig or the pod says who comes"));
    }
    let ClusterAccess::Kubeconfig { exec, .. } = &access else {
        return match given.exec.first() {
            None => Ok(access),
            Some(word) => Err(Error::invalid(field("cluster.exec"), word, "goes with kubeconfig")),
        };
    };
    match exec.first() {
        Some(program) if !Path::new(program).is_absolute() => {
            Err(Error::invalid(field("cluster.exec"), program, "is not a whole path")
                .allowed("[\"/path/of/the/program\", \"argument\", …]"))
        }
        _ => Ok(access),
    }
}

/// Refuses a context that means two environments.
pub(super) fn distinct(environments: &BTreeMap<EnvironmentKey, Environment>) -> Result<()> {
    let mut known: BTreeMap<&str, &EnvironmentKey> = BTreeMap::new();
    for environment in environments.values() {
        let Some(cluster) = &environment.cluster else { continue };
        let key = &environment.key;
        if let Some(other) = known.insert(&cluster.context, key) {
            let field = format!("environments.{}.{}.cluster.context", key.cloud.word(), key.name);
            return Err(Error::invalid(
                field,
                &cluster.context,
                format!("belongs to {other} already"),
            )
            .next("give each environment a context of its own"));
        }
    }
    Ok(())
}

/// The environment whose cluster has this context.
pub(super) fn by_context<'c>(
    environments: &'c BTreeMap<EnvironmentKey, Environment>,
    context: &str,
) -> Result<&'c Environment> {
    let known = || {
        environments.values().filter_map(|e| e.cluster.as_ref().map(|c| (c.context.as_str(), e)))
    };
    if let Some((_, found)) = known().find(|(name, _)| *name == context) {
        return Ok(found);
    }
    let names: Vec<&str> = known().map(|(name, _)| name).collect();
    let why = name::kube_context(context)
        .err()
        .map_or_else(|| "belongs to no environment of the settings".to_owned(), |bad| bad.why);
    let error = Error::new(ErrorCode::UnknownEnvironment, format!("kube_context {why}"))
        .field("kube_context")
        .given(context)
        .allowed(if names.is_empty() { "(none configured)".to_owned() } else { names.join(", ") });
    Err(match nearest(context, names) {
        Some(near) => error.next(format!("did you mean {near}")),
        None => error.next("set `cluster` of the environment in the settings"),
    })
}
