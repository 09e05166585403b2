//! An application that is brought to one commit.

use std::collections::BTreeMap;

use super::ApplicationChange;
use super::objects::{self, Deltas};
use super::plan::{Goal, Sealed, Seen};
use super::request::Wanted;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Action, ChangeSet, Digest, OperationId, ResourceChange};
use crate::operation::Scene;
use crate::operation::argo_app_status::absent;
use crate::port::{Application, SyncState};

pub(super) async fn goal(seen: &Seen<'_>, wanted: Wanted) -> Result<Goal> {
    let (place, doing, name) = (seen.place, &seen.doing, wanted.application.clone());
    let app = seen.application.as_ref().ok_or_else(|| absent(&place.to_string(), &name))?;
    if app.deleting {
        return Err(Error::new(ErrorCode::LockHeld, format!("{doing}: it is being deleted")));
    }
    let revision = revision(doing, app, &wanted)?;
    if app.busy {
        let adopts = adoptable(seen.scene, app, Some(&revision)).await?;
        let adopts = adopts.ok_or_else(|| busy(&seen.doing, app.last.as_ref()))?;
        return Ok(follow(seen, wanted, revision, adopts));
    }
    let applications = &seen.scene.world.applications;
    if !applications.may_sync(place, &name).await? {
        return Err(Error::new(
            ErrorCode::UpstreamDenied,
            format!("{doing}: a sync window of project {} is closed", place.project),
        )
        .detail("sync_window", true)
        .next("wait until it is open; the people of the project decide on its windows"));
    }
    let mut warnings = Vec::new();
    let managed = applications.managed(place, &name).await?;
    let rendered = applications.rendered(place, &name, &revision).await?;
    let namespace = text(app, "/destination/namespace");
    let deltas = if is_compared(seen, app, &revision, &rendered).await? {
        objects::compared(&managed, &namespace, wanted.prune)
    } else {
        let target = text(app, "/source/targetRevision");
        warnings.push(format!("it follows {target}: it is out of sync with that afterwards"));
        objects::rendered(&managed, &rendered, &namespace, wanted.prune)
    };
    if app.automatic {
        warnings.push(
            "Argo CD syncs it by itself: it refuses a commit that is not its target's".to_owned(),
        );
    }
    let lines = describe(seen, &revision, &deltas);
    let changes = deltas.changes();
    let manifests = Digest::of_json(&serde_json::json!(rendered));
    let facts = BTreeMap::from([
        ("revision", revision.clone()),
        ("prune", wanted.prune.to_string()),
        ("manifests", manifests.to_string()),
    ]);
    let sealed = sealed(app, wanted, revision, None);
    Ok(Goal { sealed, changes, lines, facts, warnings })
}

/// Whether Argo CD has compared with this commit, or with one that makes the very same objects: others commit to the same
/// repository all day.
async fn is_compared(
    seen: &Seen<'_>,
    app: &Application,
    revision: &str,
    rendered: &[serde_json::Value],
) -> Result<bool> {
    let Some(compared) = app.revision.as_deref().filter(|compared| *compared != revision) else {
        return Ok(app.revision.is_some());
    };
    let applications = &seen.scene.world.applications;
    Ok(applications.rendered(seen.place, &app.name, compared).await? == rendered)
}

