//! Requests about applications: every check that needs no I/O.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ApplicationChange;
use crate::error::{Error, Result};
use crate::model::name::{self, BadName};
use crate::operation::helm::values;
use crate::operation::request::{self, Ask};

/// How long a sync may take, in seconds, when a call does not say.
const TIMEOUT_S: u64 = 300;
const TIMEOUT_S_MAX: u64 = 3600;

/// Own fields of `argo_create_app`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CreateRequest {
    /// Name of the server in settings.
    pub server: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// Name of the application.
    pub app_name: Option<String>,
    /// URL of the repository with the manifests.
    pub manifest_repo: Option<String>,
    /// Folder in it.
    pub path: Option<String>,
    /// Commit, tag or branch to follow.
    pub revision: Option<String>,
    /// Cluster to deploy to; only the project's own.
    pub dest_cluster: Option<String>,
    /// Namespace to deploy to.
    pub dest_namespace: Option<String>,
    /// Helm values: an object, or YAML.
    pub helm_values: Option<Value>,
}

/// Own fields of `argo_sync`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct SyncRequest {
    /// Name of the server in settings.
    pub server: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// Name of the application.
    pub app_name: Option<String>,
    /// A whole commit; default: where its target revision is now.
    pub revision: Option<String>,
    /// Delete what is not wanted any more (default false).
    pub prune: Option<bool>,
    /// Wait until it is synced and healthy (default true).
    pub wait: Option<bool>,
    /// How long, in seconds (default 300).
    pub timeout_s: Option<u64>,
}

/// Own fields of `argo_delete_app`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DeleteRequest {
    /// Name of the server in settings.
    pub server: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// Name of the application.
    pub app_name: Option<String>,
    /// Delete its objects too (default false).
    pub cascade: Option<bool>,
    /// How long to wait, in seconds (default 300).
    pub timeout_s: Option<u64>,
}

/// All fields that any of the three has.
#[derive(Debug, Clone, Default, Deserialize)]
struct Given {
    server: Option<String>,
    project: Option<String>,
    app_name: Option<String>,
    manifest_repo: Option<String>,
    path: Option<String>,
    revision: Option<String>,
    dest_cluster: Option<String>,
    dest_namespace: Option<String>,
    helm_values: Option<Value>,
    prune: Option<bool>,
    wait: Option<bool>,
    cascade: Option<bool>,
    timeout_s: Option<u64>,
}

/// Where an application comes from and goes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) repository: String,
    pub(super) path: String,
    pub(super) revision: String,
    pub(super) cluster: Option<String>,
    pub(super) namespace: String,
    /// Helm values, when the call says any.
    pub(super) values: Option<Map<String, Value>>,
}

/// What was asked, whole and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) application: String,
    /// For one that is created.
    pub(super) source: Option<Source>,
    /// For one that is synced.
    pub(super) revision: Option<String>,
    pub(super) prune: bool,
    pub(super) wait: bool,
    pub(super) cascade: bool,
    pub(super) timeout_s: u64,
}

/// Understands a request.
pub(super) fn parse(change: ApplicationChange, raw: &Value) -> Result<Ask> {
    let ask = match change {
        ApplicationChange::Create => request::read_change::<CreateRequest>(raw).map(|(_, a)| a),
        ApplicationChange::Sync => request::read_change::<SyncRequest>(raw).map(|(_, ask)| ask),
        ApplicationChange::Delete => request::read_change::<DeleteRequest>(raw).map(|(_, a)| a),
    }?;
    if ask.terms.plan_id.is_some() {
        check(change, &given(&ask.own)?)?;
    } else {
        wanted(change, &ask.own)?;
    }
    Ok(ask)
}

fn given(own: &Map<String, Value>) -> Result<Given> {
    serde_json::from_value(Value::Object(own.clone()))
        .map_err(|e| Error::internal("reading a request", e))
}

