//! The way that is hoped for, from a repository to Synced and Healthy, and back.

use serde_json::json;

use super::project::Project;

#[test]
fn promise_2_an_application_is_created_synced_healthy_and_converges() {
    let project = Project::new();
    let plan = project.call("argo_create_app", &project.creation()).expect("planned");
    assert_eq!(plan.text("/summary/add"), "1");
    project.status().refused("invalid_request");
    project.create().expect("succeeded");
    let again = project.create().expect("succeeded");
    again.says("/summary/text", "no changes");
    let plan = project.call("argo_sync", &project.app()).expect("planned");
    plan.says("/plan_stdout", &format!("create   ConfigMap apps/{}-settings", project.name));
    assert_eq!(project.value("settings"), None, "a dry run has changed something");
    let done = project.sync().expect("succeeded");
    assert_eq!(done.text("/details/sync"), "Synced");
    assert_eq!(done.text("/details/health"), "Healthy");
    assert_eq!(project.value("settings").as_deref(), Some("1"));
    let repeated = project.sync().expect("succeeded");
    repeated.says("/summary/text", "no changes");
    let status = project.status();
    assert_eq!(status.text("/applications/0/sync"), "Synced");
    assert_eq!(status.text("/operation/operation_id"), done.text("/operation_id"));
    let all = project.call("argo_app_status", &json!({}));
    all.says("/applications", &project.name);
}

#[test]
fn promise_2_a_sync_is_pinned_to_the_commit_that_was_planned() {
    let project = Project::new();
    project.create().expect("succeeded");
    project.sync().expect("succeeded");
    let first = project.commit(&[("map.yaml", &project.map("settings", "2"))]);
    let plan = project.call("argo_sync", &project.app()).expect("planned");
    plan.says("/plan_stdout", &first);
    plan.says("/plan_stdout", "\"1\" -> \"2\"");
    // Somebody else's commit to the same repository changes nothing about it.
    Project::new();
    let request = json!({ "plan_id": plan.text("/plan_id"), "dry_run": false, "auto_approve": true, "wait_s": 300 });
    let done = project.call("argo_sync", &request).expect("succeeded");
    assert_eq!(done.text("/details/revision"), first);
    assert_eq!(project.value("settings").as_deref(), Some("2"));
    // Back to a commit of before, by its name.
    project.commit(&[("map.yaml", &project.map("settings", "3"))]);
    project.sync().expect("succeeded");
    assert_eq!(project.value("settings").as_deref(), Some("3"));
    let mut back = project.app();
    back["revision"] = json!(first);
    let done = project.really("argo_sync", back).expect("succeeded");
    assert_eq!(done.text("/details/revision"), first);
    assert_eq!(project.value("settings").as_deref(), Some("2"));
}

#[test]
fn bad_input_89_what_is_not_wanted_any_more_goes_only_when_pruning_was_asked_for_and_approved() {
    let both = |project: &Project| {
        project.commit(&[
            ("map.yaml", &project.map("settings", "1")),
            ("more.yaml", &project.map("more", "1")),
        ]);
    };
    let project = Project::new();
    both(&project);
    project.create().expect("succeeded");
    project.sync().expect("succeeded");
    assert!(project.value("more").is_some());
    project.commit(&[("map.yaml", &project.map("settings", "2"))]);
    let kept = project.sync().expect("succeeded");
    kept.says("/warnings", "stays out of sync");
    assert!(project.value("more").is_some(), "pruned without having been asked");
    let mut prune = project.app();
    prune["prune"] = json!(true);
    let plan = project.call("argo_sync", &prune).expect("planned");
    assert_eq!(plan.text("/summary/destroy"), "1");
    let done = project.really("argo_sync", prune).expect("succeeded");
    assert_eq!(done.text("/details/sync"), "Synced");
    assert_eq!(project.value("more"), None);
}

#[test]
fn bad_input_89_pruning_without_approval_waits_for_a_person() {
    let project = Project::with(&super::project::Other {
        auto_approve: Some("\"create\", \"update\""),
        ..Default::default()
    });
    let more = project.map("more", "1");
    project.commit(&[("map.yaml", &project.map("settings", "1")), ("more.yaml", &more)]);
    project.create().expect("succeeded");
    project.sync().expect("succeeded");
    project.commit(&[("map.yaml", &project.map("settings", "1"))]);
    let mut prune = project.app();
    prune["prune"] = json!(true);
    let waits = project.really("argo_sync", prune).expect("approval_required");
    waits.says("/approval/reasons", "delete");
    assert!(project.value("more").is_some());
}

#[test]
fn an_application_is_deleted_alone_or_with_its_objects() {
    let project = Project::new();
    project.create().expect("succeeded");
    project.sync().expect("succeeded");
    project.really("argo_delete_app", project.app()).expect("succeeded");
    project.status().refused("invalid_request");
    assert!(project.value("settings").is_some(), "its objects were to stay");
    project.create().expect("succeeded");
    project.sync().expect("succeeded");
    let mut cascade = project.app();
    cascade["cascade"] = json!(true);
    let plan = project.call("argo_delete_app", &cascade).expect("planned");
    assert_eq!(plan.text("/summary/destroy"), "2");
    project.really("argo_delete_app", cascade).expect("succeeded");
    assert_eq!(project.value("settings"), None);
}
