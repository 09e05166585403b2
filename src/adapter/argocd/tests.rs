//! Answers of a real Argo CD, played back; and what stands between us and it when it is not there.

mod refusals;
mod stand_in;

use serde_json::json;

use super::*;
use stand_in::{asked_again, place, playing, recorded, saying, usual};

/// What is found where Argo CD answers so.
async fn find(recording: &str) -> Application {
    let server = playing(&[recording]);
    let (exchange, answer) = recorded(recording);
    let place = place(server.url(), answer["spec"]["project"].as_str().unwrap());
    let name = exchange.target.rsplit('/').next().unwrap();
    usual().find(&place, name, true).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_application_is_understood() {
    let healthy = find("argocd/applications/app-get-healthy").await;
    assert_eq!((healthy.sync.as_str(), healthy.health.as_str()), ("Synced", "Healthy"));
    assert!(!healthy.busy && !healthy.automatic && !healthy.deleting);
    let last = healthy.last.unwrap();
    assert!(last.is_over() && last.finished.is_some());
    assert_eq!((last.by.as_str(), last.ours), ("datamcp", None));
    assert_eq!(last.results.len(), 4);
    assert_eq!(healthy.history.len(), 1);
    let stray = find("argocd/applications/app-get-requires-pruning").await;
    let names: Vec<&str> =
        stray.resources.iter().filter(|r| r.stray).map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["extra"]);
    let terminating = find("argocd/applications/app-get-terminating").await;
    assert!(terminating.busy);
    assert_eq!(terminating.last.unwrap().phase, "Terminating");
    let refused = find("argocd/applications/app-get-sync-failed").await.last.unwrap();
    assert_eq!(refused.phase, "Failed");
    assert!(refused.results.iter().any(|r| r.status == "SyncFailed"));
}

#[tokio::test]
async fn every_stage_of_an_application_is_told_apart() {
    for (recording, sync, health, phase, busy) in [
        ("argocd/applications/app-get-before-sync", "OutOfSync", "Missing", None, false),
        ("argocd/applications/app-get-syncing", "OutOfSync", "Missing", Some("Running"), true),
        ("argocd/applications/app-get-hanging", "OutOfSync", "Healthy", Some("Running"), true),
        (
            "argocd/applications/app-get-after-dry-run",
            "OutOfSync",
            "Missing",
            Some("Succeeded"),
            false,
        ),
        ("argocd/applications/app-get-after-prune", "Synced", "Healthy", Some("Succeeded"), false),
        (
            "argocd/applications/app-get-after-rollback",
            "OutOfSync",
            "Healthy",
            Some("Succeeded"),
            false,
        ),
        ("argocd/applications/app-get-terminated", "OutOfSync", "Healthy", Some("Failed"), false),
        (
            "argocd/applications/app-get-forbidden-destination",
            "Unknown",
            "Unknown",
            Some("Error"),
            false,
        ),
    ] {
        let found = find(recording).await;
        let last = found.last.as_ref();
        assert_eq!((found.sync.as_str(), found.health.as_str()), (sync, health), "{recording}");
        assert_eq!(last.map(|last| last.phase.as_str()), phase, "{recording}");
        assert_eq!(found.busy, busy, "{recording}");
        assert_eq!(last.is_some_and(|last| !last.is_over()), busy, "{recording}");
    }
}

#[tokio::test]
async fn what_argo_cd_says_of_itself_and_lists_is_understood() {
    let about = playing(&["argocd/about/version", "argocd/about/syncwindows"]);
    let narrow = place(about.url(), "narrow");
    let argocd = usual();
    assert!(argocd.version(&narrow).await.unwrap().0.starts_with("v99.99.99"));
    assert!(!argocd.may_sync(&narrow, "narrow").await.unwrap());
    let listing = playing(&["argocd/applications/list-by-project"]);
    let all = argocd.list(&place(listing.url(), "default")).await.unwrap();
    assert_eq!(all.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["demo"]);
}

#[tokio::test]
async fn fault_51_a_sync_is_known_by_the_operation_that_it_carries() {
    let id = OperationIdText::fresh();
    let (_, mut asked) = recorded("argocd/changes/hang-sync");
    asked["operation"]["info"] = json!([{ "name": OPERATION, "value": id.0 }]);
    let response = json!({ "status": 200, "jsonBody": asked });
    let server = saying("GET", "/api/v1/applications/hang", &response);
    let place = place(server.url(), "default");
    let found = usual().find(&place, "hang", false).await.unwrap().unwrap();
    let last = found.last.unwrap();
    assert_eq!(last.ours.unwrap().to_string(), id.0);
    assert!(found.busy && !last.is_over());
}

struct OperationIdText(String);

impl OperationIdText {
    fn fresh() -> Self {
        Self(crate::model::OperationId::fresh().to_string())
    }
}

#[tokio::test]
async fn an_old_operation_does_not_stand_for_the_one_that_is_asked_for() {
    let (_, mut both) = recorded("argocd/applications/app-get-healthy");
    let id = OperationIdText::fresh();
    both["operation"] = json!({ "info": [{ "name": OPERATION, "value": id.0 }] });
    let response = json!({ "status": 200, "jsonBody": both });
    let server = saying("GET", "/api/v1/applications/x", &response);
    let found = usual().find(&place(server.url(), "default"), "x", false).await;
    let last = found.unwrap().unwrap().last.unwrap();
    assert_eq!((last.phase.as_str(), last.ours.unwrap().to_string()), ("", id.0));
}

#[tokio::test]
async fn objects_are_those_that_count_in_a_comparison() {
    let server = playing(&["argocd/about/managed-resources"]);
    let place = place(server.url(), "default");
    let all = usual().managed(&place, "demo").await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|m| m.live.is_some() && m.predicted.is_some() && !m.hook));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].query, [("project".to_owned(), "default".to_owned())]);
}

#[tokio::test]
async fn bounds_of_a_project_are_told_where_the_token_sees_them() {
    let server = playing(&["argocd/about/project-get"]);
    let place = place(server.url(), "narrow");
    let argocd = usual();
    let bounds = argocd.bounds(&place).await.unwrap().unwrap();
    assert_eq!(bounds.repositories, ["*"]);
    assert_eq!(bounds.destinations[0].2, "allowed");
    let (_, hidden) = recorded("argocd/refusals/unknown-app-get");
    server
        .add(json!({
            "request": { "method": "GET", "urlPath": "/api/v1/projects/narrow" },
            "response": { "status": 403, "jsonBody": hidden },
        }))
        .unwrap();
    assert_eq!(argocd.bounds(&place).await.unwrap(), None);
}

#[tokio::test]
async fn requests_that_change_carry_exactly_what_argo_cd_takes() {
    for name in [
        "argocd/changes/app-create",
        // The same once more is no conflict: an answer that was lost can be asked for again.
        "argocd/changes/app-create-again-same",
        "argocd/changes/sync",
        // Taken all the same; what it leads to is told by the application.
        "argocd/changes/sync-forbidden-destination",
        "argocd/changes/hang-sync",
        "argocd/changes/terminate",
        "argocd/changes/app-delete-cascade",
    ] {
        let server = playing(&[name]);
        asked_again(&usual(), &server, name).await.unwrap();
        let asked = server.asked().remove(0);
        assert_eq!(asked.header("content-type"), "application/json", "{name}");
        assert!(asked.header("authorization").starts_with("Bearer "), "{name}");
    }
}
