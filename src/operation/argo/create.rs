//! An application that is created, or given another spec.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plan::{Goal, Sealed, Seen};
use super::request::{Source, Wanted};
use super::{ApplicationChange, bounds, objects};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ChangeSet, Digest};
use crate::operation::helm::diff::{There, diff};
use crate::operation::helm::manifest;
use crate::port::Application;

pub(super) async fn goal(seen: &Seen<'_>, wanted: Wanted) -> Result<Goal> {
    let (place, doing, name) = (seen.place, &seen.doing, &wanted.application);
    let source =
        wanted.source.as_ref().ok_or_else(|| Error::internal(doing, "it comes from nowhere"))?;
    let mut warnings = Vec::new();
    match seen.scene.world.applications.bounds(place).await? {
        Some(found) => bounds::check(doing, place, &found, source)?,
        None => warnings.push(
            "the token does not see the bounds of the project: Argo CD checks them when it is carried out"
                .to_owned(),
        ),
    }
    if seen.application.as_ref().is_some_and(|app| app.deleting) {
        return Err(Error::new(ErrorCode::LockHeld, format!("{doing}: it is being deleted"))
            .next("wait until it is gone: argo_app_status"));
    }
    let there = seen.application.as_ref().map(|app| &app.spec);
    let spec = spec(doing, seen, source, there)?;
    let body = |spec: &Value| {
        let body = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": name }, "spec": spec });
        manifest::live(&[body])
    };
    let (old, new) = (there.map(body).unwrap_or_default(), body(&spec));
    let there = There { release: &old, live: None, settled: true };
    let deltas = diff(there, &new, &place.project);
    let mut lines = vec![format!("application {name} of {place}")];
    lines.extend(objects::lines(&deltas));
    if deltas.is_empty() {
        lines.push("nothing would change".to_owned());
    }
    lines.extend(warnings.iter().map(|told| format!("\nnote     {told}")));
    let facts = BTreeMap::from([("new spec", Digest::of_json(&spec).to_string())]);
    let uid = seen.application.as_ref().map(|app| app.uid.clone());
    let changes = ChangeSet { resources: objects::resources(&deltas), ..ChangeSet::default() };
    let sealed = Sealed {
        change: ApplicationChange::Create,
        wanted,
        spec: Some(spec),
        revision: None,
        adopts: None,
        uid,
    };
    Ok(Goal { sealed, changes, lines, facts, warnings })
}

/// The spec: what the call says, over what there is. What the call does not speak of stays.
fn spec(doing: &str, seen: &Seen<'_>, source: &Source, there: Option<&Value>) -> Result<Value> {
    let mut spec = there.cloned().unwrap_or_else(|| json!({}));
    if spec.get("sources").is_some() {
        return Err(Error::new(
            ErrorCode::InvalidRequest,
            format!("{doing}: it comes from more than one repository"),
        )
        .field("manifest_repo")
        .detail("sources", seen.application.as_ref().map(Application::sources).unwrap_or_default())
        .next("such an application is changed where its manifest is kept"));
    }
    set(&mut spec, &["project"], json!(seen.place.project));
    set(&mut spec, &["source", "repoURL"], json!(source.repository));
    set(&mut spec, &["source", "path"], json!(source.path));
    set(&mut spec, &["source", "targetRevision"], json!(source.revision));
    set(&mut spec, &["destination", "server"], json!(seen.place.destination));
    set(&mut spec, &["destination", "namespace"], json!(source.namespace));
    // The destination is one of the two.
    if let Some(destination) = spec.get_mut("destination").and_then(Value::as_object_mut) {
        destination.remove("name");
    }
    if let Some(values) = &source.values {
        set(&mut spec, &["source", "helm", "valuesObject"], Value::Object(values.clone()));
        if let Some(helm) = spec.pointer_mut("/source/helm").and_then(Value::as_object_mut) {
            helm.remove("values");
        }
    }
    Ok(spec)
}

fn set(value: &mut Value, path: &[&str], to: Value) {
    let mut at = value;
    for key in path {
        if !at.is_object() {
            *at = json!({});
        }
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry(*key).or_insert(Value::Null);
    }
    *at = to;
}
