//! Argo CD's applications: the chart takes their values, and each kind that comes out is one their project allows.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{CHART, Helm, judge, rules};
use crate::manifest::{self, items, text};

/// Renders each application under `argocd/apps`.
pub(super) fn check(helm: &Helm, top: &Path) -> Result<String> {
    let projects = files(&top.join("argocd/projects"))?;
    let applications = files(&top.join("argocd/apps"))?;
    ensure!(!applications.is_empty(), "no application under argocd/apps");
    for application in &applications {
        let name = text(application, "/metadata/name");
        let owner = text(application, "/spec/project");
        let project = projects.iter().find(|project| text(project, "/metadata/name") == owner);
        let project = project.with_context(|| format!("{name}: no project {owner}"))?;
        ensure!(text(application, "/spec/source/path") == CHART, "{name}: another chart");
        let file = helm.home.join("application-values.yaml");
        let values = application.pointer("/spec/source/helm/valuesObject").unwrap_or(&Value::Null);
        fs::write(&file, values.to_string()).context("writing an application's values")?;
        let objects = helm.render(&file)?;
        judge(&rules::broken(&objects))?;
        judge(&outside(project, &objects))?;
        // The check itself: with one kind fewer, the objects of that kind lie outside.
        let mut less = project.clone();
        if let Some(Value::Array(kinds)) = less.pointer_mut("/spec/namespaceResourceWhitelist") {
            kinds.retain(|kind| text(kind, "/kind") != "Deployment");
        }
        if outside(&less, &objects).is_empty() {
            bail!("{name}: a kind that the project does not allow is not seen");
        }
    }
    Ok(format!("{} applications", applications.len()))
}

/// Objects of a kind that the project does not allow. Pods of `helm test` are none: Argo CD leaves them out.
fn outside(project: &Value, objects: &[Value]) -> Vec<String> {
    let allowed = items(project, "/spec/namespaceResourceWhitelist");
    let made = objects
        .iter()
        .filter(|object| text(object, "/metadata/annotations/helm.sh~1hook") != "test");
    made.filter_map(|object| {
        let (kind, version) = (rules::kind(object), text(object, "/apiVersion"));
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        let allows = allowed.contains(&json!({ "group": group, "kind": kind }));
        (!allows).then(|| format!("{kind} of `{group}` is not allowed by the project"))
    })
    .collect()
}

fn files(folder: &Path) -> Result<Vec<Value>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    entries.flatten().map(|entry| manifest::read(&entry.path())).collect()
}