/// What a call asks for that names no plan.
pub(super) fn wanted(change: ApplicationChange, own: &Map<String, Value>) -> Result<Wanted> {
    let given = given(own)?;
    let timeout_s = check(change, &given)?;
    let need = |field: &str, given: Option<String>| {
        given.ok_or_else(|| {
            Error::invalid(field, "", "is missing").allowed("a value, or the plan_id of a plan")
        })
    };
    let application = need("app_name", given.app_name)?;
    let (source, revision) = if change == ApplicationChange::Create {
        let source = Source {
            repository: need("manifest_repo", given.manifest_repo)?,
            path: need("path", given.path)?,
            revision: need("revision", given.revision)?,
            cluster: given.dest_cluster,
            namespace: need("dest_namespace", given.dest_namespace)?,
            values: given.helm_values.map(|v| values::read_field("helm_values", &v)).transpose()?,
        };
        (Some(source), None)
    } else {
        (None, given.revision)
    };
    Ok(Wanted {
        application,
        source,
        revision,
        prune: given.prune.unwrap_or(false),
        wait: given.wait.unwrap_or(true),
        cascade: given.cascade.unwrap_or(false),
        timeout_s,
    })
}

/// Refuses what is no name of an application or project.
pub(in crate::operation) fn name(field: &str, given: Option<&str>) -> Result<()> {
    named(field, given, name::application)
}

fn named(field: &str, given: Option<&str>, rule: fn(&str) -> Result<(), BadName>) -> Result<()> {
    match given.map(|given| (given, rule(given))) {
        Some((given, Err(bad))) => Err(Error::invalid(field, given, bad.why).allowed(bad.allowed)),
        _ => Ok(()),
    }
}

/// Checks the fields that are given.
fn check(change: ApplicationChange, given: &Given) -> Result<u64> {
    named("server", given.server.as_deref(), name::environment)?;
    name("project", given.project.as_deref())?;
    name("app_name", given.app_name.as_deref())?;
    named("path", given.path.as_deref(), name::folder)?;
    named("revision", given.revision.as_deref(), name::revision)?;
    named("dest_namespace", given.dest_namespace.as_deref(), name::namespace)?;
    if let Some(repository) = &given.manifest_repo {
        repository_url(repository)?;
    }
    if let Some(values) = &given.helm_values {
        values::read_field("helm_values", values)?;
    }
    let commit = given.revision.as_ref().filter(|_| change == ApplicationChange::Sync);
    if let Some(revision) = commit.filter(|revision| !is_pinned(revision)) {
        return Err(Error::invalid("revision", revision, "may mean something else tomorrow")
            .allowed("a whole commit of 40 digits, or the version of a chart")
            .next("leave it out: then the target revision's commit is taken, and shown; argo_create_app changes the target"));
    }
    let timeout_s = given.timeout_s.unwrap_or(TIMEOUT_S);
    if !(1..=TIMEOUT_S_MAX).contains(&timeout_s) {
        return Err(Error::invalid("timeout_s", timeout_s.to_string(), "is out of range")
            .allowed(format!("1 to {TIMEOUT_S_MAX} seconds, as a number")));
    }
    Ok(timeout_s)
}

/// Whether a revision means the same for ever: a commit, or the version of a chart.
fn is_pinned(revision: &str) -> bool {
    let commit = matches!(revision.len(), 40 | 64)
        && revision.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let plain = revision.strip_prefix('v').unwrap_or(revision);
    let core = plain.split(['-', '+']).next().unwrap_or_default();
    let version = core.split('.').count() == 3
        && core.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    commit || version
}

/// Checks the URL of a repository as far as it can be without settings: nothing secret in it, nothing that is more than a
/// place.
fn repository_url(given: &str) -> Result<()> {
    let wrong = |why: &str| {
        let shown = if given.contains('@') { "(not shown)" } else { given };
        Error::invalid("manifest_repo", shown, why).allowed(
            "https://HOST/PATH, ssh://git@HOST/PATH, or what settings list in argocd.repos",
        )
    };
    let known = ["https://", "ssh://", "oci://", "file:///"];
    let Some(rest) = known.iter().find_map(|scheme| given.strip_prefix(scheme)) else {
        return Err(wrong("is not the URL of a repository"));
    };
    let place = rest.strip_prefix("git@").filter(|_| given.starts_with("ssh://")).unwrap_or(rest);
    if place.contains('@') {
        return Err(wrong("holds a user's name").next("repositories and their keys are Argo CD's"));
    }
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.starts_with('-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
    };
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let local = given.starts_with("file:///");
    if given.len() > 300 || !(if local { place } else { path }).split('/').all(plain) {
        return Err(wrong("has a path that is not plain"));
    }
    let named =
        name::host(host).is_ok() && !host.starts_with("169.254.") && !host.starts_with("metadata");
    if !local
        && !(named
            && host.split(':').next().is_some_and(|h| h.chars().any(|c| c.is_ascii_alphabetic())))
    {
        return Err(wrong("names no host by its name"));
    }
    Ok(())
}
