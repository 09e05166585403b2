//! Carries a plan of an application out, and tells how it ended.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::follow::{Ended, Followed};
use super::plan::Sealed;
use super::settle::Settled;
use super::{ApplicationChange, argocd};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ArgoProject, Outcome, PlanRecord};
use crate::operation::answer::{ChangeAnswer, Summary, cut};
use crate::operation::{Done, Scene};
use crate::permit::Permit;
use crate::port::{Application, Asked, ResourceState, SyncOrder, SyncState, Watch};

/// How many objects are told.
const TOLD: usize = 10;
/// How often something that was asked for is looked for.
const EVERY: Duration = Duration::from_millis(400);
/// How long a lost answer is looked for.
const LOOKING: Duration = Duration::from_secs(30);

/// An end.
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) error: Option<Error>,
    pub(super) details: Map<String, Value>,
    pub(super) warnings: Vec<String>,
}

impl End {
    fn of(outcome: Outcome, error: Option<Error>, details: Map<String, Value>) -> Self {
        Self { outcome, error, details, warnings: Vec::new() }
    }

    fn failed(error: Error) -> Self {
        Self::of(Outcome::Failed, Some(error), Map::new())
    }
}

pub(super) async fn carry_out(
    permit: &Permit,
    scene: &Scene<'_>,
    record: &PlanRecord,
    file: &[u8],
) -> Done {
    let end = run(permit, scene, file).await.unwrap_or_else(End::failed);
    let noted = scene.journal.note("exit", json!({ "outcome": end.outcome })).await;
    let mut answer = ChangeAnswer::new(Some(scene.run.operation), end.outcome.into());
    let mut summary = Summary::of(&record.changes);
    let word = if end.outcome == Outcome::Succeeded { "done" } else { "not done" };
    summary.text = format!("{word}: {}", summary.text);
    answer.summary = Some(summary);
    answer.plan_id = Some(record.id);
    answer.next = end.error.as_ref().and_then(|e| e.next.clone());
    let clean = |value: Value| match value {
        Value::String(text) => Value::String(scene.journal.clean(&text)),
        other => other,
    };
    answer.details = end.details.into_iter().map(|(key, value)| (key, clean(value))).collect();
    answer.warnings.extend(end.warnings);
    answer.warnings.extend(noted.err().map(|e| e.message));
    let block = (end.outcome == Outcome::Unknown).then(|| {
        end.error.as_ref().map_or_else(|| "nobody saw its end".to_owned(), |e| e.message.clone())
    });
    answer.error = end.error;
    Done { outcome: end.outcome, answer, block, evidence: Vec::new() }
}

async fn run(permit: &Permit, scene: &Scene<'_>, file: &[u8]) -> Result<End> {
    let sealed = Sealed::open(file)?;
    let place = argocd(&scene.environment)?;
    let name = &sealed.wanted.application;
    scene.journal.note("intent", json!({ "application": name, "project": place.project })).await?;
    permit.lease().check().await?;
    let until = Instant::now() + Duration::from_secs(sealed.wanted.timeout_s);
    match sealed.change {
        ApplicationChange::Create => create(permit, scene, place, &sealed).await,
        ApplicationChange::Sync => sync(permit, scene, place, &sealed, until).await,
        ApplicationChange::Delete => delete(permit, scene, place, &sealed, until).await,
    }
}

async fn create(
    permit: &Permit,
    scene: &Scene<'_>,
    place: &ArgoProject,
    sealed: &Sealed,
) -> Result<End> {
    let (applications, name) = (&scene.world.applications, &sealed.wanted.application);
    let spec = sealed.spec.as_ref();
    let spec = spec.ok_or_else(|| Error::internal("opening a plan", "it has no spec"))?;
    scene.journal.note("call", json!({ "name": "put" })).await?;
    let asked = applications.put(permit, place, name, spec, sealed.uid.is_some()).await?;
    let since = Instant::now();
    loop {
        let found = applications.find(place, name, false).await;
        let (error, absent) = match (found, &asked) {
            (Ok(Some(app)), Asked::Taken) => return Ok(created(&app)),
            (Ok(Some(app)), _) if app.spec == *spec => return Ok(created(&app)),
            (Ok(_), Asked::Lost(error)) => (error.clone(), true),
            (Ok(None), Asked::Taken) => (lost(place, name, "it is not there"), false),
            (Err(error), _) => (error, false),
        };
        if since.elapsed() > LOOKING {
            let outcome = if absent { Outcome::Failed } else { Outcome::Partial };
            return Ok(End::of(outcome, Some(error), Map::new()));
        }
        sleep(EVERY).await;
    }
}

