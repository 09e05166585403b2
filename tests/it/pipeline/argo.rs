//! Applications on the straight path: bound to what was looked at, asked for once, followed to an end that is told in all
//! its parts.

use datamcp::error::ErrorCode;
use datamcp::model::{OperationId, Status};
use datamcp::port::Bounds;
use serde_json::{Value, json};

use super::applications::{COMMIT, application, managed, map, resource, running};
use super::site::{SETTINGS, Site, error};

fn site() -> Site {
    let settings = SETTINGS.replacen(
        "state = { backend",
        "argocd = { server = \"main\", project = \"dev\" }\nstate = { backend",
        1,
    );
    let server =
        "[argocd.main]\nurl = \"https://argocd.example.com\"\ntoken = \"env:ARGOCD_TOKEN\"\n";
    Site::with(&format!("{settings}{server}"))
}

/// A site with an application of which one object is there, one is to be made, and one is wanted no more.
fn ready() -> Site {
    let site = site();
    site.argocd.tell(|script| {
        script.application = Some(application());
        script.managed = vec![
            managed(Some(map("web", "1")), Some(map("web", "2"))),
            managed(None, Some(map("new", "1"))),
            managed(Some(map("old", "1")), None),
        ];
    });
    site
}

fn create() -> Value {
    json!({
        "app_name": "web", "manifest_repo": "https://git.example.com/acme/web.git", "path": "web",
        "revision": "v1.0.0", "dest_namespace": "apps",
    })
}

async fn planned(site: &Site, tool: &str, request: Value) -> Value {
    let answer = site.call(tool, request).await;
    assert_eq!(answer["status"], "planned", "{answer}");
    answer
}

/// Carries a plan out; the requester approves it where the policy lets them.
async fn carried(site: &Site, tool: &str, plan: &Value) -> Value {
    let request = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    site.call(tool, request).await
}

#[tokio::test]
async fn promise_1_and_2_an_application_is_created_once_and_converges() {
    let site = site();
    let plan = planned(&site, "argo_create_app", create()).await;
    assert_eq!(plan["summary"]["add"], 1, "{plan}");
    assert!(site.argocd.effects().is_empty());
    let done = carried(&site, "argo_create_app", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["details"]["application"], "web");
    let effects = site.argocd.effects();
    assert!(effects[0].starts_with("put web false ") && effects[0].contains("\"v1.0.0\""));
    let again = planned(&site, "argo_create_app", create()).await;
    assert_eq!(again["summary"]["text"], "no changes", "{again}");
    let mut other = create();
    other["helm_values"] = json!({ "db": { "password": "canary-values" }, "size": 2 });
    let changed = planned(&site, "argo_create_app", other).await;
    assert_eq!(changed["summary"]["change"], 1, "{changed}");
    assert!(!changed.to_string().contains("canary-values"), "{changed}");
    let done = carried(&site, "argo_create_app", &changed).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert!(site.argocd.effects()[1].starts_with("put web true "));
}

#[tokio::test]
async fn bad_input_88_what_is_outside_of_the_project_is_refused_before_anything_changes() {
    let site = site();
    site.argocd.tell(|script| {
        script.bounds = Some(Bounds {
            repositories: vec!["https://git.example.com/*".into()],
            destinations: vec![("*".into(), String::new(), "other".into())],
        });
    });
    let answer = site.call("argo_create_app", create()).await;
    assert_eq!(error(&answer).code, ErrorCode::PolicyDenied, "{answer}");
    for (field, value) in [
        ("dest_namespace", "kube-system"),
        ("dest_cluster", "https://other.example.com"),
        ("manifest_repo", "file:///etc"),
        ("project", "other"),
        ("server", "other"),
    ] {
        let mut request = create();
        request[field] = json!(value);
        let refused = error(&site.call("argo_create_app", request).await);
        assert_eq!(refused.field.as_deref(), Some(field), "{refused:?}");
    }
    assert!(site.argocd.effects().is_empty());
}