fn text(app: &Application, at: &str) -> String {
    app.spec.pointer(at).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn sealed(
    app: &Application,
    wanted: Wanted,
    revision: String,
    adopts: Option<OperationId>,
) -> Sealed {
    Sealed {
        change: ApplicationChange::Sync,
        wanted,
        spec: None,
        revision: Some(revision),
        adopts,
        uid: Some(app.uid.clone()),
    }
}

/// The commit: the one asked for, else the one that the target revision is now.
fn revision(doing: &str, app: &Application, wanted: &Wanted) -> Result<String> {
    if app.spec.get("sources").is_some() {
        return Err(Error::new(
            ErrorCode::InvalidRequest,
            format!(
                "{doing}: it comes from more than one repository, so one commit does not say all"
            ),
        )
        .field("app_name")
        .detail("sources", app.sources())
        .next("make it one application a repository, or have it synced at Argo CD"));
    }
    wanted.revision.clone().or_else(|| app.revision.clone()).ok_or_else(|| {
        let why = format!("{doing}: Argo CD does not know its target's commit");
        Error::new(ErrorCode::UpstreamFailed, why)
            .detail("conditions", app.conditions.clone())
            .next("see what Argo CD has against it: argo_app_status")
    })
}

/// The operation of ours whose sync runs, when its supervisor has died: that sync is followed.
pub(super) async fn adoptable(
    scene: &Scene<'_>,
    app: &Application,
    revision: Option<&str>,
) -> Result<Option<OperationId>> {
    let revision = revision.or(app.revision.as_deref());
    if let Some(last) = &app.last
        && let Some(id) = last.ours
        && last.revision.as_deref().is_none_or(|r| Some(r) == revision)
    {
        let row = scene.world.log.store().row(id).await?;
        if id == scene.run.operation || row.is_some_and(|row| row.status.is_final()) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The refusal of an application on which somebody works.
pub(super) fn busy(doing: &str, last: Option<&SyncState>) -> Error {
    let by = last.map(|last| last.by.clone()).unwrap_or_default();
    let since = last.and_then(|last| last.started).map(|t| format!(" since {t}"));
    let why = format!(
        "{doing}: another operation runs on it{}{}",
        since.unwrap_or_default(),
        if by.is_empty() { String::new() } else { format!(", asked for by {by}") }
    );
    let mut error = Error::new(ErrorCode::LockHeld, why)
        .detail("busy", true)
        .detail("by", by)
        .next("wait for its end: argo_app_status shows it; lock.wait_s of the settings waits for so long");
    if let Some(last) = last {
        error = error.detail("phase", last.phase.clone());
        if let Some(id) = last.ours {
            error = error.detail("operation", id.to_string());
        }
        if let Some(started) = last.started {
            error = error.detail("started_at", started.to_string());
        }
    }
    error
}

/// A plan that only waits for what runs already.
fn follow(seen: &Seen<'_>, wanted: Wanted, revision: String, id: OperationId) -> Goal {
    let told =
        format!("the sync of operation {id} still runs: it is followed to its end, not repeated");
    let name = wanted.application.clone();
    let resource = ResourceChange {
        address: format!("Application {}/{name}", seen.place.project),
        kind: "Application".to_owned(),
        action: Action::Update,
    };
    let facts = BTreeMap::from([
        ("revision", revision.clone()),
        ("prune", wanted.prune.to_string()),
        ("follows", id.to_string()),
    ]);
    let uid = seen.application.as_ref().map(|app| app.uid.clone());
    Goal {
        sealed: Sealed {
            change: ApplicationChange::Sync,
            wanted,
            spec: None,
            revision: Some(revision),
            adopts: Some(id),
            uid,
        },
        changes: ChangeSet { resources: vec![resource], ..ChangeSet::default() },
        lines: vec![format!("application {name} of {}", seen.place), told.clone()],
        facts,
        warnings: vec![told],
    }
}

fn describe(seen: &Seen<'_>, revision: &str, deltas: &Deltas) -> Vec<String> {
    let name = seen.application.as_ref().map_or("", |app| app.name.as_str());
    let mut lines = vec![format!("application {name} of {}", seen.place)];
    if let Some(app) = &seen.application {
        let was = app.history.last().map_or("never synced", |d| d.revision.as_str());
        lines.push(format!("  now   {} and {}, last synced to {was}", app.sync, app.health));
        lines.extend(app.conditions.iter().map(|told| format!("  note  {told}")));
    }
    lines.push(format!("  then  commit {revision}"));
    lines.extend(objects::lines(&deltas.made));
    if deltas.made.is_empty() {
        lines.push("\nnothing would change".to_owned());
    } else {
        lines.extend(deltas.hooks.iter().map(|hook| format!("\nruns     {hook}")));
    }
    lines.extend(deltas.left.iter().map(|left| {
        format!("\nstays    {left}, which is not wanted any more: prune=true deletes it")
    }));
    lines
}
