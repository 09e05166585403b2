//! What goes wrong on the way, and what is left of it.

use serde_json::json;

use super::project::Project;
use crate::harness::until;

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_failed_upgrade_is_partial_and_is_brought_back() {
    failed_and_brought_back(&Project::new());
}

#[test]
fn by_helm_3_a_failed_upgrade_is_partial_and_is_brought_back() {
    failed_and_brought_back(&Project::by_helm_3());
}

fn failed_and_brought_back(project: &Project) {
    project.deploy(json!({})).expect("succeeded");
    let mut request = project.deployment(json!({ "stuck": true, "tag": "2" }));
    request["timeout_s"] = json!(5);
    let failed = project.really("helm_deploy", request.clone()).expect("partial");
    failed.says("/next", "helm_rollback");
    failed.says("/error/details/helm", "context deadline exceeded");
    assert_eq!(failed.value["details"]["release_status"], "failed");
    project.really("helm_rollback", project.release_of()).expect("succeeded");

    request["rollback_on_failure"] = json!(true);
    let undone = project.really("helm_deploy", request).expect("failed");
    undone.says("/next", "rolled back");
    assert_eq!(undone.value["details"]["release_status"], "deployed");
    assert_eq!(project.status()["releases"][0]["status"], "deployed");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

#[test]
fn fault_47_a_killed_helm_leaves_one_way_on() {
    killed_and_brought_back(&Project::new());
}

#[test]
fn fault_47_a_killed_helm_3_leaves_one_way_on() {
    killed_and_brought_back(&Project::by_helm_3());
}

/// The process that started this one.
fn parent(pid: i32) -> i32 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(") ").unwrap();
    rest.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn fault_47_a_helm_that_died_with_its_supervisor_is_told_by_the_releases_history() {
    let project = Project::new();
    project.deploy(json!({})).expect("succeeded");
    let (id, pid) = project.hanging();
    until("a pending revision", || {
        (project.status()["releases"][0]["status"] == "pending-upgrade").then_some(())
    });
    let supervisor = parent(pid);
    kill(supervisor);
    kill(pid);
    // Nobody saw the end: the environment is closed to all.
    until("an unknown end", || (project.end(&id).text("/status") == "unknown").then_some(()));
    project.deploy(json!({})).refused("environment_blocked");
    // Another release of the same environment tells nothing of it.
    let other = json!({ "kube_context": "aws-dev", "namespace": "apps", "release": "another" });
    project.call("helm_status", &other);
    project.deploy(json!({})).refused("environment_blocked");

    let status = project.status();
    assert_eq!(status["releases"][0]["status"], "pending-upgrade", "{status}");
    let shown = project.cli(&["ops", "show", &id], "").value;
    assert!(shown.to_string().contains("the history of apps/"), "{shown:#}");
    let listed = project.call("list_operations", &json!({})).value.to_string();
    assert!(!listed.contains("\"unknown\""), "{listed}");
    project.really("helm_rollback", project.release_of()).expect("succeeded");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
    assert_eq!(project.cli(&["ops", "verify"], "").code, Some(0), "the log is whole");
}

fn killed_and_brought_back(project: &Project) {
    project.deploy(json!({})).expect("succeeded");
    let (id, pid) = project.hanging();
    // It has begun once the history says so.
    until("a pending revision", || {
        (project.status()["releases"][0]["status"] == "pending-upgrade").then_some(())
    });
    kill(pid);
    let ended = project.end(&id);
    assert_eq!(ended.text("/status"), "partial", "{:#}", ended.value);
    assert_eq!(project.cli(&["locks"], "").value["locks"], json!([]), "the environment is free");
    let refused = project.deploy(json!({})).refused("lock_held");
    refused.says("/error/next", "helm_rollback to revision 1");
    project.status()["next"].as_str().unwrap().contains("helm_rollback");
    project.really("helm_rollback", project.release_of()).expect("succeeded");
    project.deploy(json!({ "tag": "3" })).expect("succeeded");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

#[test]
fn fault_47_a_helm_killed_in_its_first_install_is_taken_away() {
    let project = Project::new();
    let (id, pid) = project.hanging();
    until("a pending revision", || {
        (project.status()["releases"][0]["status"] == "pending-install").then_some(())
    });
    kill(pid);
    let ended = project.end(&id);
    assert_eq!(ended.text("/status"), "partial", "{:#}", ended.value);
    let refused = project.deploy(json!({})).refused("lock_held");
    refused.says("/error/next", "helm_uninstall");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
    project.deploy(json!({})).expect("succeeded");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

#[test]
fn promise_6_a_helm_outlives_its_supervisor_and_holds_the_environment() {
    let project = Project::new();
    project.deploy(json!({})).expect("succeeded");
    let (id, helm) = project.hanging();
    // It has its token by now: another one only the supervisor could give.
    until("a pending revision", || {
        (project.status()["releases"][0]["status"] == "pending-upgrade").then_some(())
    });
    let journal = project.state().join("runs").join(&id).join("journal.jsonl");
    let text = std::fs::read_to_string(journal).unwrap();
    let started = text.lines().find(|line| line.contains("\"started\"")).unwrap();
    let started: serde_json::Value = serde_json::from_str(started).unwrap();
    kill(i32::try_from(started["body"]["pid"].as_i64().unwrap()).unwrap());
    let refused = project.deploy(json!({ "tag": "3" })).refused("lock_held");
    refused.says("/error/details", &id);
    kill(helm);
    let ended = until("the end of the orphan", || {
        let ended = project.end(&id);
        (ended.text("/status") != "running").then_some(ended)
    });
    assert_eq!(ended.text("/status"), "unknown", "{:#}", ended.value);
    project.deploy(json!({ "tag": "3" })).refused("environment_blocked");
}

#[test]
fn fault_7_a_rollback_is_not_interrupted_in_the_middle() {
    let project = Project::new();
    project.deploy(json!({})).expect("succeeded");
    let mut stuck = project.deployment(json!({ "stuck": true, "tag": "2" }));
    stuck["timeout_s"] = json!(5);
    project.really("helm_deploy", stuck).expect("partial");
    let mut back = project.release_of();
    back["revision"] = json!(2);
    back["timeout_s"] = json!(15);
    back["wait_s"] = json!(0);
    let id = project.really("helm_rollback", back).expect("running").text("/operation_id");
    project.started(&id);
    project.call("cancel_operation", &json!({ "id": id }));
    let ended = project.end(&id);
    assert_eq!(ended.text("/status"), "partial", "it went on to its end: {:#}", ended.value);
    assert_eq!(project.status()["releases"][0]["status"], "failed", "and helm could say so");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}
