//! An application that is taken away, alone or with its objects.

use std::collections::BTreeMap;

use super::ApplicationChange;
use super::plan::{Goal, Sealed, Seen};
use super::request::Wanted;
use super::sync::busy;
use crate::error::Result;
use crate::model::{Action, ChangeSet, Digest, ResourceChange};
use crate::operation::argo_app_status::absent;

pub(super) async fn goal(seen: &Seen<'_>, wanted: Wanted) -> Result<Goal> {
    let (place, name) = (seen.place, wanted.application.clone());
    let app = seen.application.as_ref().ok_or_else(|| absent(&place.to_string(), &name))?;
    if app.busy {
        return Err(busy(&seen.doing, app.last.as_ref()));
    }
    let deleted = |kind: &str, address: String| ResourceChange {
        address,
        kind: kind.to_owned(),
        action: Action::Delete,
    };
    let objects: Vec<ResourceChange> = app
        .resources
        .iter()
        .filter(|r| !r.hook && r.text != "Missing")
        .map(|r| deleted(&r.kind, format!("{} {}/{}", r.kind, r.namespace, r.name)))
        .collect();
    let mut resources =
        vec![deleted("Application", format!("Application {}/{name}", place.project))];
    let mut lines = vec![format!("application {name} of {place}"), String::new()];
    if wanted.cascade {
        resources.extend(objects.iter().cloned());
    }
    lines.extend(resources.iter().map(|r| format!("delete   {}", r.address)));
    if !wanted.cascade {
        let left =
            |r: &ResourceChange| format!("stays    {}, and nobody looks after it", r.address);
        lines.extend(objects.iter().map(left));
    }
    let known: Vec<&str> = objects.iter().map(|r| r.address.as_str()).collect();
    let facts = BTreeMap::from([
        ("cascade", wanted.cascade.to_string()),
        ("objects", Digest::of_json(&serde_json::json!(known)).to_string()),
    ]);
    let sealed = Sealed {
        change: ApplicationChange::Delete,
        wanted,
        spec: None,
        revision: None,
        adopts: None,
        uid: Some(app.uid.clone()),
    };
    let changes = ChangeSet { resources, ..ChangeSet::default() };
    Ok(Goal { sealed, changes, lines, facts, warnings: Vec::new() })
}
