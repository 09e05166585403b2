//! Answers of Argo CD, understood. Unknown fields are left alone; what is missing is empty.

use jiff::Timestamp;
use serde_json::Value;

use super::{OPERATION, unexpected};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ArgoProject, OperationId};
use crate::port::{Application, Bounds, Deployed, Managed, ResourceState, SyncState};

fn text(value: &Value, at: &str) -> String {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn some(value: &Value, at: &str) -> Option<String> {
    Some(text(value, at)).filter(|text| !text.is_empty())
}

fn flag(value: &Value, at: &str) -> bool {
    value.pointer(at).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'v>(value: &'v Value, at: &str) -> &'v [Value] {
    value.pointer(at).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn moment(value: &Value, at: &str) -> Option<Timestamp> {
    value.pointer(at).and_then(Value::as_str)?.parse().ok()
}

/// An application, of this project.
pub(super) fn application(doing: &str, place: &ArgoProject, found: &Value) -> Result<Application> {
    let name = some(found, "/metadata/name").ok_or_else(|| unexpected(doing, "no application"))?;
    let project = text(found, "/spec/project");
    if project != place.project {
        let why = format!("{doing}: it belongs to project {project}");
        return Err(Error::new(ErrorCode::PolicyDenied, why)
            .given(project)
            .allowed(&place.project));
    }
    let asked = found.get("operation").filter(|operation| operation.is_object());
    let last = state(found, asked);
    Ok(Application {
        name,
        uid: text(found, "/metadata/uid"),
        spec: found.get("spec").cloned().unwrap_or_default(),
        sync: some(found, "/status/sync/status").unwrap_or_else(|| "Unknown".to_owned()),
        revision: some(found, "/status/sync/revision"),
        health: some(found, "/status/health/status").unwrap_or_else(|| "Unknown".to_owned()),
        reconciled: moment(found, "/status/reconciledAt"),
        busy: asked.is_some() || last.as_ref().is_some_and(|last| !last.is_over()),
        last,
        resources: list(found, "/status/resources").iter().map(resource).collect(),
        history: list(found, "/status/history").iter().map(deployed).collect(),
        conditions: list(found, "/status/conditions")
            .iter()
            .map(|c| format!("{}: {}", text(c, "/type"), text(c, "/message")))
            .collect(),
        automatic: found.pointer("/spec/syncPolicy/automated").is_some_and(|automated| {
            automated.is_object() && automated.get("enabled") != Some(&Value::Bool(false))
        }),
        deleting: some(found, "/metadata/deletionTimestamp").is_some(),
    })
}

/// The operation that was asked for, runs, or ended last. Once a new one is asked for the old one counts no more: Argo CD
/// clears it away.
fn state(found: &Value, asked: Option<&Value>) -> Option<SyncState> {
    let running = found.pointer("/status/operationState").filter(|state| state.is_object());
    let of = |operation: &Value, state: &Value| SyncState {
        phase: text(state, "/phase"),
        message: text(state, "/message"),
        started: moment(state, "/startedAt"),
        finished: moment(state, "/finishedAt"),
        by: if flag(operation, "/initiatedBy/automated") {
            "Argo CD itself".to_owned()
        } else {
            text(operation, "/initiatedBy/username")
        },
        ours: ours(operation),
        revision: some(state, "/syncResult/revision").or_else(|| some(operation, "/sync/revision")),
        results: list(state, "/syncResult/resources").iter().map(result).collect(),
    };
    match (asked, running) {
        (_, Some(state)) => {
            let operation = state.get("operation").unwrap_or(&Value::Null);
            let replaced = asked.filter(|asked| ours(asked) != ours(operation));
            Some(replaced.map_or_else(|| of(operation, state), |asked| of(asked, &Value::Null)))
        }
        (Some(asked), None) => Some(of(asked, &Value::Null)),
        (None, None) => None,
    }
}

fn ours(operation: &Value) -> Option<OperationId> {
    let info = list(operation, "/info").iter().find(|info| text(info, "/name") == OPERATION)?;
    text(info, "/value").parse().ok()
}

fn resource(found: &Value) -> ResourceState {
    ResourceState {
        kind: text(found, "/kind"),
        namespace: text(found, "/namespace"),
        name: text(found, "/name"),
        status: text(found, "/status"),
        text: text(found, "/health/status"),
        hook: flag(found, "/hook"),
        stray: flag(found, "/requiresPruning"),
    }
}

fn result(found: &Value) -> ResourceState {
    ResourceState {
        text: text(found, "/message"),
        status: some(found, "/status").unwrap_or_else(|| text(found, "/hookPhase")),
        hook: some(found, "/hookType").is_some(),
        ..resource(found)
    }
}

fn deployed(found: &Value) -> Deployed {
    Deployed {
        id: found.get("id").and_then(Value::as_i64).unwrap_or_default(),
        revision: some(found, "/revision").unwrap_or_else(|| {
            let all = list(found, "/revisions").iter().filter_map(Value::as_str);
            all.collect::<Vec<_>>().join(", ")
        }),
        at: text(found, "/deployedAt"),
    }
}

/// Objects as they are and as they are to be.
pub(super) fn managed(doing: &str, found: &Value) -> Result<Vec<Managed>> {
    let object = |item: &Value, at: &str| match item.get(at).and_then(Value::as_str) {
        None | Some("" | "null") => Ok(None),
        Some(text) => serde_json::from_str(text)
            .map(Some)
            .map_err(|_| unexpected(doing, "an object that is not JSON")),
    };
    let of = |item: &Value| {
        let (live, target) = (object(item, "liveState")?, object(item, "targetState")?);
        let normalized = object(item, "normalizedLiveState")?;
        let predicted = object(item, "predictedLiveState")?;
        // Not wanted any more: then Argo CD predicts what there is.
        let predicted = if target.is_some() { predicted.or_else(|| target.clone()) } else { None };
        Ok(Managed {
            live: if live.is_some() { normalized.or(live) } else { None },
            predicted,
            hook: flag(item, "/hook"),
        })
    };
    list(found, "/items").iter().map(of).collect()
}

/// Objects as a revision makes them.
pub(super) fn manifests(doing: &str, found: &Value) -> Result<Vec<Value>> {
    let of = |item: &Value| {
        let parsed = item.as_str().and_then(|text| serde_json::from_str(text).ok());
        parsed.ok_or_else(|| unexpected(doing, "an object that is not JSON"))
    };
    list(found, "/manifests").iter().map(of).collect()
}

/// What bounds a project.
pub(super) fn bounds(found: &Value) -> Bounds {
    let repositories = list(found, "/spec/sourceRepos").iter().filter_map(Value::as_str);
    Bounds {
        repositories: repositories.map(str::to_owned).collect(),
        destinations: list(found, "/spec/destinations")
            .iter()
            .map(|d| (text(d, "/server"), text(d, "/name"), text(d, "/namespace")))
            .collect(),
    }
}