fn created(app: &Application) -> End {
    let mut end = End::of(Outcome::Succeeded, None, standing(app));
    end.warnings.clone_from(&app.conditions);
    end
}

fn lost(place: &ArgoProject, name: &str, why: &str) -> Error {
    Error::new(ErrorCode::UpstreamFailed, format!("application {name} of {place}: {why}"))
        .next("look at it: argo_app_status")
}

/// How it stands, as the answer tells it.
fn standing(app: &Application) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("application".into(), json!(app.name));
    details.insert("sync".into(), json!(app.sync));
    details.insert("health".into(), json!(app.health));
    details
}

async fn sync(
    permit: &Permit,
    scene: &Scene<'_>,
    place: &ArgoProject,
    sealed: &Sealed,
    until: Instant,
) -> Result<End> {
    let revision = sealed.revision.clone();
    let revision = revision.ok_or_else(|| Error::internal("opening a plan", "it has no commit"))?;
    let mut followed = Followed {
        scene,
        place,
        sealed,
        id: sealed.adopts.unwrap_or(scene.run.operation),
        until,
        stopped: false,
        late: false,
    };
    let mut broke = None;
    if sealed.adopts.is_none() {
        scene.journal.note("call", json!({ "name": "sync" })).await?;
        let order = SyncOrder {
            application: sealed.wanted.application.clone(),
            revision,
            prune: sealed.wanted.prune,
            operation: scene.run.operation,
        };
        if let Asked::Lost(error) = scene.world.applications.sync(permit, place, &order).await? {
            let told = format!("the answer was lost ({}): looking for the sync", error.message);
            scene.journal.progress(&told, 0, 0).await;
            broke = Some(error);
        }
    }
    let ended = followed.end(permit, broke.is_none()).await;
    Ok(match ended {
        Ended::Over(app, last) => over(&followed, *app, &last).await,
        Ended::Never => {
            let why = lost(place, &sealed.wanted.application, "Argo CD has not begun the sync");
            End::failed(broke.unwrap_or(why).detail("begun", false))
        }
        Ended::Replaced(app) => {
            let why = "another operation has taken the place of the sync";
            let error = lost(place, &app.name, why);
            End::of(Outcome::Partial, Some(error), standing(&app))
        }
        Ended::Unseen(error) => {
            let why = "Argo CD does not say how the sync ended";
            let error = error.unwrap_or_else(|| lost(place, &sealed.wanted.application, why));
            End::of(Outcome::Unknown, Some(error.detail("seen", false)), Map::new())
        }
    })
}

