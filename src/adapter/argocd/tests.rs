//! Answers of a real Argo CD, played back; and what stands between us and it when it is not there.

mod refusals;
mod stand_in;

use serde_json::{Value, json};

use super::*;
use stand_in::{Reply, StandIn, permit_free, place, recorded};

async fn find(name: &str) -> Application {
    let server = StandIn::start(vec![recorded(name)]);
    let place = place(&server.url, "default");
    server.argocd().find(&place, "x", true).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_application_is_understood() {
    let healthy = find("app-get-healthy").await;
    assert_eq!((healthy.sync.as_str(), healthy.health.as_str()), ("Synced", "Healthy"));
    assert!(!healthy.busy && !healthy.automatic && !healthy.deleting);
    let last = healthy.last.unwrap();
    assert!(last.is_over() && last.finished.is_some());
    assert_eq!((last.by.as_str(), last.ours), ("datamcp", None));
    assert_eq!(last.results.len(), 4);
    assert_eq!(healthy.history.len(), 1);
    let stray = find("app-get-requires-pruning").await;
    let names: Vec<&str> =
        stray.resources.iter().filter(|r| r.stray).map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["extra"]);
    let terminating = find("app-get-terminating").await;
    assert!(terminating.busy);
    assert_eq!(terminating.last.unwrap().phase, "Terminating");
    let refused = find("app-get-sync-failed").await.last.unwrap();
    assert_eq!(refused.phase, "Failed");
    assert!(refused.results.iter().any(|r| r.status == "SyncFailed"));
}

#[tokio::test]
async fn fault_51_a_sync_is_known_by_the_operation_that_it_carries() {
    let id = OperationIdText::fresh();
    let Reply { mut body, .. } = recorded("hang-sync");
    let mut asked: Value = serde_json::from_str(&body).unwrap();
    asked["operation"]["info"] = json!([{ "name": OPERATION, "value": id.0 }]);
    body = asked.to_string();
    let server = StandIn::start(vec![Reply::json(200, &body)]);
    let place = place(&server.url, "default");
    let found = server.argocd().find(&place, "hang", false).await.unwrap().unwrap();
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
    let Reply { body, .. } = recorded("app-get-healthy");
    let mut both: Value = serde_json::from_str(&body).unwrap();
    let id = OperationIdText::fresh();
    both["operation"] = json!({ "info": [{ "name": OPERATION, "value": id.0 }] });
    let server = StandIn::start(vec![Reply::json(200, &both.to_string())]);
    let found = server.argocd().find(&place(&server.url, "default"), "x", false).await;
    let last = found.unwrap().unwrap().last.unwrap();
    assert_eq!((last.phase.as_str(), last.ours.unwrap().to_string()), ("", id.0));
}

#[tokio::test]
async fn objects_are_those_that_count_in_a_comparison() {
    let server = StandIn::start(vec![recorded("managed-resources")]);
    let place = place(&server.url, "default");
    let all = server.argocd().managed(&place, "demo").await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|m| m.live.is_some() && m.predicted.is_some() && !m.hook));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].starts_with("GET /api/v1/applications/demo/managed-resources?project=default")
    );
}

#[tokio::test]
async fn bounds_of_a_project_are_told_where_the_token_sees_them() {
    let server = StandIn::start(vec![recorded("project-get"), recorded("unknown-app-get")]);
    let place = place(&server.url, "default");
    let argocd = server.argocd();
    let bounds = argocd.bounds(&place).await.unwrap().unwrap();
    assert_eq!(bounds.repositories, ["*"]);
    assert_eq!(bounds.destinations[0].2, "allowed");
    assert_eq!(argocd.bounds(&place).await.unwrap(), None);
}

#[tokio::test]
async fn requests_that_change_carry_exactly_what_argo_cd_takes() {
    let server = StandIn::start(vec![recorded("terminate"), recorded("terminate-nothing-running")]);
    let place = place(&server.url, "default");
    let argocd = server.argocd();
    for _ in 0..2 {
        permit_free(
            &argocd,
            &place,
            Method::Delete,
            "/api/v1/applications/x/operation?project=default",
        )
        .await
        .ok();
    }
    for asked in server.asked() {
        let lower = asked.to_ascii_lowercase();
        assert!(lower.contains("\r\ncontent-type: application/json\r\n"), "{asked}");
        assert!(lower.contains("\r\nauthorization: bearer "), "{asked}");
    }
}
