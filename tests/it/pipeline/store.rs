//! Promise 5, security row 11, faults 20 and 21: nothing runs unrecorded, and an end that cannot be recorded is
//! recorded later, once, as it was.

use datamcp::error::ErrorCode;
use datamcp::model::{Outcome, Status};
use datamcp::operation::{call, catalog};
use serde_json::{Value, json};

use super::faults::Kind;
use super::site::{Site, agent, error};

async fn look(site: &Site, tool: &str, request: Value) -> Value {
    let tool = catalog::find(tool).unwrap();
    call(&site.world(), &agent(), tool, request, &mut |_| {}).await.answer
}

/// Also for root, who may write everywhere: the database's place is taken by a folder.
#[tokio::test]
async fn security_11_a_store_that_cannot_be_written_starts_nothing() {
    let site = Site::new();
    std::fs::create_dir_all(site.state().join("log.db")).unwrap();
    for tool in ["apply_terraform", "destroy_terraform"] {
        for request in [
            json!({ "cloud": "aws", "env": "dev" }),
            json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true }),
        ] {
            let answer = site.call(tool, request).await;
            assert_eq!(error(&answer).code, ErrorCode::AuditUnavailable, "{answer}");
            assert!(answer["operation_id"].is_null(), "{answer}");
        }
    }
    let calls = site.terraform.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|call| *call == "inspect"), "{calls:?}");
    assert!(site.launched.0.lock().unwrap().is_empty());
    let checks = look(&site, "preflight", json!({})).await;
    let log = checks["checks"].as_array().unwrap().iter().find(|c| c["name"] == "operations log");
    assert_eq!((&checks["ok"], &log.unwrap()["level"]), (&json!(false), &json!("failed")));
}

#[tokio::test]
async fn promise_5_environments_are_listed_though_the_log_cannot_be_read() {
    let site = Site::new();
    let listed = look(&site, "list_environments", json!({})).await;
    assert_eq!(listed["environments"][0]["unread"], Value::Null, "{listed}");
    std::fs::create_dir_all(site.state().join("log.db")).unwrap();
    let listed = look(&site, "list_environments", json!({})).await;
    let environments = listed["environments"].as_array().unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(environments.len(), 2, "{listed}");
    for environment in environments {
        assert!(environment["unread"].as_str().unwrap().contains("log.db"), "{listed}");
        assert_eq!(environment["account"], "123456789012", "what is configured is told");
    }
}

#[tokio::test]
async fn security_11_reads_go_on_while_the_log_cannot_be_written() {
    let site = Site::new();
    let planned = site.call("apply_terraform", json!({ "cloud": "aws", "env": "dev" })).await;
    let raw = rusqlite::Connection::open(site.state().join("log.db")).unwrap();
    raw.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    .unwrap();
    let refused = site.call("apply_terraform", json!({ "cloud": "aws", "env": "dev" })).await;
    assert_eq!(error(&refused).code, ErrorCode::AuditUnavailable, "{refused}");
    assert_eq!(site.terraform.count("plan"), 1);
    let listed = look(&site, "list_operations", json!({})).await;
    assert_eq!(listed["operations"][0]["id"], planned["operation_id"]);
    let shown = look(&site, "get_operation", json!({ "id": planned["operation_id"] })).await;
    assert_eq!(shown["result"]["plan_id"], planned["plan_id"], "{shown}");
    let outputs = look(&site, "terraform_outputs", json!({ "cloud": "aws", "env": "dev" })).await;
    assert_eq!(outputs["outputs"]["hidden"], json!({ "sensitive": true }), "{outputs}");
}

#[tokio::test]
async fn promise_5_a_store_that_breaks_before_the_effect_stops_it() {
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    let request = json!({ "plan_id": plan, "dry_run": false });
    let id = site.submit_as(&agent(), "apply_terraform", &request).await.unwrap();
    site.faults.arm(Some((opens(&site.copy(), id).await, Kind::Fails)));
    site.supervise(id).await;
    assert_eq!(site.terraform.effects(), 0);
    let told = site.world().runs.result(id).await.unwrap().unwrap();
    assert_eq!(error(&told).code, ErrorCode::AuditUnavailable, "{told}");
}

/// Number of the step that opens the entry: the first event that a supervisor writes.
async fn opens(site: &Site, id: datamcp::model::OperationId) -> usize {
    site.faults.arm(None);
    site.supervise(id).await;
    site.faults.steps().iter().position(|step| *step == "append").unwrap()
}

