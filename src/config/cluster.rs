//! The `cluster` setting of an environment, and which environment a kube context means.

use std::collections::BTreeMap;

use super::raw;
use super::valid::named;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, nearest};
use crate::model::{Cloud, Cluster, Environment, EnvironmentKey};

/// The cluster that a `cluster` setting means. `field` names the environment's keys.
pub(super) fn cluster(
    given: &raw::Cluster,
    key: &EnvironmentKey,
    field: impl Fn(&str) -> String,
) -> Result<Cluster> {
    match key.cloud {
        Cloud::Aws => name::eks_cluster(&given.name),
        Cloud::Gcp => name::gke_cluster(&given.name),
    }
    .map_err(|bad| named(&field("cluster.name"), &given.name, &bad))?;
    let context =
        given.context.clone().unwrap_or_else(|| format!("{}-{}", key.cloud.word(), key.name));
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
    Ok(Cluster {
        name: given.name.clone(),
        context,
        role_arn: given.role_arn.clone(),
        location: given.location.clone(),
        namespaces: given.namespaces.clone(),
    })
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