/// The end of a sync that Argo CD has seen.
async fn over(followed: &Followed<'_>, app: Application, last: &SyncState) -> End {
    let made = last.results.iter().any(|r| matches!(r.status.as_str(), "Synced" | "Pruned"));
    let (place, wanted) = (followed.place, &followed.sealed.wanted);
    if last.phase != "Succeeded" {
        let outcome = match (followed.stopped, made) {
            (true, _) => Outcome::Cancelled,
            (false, true) => Outcome::Partial,
            (false, false) => Outcome::Failed,
        };
        let (code, why) = match (followed.stopped, followed.late, made) {
            (true, ..) => (ErrorCode::Cancelled, "stopped on request".to_owned()),
            (_, true, _) => (ErrorCode::TimedOut, format!("stopped after {} s", wanted.timeout_s)),
            (_, _, true) => (ErrorCode::PartialApply, last.message.clone()),
            (..) => (ErrorCode::UpstreamFailed, last.message.clone()),
        };
        let why = format!("syncing application {} of {place}: {why}", app.name);
        let error = Error::new(code, cut(&why, 800)).detail("phase", last.phase.clone());
        let error = error.next("argo_app_status shows its objects; a new plan shows what is left");
        return End::of(outcome, Some(error), told(&app, last));
    }
    if !wanted.wait {
        return End::of(Outcome::Succeeded, None, told(&app, last));
    }
    let (app, settled) = followed.settle(app, last).await;
    let details = told(&app, last);
    match settled {
        Settled::Well => End::of(Outcome::Succeeded, None, details),
        Settled::AsAsked => {
            let mut end = End::of(Outcome::Succeeded, None, details);
            end.warnings.push(
                "it stays out of sync: objects that are not wanted any more were left, or its target is another commit"
                    .to_owned(),
            );
            end
        }
        Settled::Not => {
            let why = format!(
                "application {} of {place}: the sync has succeeded, but within {} s it was {} and {}",
                app.name, wanted.timeout_s, app.sync, app.health
            );
            let error = Error::new(ErrorCode::TimedOut, why)
                .next("argo_app_status shows which object is not healthy");
            End::of(Outcome::Partial, Some(error), details)
        }
    }
}

/// Operation, sync and health, each by itself; objects with which something is wrong first.
fn told(app: &Application, last: &SyncState) -> Map<String, Value> {
    let mut details = standing(app);
    details.insert("operation".into(), json!(last.phase));
    details.insert("revision".into(), json!(last.revision));
    let mut results: Vec<&ResourceState> = last.results.iter().collect();
    results.sort_by_key(|r| matches!(r.status.as_str(), "Synced" | "Pruned"));
    let line = |r: &&ResourceState| {
        format!("{} {}/{}: {} {}", r.kind, r.namespace, r.name, r.status, cut_line(&r.text))
    };
    details
        .insert("objects".into(), json!(results.iter().take(TOLD).map(line).collect::<Vec<_>>()));
    if results.len() > TOLD {
        details.insert("objects_left_out".into(), json!(results.len() - TOLD));
    }
    details
}

fn cut_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(120).collect()
}

async fn delete(
    permit: &Permit,
    scene: &Scene<'_>,
    place: &ArgoProject,
    sealed: &Sealed,
    until: Instant,
) -> Result<End> {
    let (applications, wanted) = (&scene.world.applications, &sealed.wanted);
    let name = &wanted.application;
    scene.journal.note("call", json!({ "name": "delete" })).await?;
    let mut broke = match applications.delete(permit, place, name, wanted.cascade).await? {
        Asked::Taken => None,
        Asked::Lost(error) => Some(error),
    };
    let since = Instant::now();
    let mut details = Map::new();
    details.insert("application".into(), json!(name));
    loop {
        let found = applications.find(place, name, false).await;
        let (error, outcome) = match found {
            Ok(None) => return Ok(End::of(Outcome::Succeeded, None, details)),
            // One of the same name that somebody has made since.
            Ok(Some(app)) if Some(&app.uid) != sealed.uid.as_ref() => {
                return Ok(End::of(Outcome::Succeeded, None, details));
            }
            Ok(Some(app)) if app.deleting => {
                broke = None;
                let left = app.resources.len();
                scene.journal.progress(&format!("deleting: {left} objects left"), 0, 0).await;
                (lost(place, name, "it is still being deleted"), Outcome::Partial)
            }
            Ok(Some(_)) => match broke.clone() {
                Some(error) if since.elapsed() > LOOKING => return Ok(End::failed(error)),
                Some(error) => (error, Outcome::Failed),
                None => (lost(place, name, "it is not being deleted"), Outcome::Partial),
            },
            Err(error) => (error, Outcome::Unknown),
        };
        if Instant::now() >= until || scene.journal.stop_requested().await {
            // What is being deleted goes on being deleted: nothing calls that back.
            return Ok(End::of(outcome, Some(error), details));
        }
        sleep(EVERY).await;
    }
}