#[tokio::test]
async fn promise_2_a_sync_is_of_the_commit_that_was_looked_at() {
    let site = ready();
    let plan = planned(&site, "argo_sync", json!({ "app_name": "web" })).await;
    assert_eq!((&plan["summary"]["add"], &plan["summary"]["change"]), (&json!(1), &json!(1)));
    let text = plan["plan_stdout"].as_str().unwrap();
    assert!(text.contains(COMMIT) && text.contains("stays    ConfigMap apps/old"), "{text}");
    let done = carried(&site, "argo_sync", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["details"]["sync"], "Synced");
    assert_eq!(done["details"]["health"], "Healthy");
    assert_eq!(site.argocd.effects(), [format!("sync web {COMMIT} false")]);
    // What the plan was computed from has moved: it is another change.
    let plan = planned(&site, "argo_sync", json!({ "app_name": "web" })).await;
    site.argocd.tell(|script| script.managed.push(managed(None, Some(map("late", "1")))));
    let refused = error(&carried(&site, "argo_sync", &plan).await);
    assert_eq!(refused.code, ErrorCode::ApprovalMismatch, "{refused:?}");
    assert_eq!(site.argocd.effects().len(), 1);
}

#[tokio::test]
async fn bad_input_89_pruning_is_deleting_and_needs_who_may_delete() {
    let site = ready();
    let plan = planned(&site, "argo_sync", json!({ "app_name": "web", "prune": true })).await;
    assert_eq!(plan["summary"]["destroy"], 1, "{plan}");
    let answer = carried(&site, "argo_sync", &plan).await;
    assert_eq!(answer["status"], "approval_required", "{answer}");
    assert!(site.argocd.effects().is_empty());
    site.decide("boss", &answer, true).await.unwrap();
    let done = carried(&site, "argo_sync", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(site.argocd.effects(), [format!("sync web {COMMIT} true")]);
}

#[tokio::test]
async fn bad_inputs_82_and_90_names_and_revisions() {
    let site = ready();
    for (field, bad) in [
        ("app_name", "a/b?c#d"),
        ("app_name", "-x"),
        ("app_name", "../x"),
        ("revision", "--force"),
        ("revision", "main"),
        ("revision", "HEAD"),
        ("project", "a/b"),
    ] {
        let mut request = json!({ "app_name": "web" });
        request[field] = json!(bad);
        let refused = error(&site.call("argo_sync", request).await);
        assert_eq!(refused.field.as_deref(), Some(field), "{bad}: {refused:?}");
    }
}

#[tokio::test]
async fn fault_48_a_sync_while_syncing_is_busy_and_says_who_and_since_when() {
    let site = ready();
    site.argocd.tell(|script| {
        let app = script.application.as_mut().unwrap();
        app.last = Some(running(None, "anna"));
        app.busy = true;
        script.looks = 100;
    });
    for tool in ["argo_sync", "argo_delete_app"] {
        let refused = error(&site.call(tool, json!({ "app_name": "web" })).await);
        assert_eq!(refused.code, ErrorCode::LockHeld, "{refused:?}");
        assert_eq!(refused.details["by"], "anna");
        assert!(refused.details["started_at"].as_str().unwrap().starts_with("2027-01-15"));
    }
}

#[tokio::test]
async fn fault_50_sync_and_health_are_told_apart() {
    let site = ready();
    site.argocd.tell(|script| script.health = "Degraded".into());
    let request = json!({ "app_name": "web", "timeout_s": 3 });
    let plan = planned(&site, "argo_sync", request).await;
    let done = carried(&site, "argo_sync", &plan).await;
    assert_eq!(done["status"], "partial", "{done}");
    assert_eq!(error(&done).code, ErrorCode::TimedOut);
    assert_eq!(done["details"]["operation"], "Succeeded");
    assert_eq!(done["details"]["health"], "Degraded");
}

#[tokio::test]
async fn fault_51_a_lost_answer_is_looked_for_and_nothing_is_asked_twice() {
    for (taken, status) in [(true, "succeeded"), (false, "failed")] {
        let site = ready();
        let plan = planned(&site, "argo_sync", json!({ "app_name": "web" })).await;
        site.argocd.tell(|script| script.lost = Some(taken));
        let done = carried(&site, "argo_sync", &plan).await;
        assert_eq!(done["status"], status, "{done}");
        assert_eq!(site.argocd.effects().len(), 1, "asked twice");
    }
    let site = site();
    let plan = planned(&site, "argo_create_app", create()).await;
    site.argocd.tell(|script| script.lost = Some(true));
    let done = carried(&site, "argo_create_app", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(site.argocd.effects().len(), 1);
}

#[tokio::test]
async fn promise_6_a_sync_of_ours_whose_supervisor_died_is_followed_and_not_repeated() {
    let site = ready();
    // An operation that has ended as far as the log knows, while its sync still runs.
    let planned_before = planned(&site, "argo_sync", json!({ "app_name": "web" })).await;
    let dead: OperationId = planned_before["operation_id"].as_str().unwrap().parse().unwrap();
    site.argocd.tell(|script| {
        let app = script.application.as_mut().unwrap();
        app.last = Some(running(Some(dead), "datamcp"));
        app.busy = true;
        script.looks = 8;
    });
    let request = json!({ "app_name": "web", "dry_run": false, "auto_approve": true });
    let done = site.call("argo_sync", request).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert!(
        done["warnings"].to_string().contains(&dead.to_string())
            || done["details"]["health"] == "Healthy"
    );
    assert!(site.argocd.effects().is_empty(), "it was asked for again");
}

#[tokio::test]
async fn a_failed_sync_and_a_closed_window_are_told() {
    let site = ready();
    site.argocd.tell(|script| script.phase = "Failed".into());
    let plan = planned(&site, "argo_sync", json!({ "app_name": "web" })).await;
    let done = carried(&site, "argo_sync", &plan).await;
    assert_eq!(done["status"], "partial", "one object was made: {done}");
    let site = ready();
    site.argocd.tell(|script| script.open = false);
    let refused = error(&site.call("argo_sync", json!({ "app_name": "web" })).await);
    assert_eq!(refused.details["sync_window"], true);
    assert!(site.argocd.effects().is_empty());
}

#[tokio::test]
async fn an_application_goes_alone_unless_its_objects_are_to_go_too() {
    let site = ready();
    site.argocd.tell(|script| {
        script.application.as_mut().unwrap().resources = vec![resource("web"), resource("two")]
    });
    let alone = planned(&site, "argo_delete_app", json!({ "app_name": "web" })).await;
    assert_eq!(alone["summary"]["destroy"], 1, "{alone}");
    assert!(alone["plan_stdout"].as_str().unwrap().contains("stays    ConfigMap apps/two"));
    // Three deletes are more than one plan may hold here.
    let refused =
        error(&site.call("argo_delete_app", json!({ "app_name": "web", "cascade": true })).await);
    assert_eq!(refused.code, ErrorCode::PolicyDenied, "{refused:?}");
    site.argocd.tell(|script| script.application.as_mut().unwrap().resources.truncate(1));
    let plan =
        planned(&site, "argo_delete_app", json!({ "app_name": "web", "cascade": true })).await;
    let answer = carried(&site, "argo_delete_app", &plan).await;
    assert_eq!(answer["status"], "approval_required", "{answer}");
    site.decide("boss", &answer, true).await.unwrap();
    let done = carried(&site, "argo_delete_app", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(site.argocd.effects(), ["delete web true"]);
    let refused = error(&site.call("argo_delete_app", json!({ "app_name": "web" })).await);
    assert_eq!(refused.field.as_deref(), Some("app_name"));
    let id: OperationId = done["operation_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.row(id).await.status, Status::Succeeded);
}