#[tokio::test]
async fn fault_21_an_end_that_cannot_be_recorded_is_recorded_later_as_it_was() {
    for (outcome, expected) in [
        (Outcome::Succeeded, Status::Succeeded),
        (Outcome::Partial, Status::Partial),
        (Outcome::Cancelled, Status::Cancelled),
        (Outcome::Failed, Status::Failed),
    ] {
        let site = Site::new();
        let plan = site.approved("apply_terraform", "dev").await;
        let request = json!({ "plan_id": plan, "dry_run": false });
        let id = site.submit_as(&agent(), "apply_terraform", &request).await.unwrap();
        site.terraform.tell(|script| script.outcome = outcome);
        let copy = site.copy();
        let open = opens(&copy, id).await;
        let close =
            copy.faults.steps().iter().skip(open + 1).position(|step| *step == "append").unwrap();
        site.faults.arm(Some((open + 1 + close, Kind::Fails)));
        assert!(site.supervise(id).await);
        site.faults.arm(None);
        assert_eq!(site.terraform.effects(), 1);
        assert_eq!(site.row(id).await.status, Status::Running, "not yet");
        let told = site.world().runs.result(id).await.unwrap().unwrap();
        assert_eq!(told["status"], expected.word());
        assert!(told["warnings"].to_string().contains("could not be recorded yet"), "{told}");
        assert_eq!(site.settle(id).await, expected);
        assert_eq!(site.settle(id).await, expected, "once");
        assert_eq!(site.blocked("aws/dev").await, None);
    }
}

#[tokio::test]
async fn promise_6_an_end_that_nobody_saw_blocks_until_a_person_reconciles() {
    use datamcp::operation::desk::reconcile;
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    site.terraform.tell(|script| script.outcome = Outcome::Unknown);
    let answer = site.carry_out("apply_terraform", &plan).await;
    assert_eq!(answer["status"], "unknown", "{answer}");
    assert!(site.blocked("aws/dev").await.is_some());
    let plan = site.call("apply_terraform", json!({ "cloud": "aws", "env": "dev" })).await;
    assert_eq!(error(&plan).code, ErrorCode::EnvironmentBlocked, "{plan}");
    let (world, boss) = (site.world(), super::site::person("boss"));
    let case = reconcile::case(&world, answer["operation_id"].as_str().unwrap()).await.unwrap();
    let wrong = reconcile::reconcile(
        &world,
        &boss,
        &case,
        reconcile::Word::Ended(Status::Succeeded),
        "looked",
        "yes",
    )
    .await;
    assert_eq!(wrong.unwrap_err().code, ErrorCode::PolicyDenied);
    reconcile::reconcile(
        &world,
        &boss,
        &case,
        reconcile::Word::Ended(Status::Succeeded),
        "looked",
        "dev",
    )
    .await
    .unwrap();
    assert_eq!(site.row(case.row.id).await.status, Status::Succeeded);
    assert_eq!(site.blocked("aws/dev").await, None);
    site.plan("apply_terraform", "dev").await;
}

/// Fault 30: also when the supervisor dies, or cannot reach the store, between the end and the block.
#[tokio::test]
async fn fault_30_a_state_that_was_not_saved_blocks_whatever_happens_then() {
    let begin = Site::new();
    let plan = begin.approved("apply_terraform", "dev").await;
    let request = json!({ "plan_id": plan, "dry_run": false });
    let id = begin.submit_as(&agent(), "apply_terraform", &request).await.unwrap();
    begin.terraform.tell(|script| {
        script.outcome = Outcome::Failed;
        script.state_lost = true;
        let error =
            datamcp::error::Error::new(ErrorCode::UpstreamFailed, "the state was not saved");
        script.error = Some(error.detail("state_not_saved", true));
    });
    let straight = begin.copy();
    straight.faults.arm(None);
    straight.supervise(id).await;
    let steps = straight.faults.steps();
    assert!(straight.blocked("aws/dev").await.unwrap().contains("could not save"));
    let effect = steps.iter().position(|step| *step == "effect").unwrap();
    for (at, step) in steps.iter().enumerate().skip(effect + 3) {
        for kind in [Kind::CrashesBefore, Kind::CrashesAfter, Kind::Fails] {
            let site = begin.copy();
            site.faults.arm(Some((at, kind)));
            site.supervise(id).await;
            site.faults.arm(None);
            let status = site.settle(id).await;
            let blocked = site.blocked("aws/dev").await;
            assert!(blocked.is_some(), "{step} {kind:?}: {status}, the environment is free");
        }
    }
}
