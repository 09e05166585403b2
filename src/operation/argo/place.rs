//! Which environment, which project of which Argo CD a request means, and whether it may be there.

use super::request::Wanted;
use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::model::cluster::is_own_namespace;
use crate::model::{ArgoProject, Environment, EnvironmentKey};
use crate::operation::helm::manifest;

/// The environment of a server and project. Both left out, a plan says it.
pub(in crate::operation) fn of_project(
    config: &Config,
    (server, project): (Option<&str>, Option<&str>),
    planned: bool,
) -> Result<Option<EnvironmentKey>> {
    if planned && server.is_none() && project.is_none() {
        return Ok(None);
    }
    Ok(Some(config.by_project(server, project)?.key.clone()))
}

/// The project that settings give an environment.
pub(in crate::operation) fn argocd(environment: &Environment) -> Result<&ArgoProject> {
    environment.argocd.as_ref().ok_or_else(|| {
        let why = format!("{}: no project of an Argo CD is configured for it", environment.key);
        Error::new(ErrorCode::InvalidRequest, why)
            .field("project")
            .next("set `argocd` of the environment in the settings")
    })
}

/// Refuses a repository, cluster or namespace that settings do not open. Beyond that the project's bounds count.
pub(super) fn is_open(environment: &Environment, wanted: &Wanted) -> Result<()> {
    let place = argocd(environment)?;
    let Some(source) = &wanted.source else {
        return Ok(());
    };
    let closed = |field: &str, given: &str, why: String| {
        Error::new(ErrorCode::PolicyDenied, why).field(field).given(given)
    };
    match place.lists(&source.repository) {
        Some(false) => {
            let why = format!("manifest_repo is not one of {}", environment.key);
            return Err(closed("manifest_repo", &source.repository, why)
                .allowed(place.repos.join(", "))
                .next("ask the people who keep datamcp.toml to look at argocd.repos"));
        }
        None if source.repository.starts_with("file:") => {
            let why = "manifest_repo is a folder of Argo CD's own machine".to_owned();
            return Err(closed("manifest_repo", &source.repository, why)
                .allowed("a repository that is reached over the network"));
        }
        _ => {}
    }
    if let Some(cluster) = source.cluster.as_ref().filter(|c| **c != place.destination) {
        let why = format!("dest_cluster is not the cluster of {}", environment.key);
        return Err(closed("dest_cluster", cluster, why).allowed(&place.destination));
    }
    let (open, allowed) = match &environment.cluster {
        Some(cluster) => (cluster.may_change(&source.namespace), manifest::allowed(cluster)),
        None => (
            !is_own_namespace(&source.namespace),
            "any namespace but those of Kubernetes itself".to_owned(),
        ),
    };
    if open {
        return Ok(());
    }
    let why = format!(
        "namespace {} of {} is not open to applications",
        source.namespace, environment.key
    );
    Err(closed("dest_namespace", &source.namespace, why)
        .allowed(allowed)
        .next("ask the people who keep datamcp.toml to look at cluster.namespaces"))
}
