//! What others do to a project's applications: windows that they close, syncs that they leave behind.

use serde_json::{Value, json};

use super::project::{Project, hook};
use crate::harness::{argocd, kubernetes, node_for, until};

/// The project of the lab with a window that keeps one application from being synced, until it is dropped.
struct Closed<'p>(&'p Project);

impl Closed<'_> {
    fn apply(&self, windows: &Value) {
        let api = kubernetes(&self.0.lab).as_admin().unwrap();
        let project = &argocd(&self.0.lab).project;
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/{project}");
        let mut spec = api.get(&path).unwrap().unwrap()["spec"].clone();
        spec["syncWindows"] = windows.clone();
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": { "name": project, "namespace": "argocd" }, "spec": spec,
        });
        api.apply(&object.to_string()).unwrap();
    }

    fn close(project: &Project) -> Closed<'_> {
        let closed = Closed(project);
        closed.apply(&json!([{
            "kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": [project.name],
            "manualSync": false,
        }]));
        closed
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.apply(&json!([]));
    }
}

#[test]
fn a_closed_window_of_the_project_refuses_the_plan_and_what_was_planned_before() {
    let project = Project::new();
    project.create().expect("succeeded");
    let plan = project.call("argo_sync", &project.app()).expect("planned");
    let closed = Closed::close(&project);
    let window = format!("/api/v1/applications/{}/syncwindows?project=apps", project.name);
    let argocd = argocd(&project.lab);
    let api = argocd.by_token(&argocd.project_token).unwrap();
    until("Argo CD to see the window", || {
        (api.get(&window).unwrap()?["canSync"] != json!(true)).then_some(())
    });
    let refused = project.call("argo_sync", &project.app()).refused("upstream_denied");
    assert_eq!(refused.text("/error/details/sync_window"), "true");
    let carried = json!({ "plan_id": plan.value["plan_id"] });
    let refused = project.really("argo_sync", carried).refused("upstream_denied");
    assert_eq!(refused.text("/error/details/sync_window"), "true");
    // The server's own word for it, which tells this refusal from others of its kind.
    let path = format!("/api/v1/applications/{}/sync", project.name);
    let said = api.post(&path, &json!({ "project": "apps" })).unwrap_err();
    assert!(format!("{said:#}").contains("sync window"), "{said:#}");
    assert_eq!(project.value("settings"), None);
    drop(closed);
    until("Argo CD to see it open", || {
        (api.get(&window).unwrap()?["canSync"] == json!(true)).then_some(())
    });
    project.sync().expect("succeeded");
}

/// Begins a sync that waits for a node; its operation once Argo CD works on it, and its commit: tests share the repository,
/// and another one's commit may be the newest.
fn hanging(project: &Project) -> (String, String) {
    let job = hook(&project.name);
    let commit = project.commit(&[("map.yaml", &project.map("settings", "1")), ("job.yaml", &job)]);
    project.create().expect("succeeded");
    let mut sync = project.app();
    sync["wait_s"] = json!(0);
    sync["revision"] = json!(commit);
    let id = project.really("argo_sync", sync).expect("running").text("/operation_id");
    until("a sync that runs", || {
        (project.status().text("/operation/phase") == "Running").then_some(())
    });
    (id, commit)
}

#[test]
fn promise_6_a_sync_whose_supervisor_was_killed_is_followed_and_not_repeated() {
    let project = Project::new();
    let (id, commit) = hanging(&project);
    let mut again = project.app();
    again["revision"] = json!(commit);
    let journal = project.folder().join("xdg/datamcp/test/runs").join(&id).join("journal.jsonl");
    let text = std::fs::read_to_string(journal).unwrap();
    let started = text.lines().find(|line| line.contains("\"started\"")).unwrap();
    let started: Value = serde_json::from_str(started).unwrap();
    let pid = i32::try_from(started["body"]["pid"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let ended = until("the end of the dead operation", || {
        let ended = project.end(&id);
        (ended.text("/status") != "running").then_some(ended)
    });
    assert_eq!(ended.text("/status"), "partial", "{:#}", ended.value);
    assert_eq!(project.status().text("/operation/phase"), "Running", "it goes on without us");
    let plan = project.call("argo_sync", &again).expect("planned");
    plan.says("/plan_stdout", &format!("the sync of operation {id} still runs"));
    node_for(&project.lab, &project.name);
    let done = project.really("argo_sync", again).expect("succeeded");
    assert_eq!(done.text("/details/health"), "Healthy", "{:#}", done.value);
    let status = project.status();
    assert_eq!(status.text("/operation/operation_id"), id, "no second sync");
    assert_eq!(status.value["history"].as_array().unwrap().len(), 1, "{:#}", status.value);
}

#[test]
fn fault_48_an_application_that_is_busy_is_waited_for_as_long_as_settings_say() {
    let project = Project::new();
    let (id, _) = hanging(&project);
    // Another installation, which knows nothing of that operation.
    let other = Project::new();
    other.configure("\n[lock]\nwait_s = 2\n");
    let busy = other.call("argo_sync", &project.app()).refused("lock_held");
    assert_eq!(busy.text("/error/details/operation"), id);
    other.configure("\n[lock]\nwait_s = 120\n");
    let mut request = project.app();
    request["wait_s"] = json!(0);
    let waiting = other.call("argo_sync", &request).expect("running").text("/operation_id");
    node_for(&project.lab, &project.name);
    let planned = other.end(&waiting);
    assert_eq!(planned.text("/status"), "planned", "{:#}", planned.value);
    assert_eq!(project.end(&id).text("/status"), "succeeded");
}

#[test]
fn an_application_of_several_places_is_shown_and_left_alone() {
    let project = Project::new();
    let argocd = argocd(&project.lab);
    let source =
        json!({ "repoURL": project.repository(), "path": project.name, "targetRevision": "main" });
    let app = json!({
        "metadata": { "name": project.name },
        "spec": {
            "project": argocd.project, "sources": [source, source],
            "destination": { "server": kubernetes(&project.lab).endpoint, "namespace": "apps" },
        },
    });
    let api = argocd.by_token(&argocd.project_token).unwrap();
    api.post("/api/v1/applications", &app).unwrap();
    let status = project.status();
    status.says("/warnings", "comes from 2 places");
    let refused = project.call("argo_sync", &project.app()).refused("invalid_request");
    assert_eq!(refused.value["error"]["details"]["sources"].as_array().unwrap().len(), 2);
    project.really("argo_create_app", project.creation()).refused("invalid_request");
    project.really("argo_delete_app", project.app()).expect("succeeded");
}
