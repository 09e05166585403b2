//! Promise 3, fault 39, bad inputs 12 to 18: who may agree, for how long, how often.

use datamcp::error::ErrorCode;
use datamcp::operation::desk::{Decider, approve};
use serde_json::json;

use super::site::{Site, actor, agent, error, person};

const TOOL: &str = "apply_terraform";

#[tokio::test]
async fn bad_input_12_nobody_approved() {
    let site = Site::new();
    let plan = site.plan(TOOL, "prod").await;
    let first = site.carry_out(TOOL, &plan).await;
    let second = site.carry_out(TOOL, &plan).await;
    for answer in [&first, &second] {
        assert_eq!(answer["status"], "approval_required");
        assert!(answer["approval"]["how"].as_str().unwrap().contains(" approve "), "{answer}");
    }
    assert_eq!(first["approval"]["id"], second["approval"]["id"], "one plan, one request");
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn bad_input_17_the_requester_cannot_approve_in_production() {
    let site = Site::new();
    let plan = site.plan(TOOL, "prod").await;
    let answer = site.carry_out(TOOL, &plan).await;
    let refused = site.decide("deploy", &answer, true).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    assert!(refused.message.contains("other than the requester"), "{refused}");
    let refused = site.decide("stranger", &answer, true).await.unwrap_err();
    assert!(refused.message.contains("not among the approvers"), "{refused}");
    assert_eq!(site.carry_out(TOOL, &plan).await["status"], "approval_required");
    site.decide("boss", &answer, true).await.unwrap();
    assert_eq!(site.carry_out(TOOL, &plan).await["status"], "succeeded");
}

#[tokio::test]
async fn promise_3_production_has_the_name_typed() {
    let site = Site::new();
    let plan = site.plan(TOOL, "prod").await;
    let answer = site.carry_out(TOOL, &plan).await;
    let world = site.world();
    let boss = Decider::at_terminal(&world.config, &person("boss"));
    let id = answer["approval"]["id"].as_str().unwrap();
    let prompt = approve::prompt(&world, &boss, id).await.unwrap();
    assert_eq!(prompt.word, "prod");
    for typed in ["yes", "y", "", "prod ", "dev"] {
        approve::decide(&world, &boss, &prompt, typed, true).await.unwrap_err();
    }
    assert_eq!(site.carry_out(TOOL, &plan).await["status"], "approval_required");
}

#[tokio::test]
async fn promise_3_a_tier_with_a_second_factor_is_not_approved_at_a_terminal() {
    let site = Site::new();
    site.configure("approvers = [\"boss\", \"requester\"]", "mfa = true");
    let plan = site.plan(TOOL, "prod").await;
    let answer = site.carry_out(TOOL, &plan).await;
    let refused = site.decide("boss", &answer, true).await.unwrap_err();
    assert!(refused.message.contains("second factor"), "{refused}");
}

#[tokio::test]
async fn bad_input_13_an_approval_counts_for_its_plan_only() {
    let site = Site::new();
    site.approved(TOOL, "prod").await;
    let other = site.plan(TOOL, "prod").await;
    assert_eq!(site.carry_out(TOOL, &other).await["status"], "approval_required");
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn bad_input_14_an_old_approval_is_refused() {
    let site = Site::new();
    let plan = site.approved(TOOL, "prod").await;
    let waiting = site.plan(TOOL, "prod").await;
    let waiting = site.carry_out(TOOL, &waiting).await;
    site.later(30 * 60);
    assert_eq!(error(&site.carry_out(TOOL, &plan).await).code, ErrorCode::ApprovalExpired);
    let late = site.decide("boss", &waiting, true).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::ApprovalExpired);
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn bad_input_15_a_truncated_approval_id_is_unknown() {
    let site = Site::new();
    let plan = site.plan(TOOL, "prod").await;
    let answer = site.carry_out(TOOL, &plan).await;
    let id = answer["approval"]["id"].as_str().unwrap();
    let world = site.world();
    let boss = Decider::at_terminal(&world.config, &person("boss"));
    for bad in [&id[..35], "", "../x", &id.to_uppercase()] {
        let refused = approve::prompt(&world, &boss, bad).await.unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("id"), "{bad}");
    }
}

#[tokio::test]
async fn bad_input_16_two_that_use_one_approval_at_once_have_one_effect() {
    let site = Site::new();
    let plan = site.approved(TOOL, "dev").await;
    let request = json!({ "plan_id": plan, "dry_run": false });
    let a = site.submit_as(&agent(), TOOL, &request).await.unwrap();
    let b = site.submit_as(&agent(), TOOL, &request).await.unwrap();
    tokio::join!(site.supervise(a), site.supervise(b));
    assert_eq!(site.terraform.effects(), 1);
    let mut ends = [site.row(a).await.status.word(), site.row(b).await.status.word()];
    ends.sort_unstable();
    assert_eq!(ends, ["refused", "succeeded"]);
}

#[tokio::test]
async fn promise_3_a_rejected_plan_stays_rejected() {
    let site = Site::new();
    let plan = site.plan(TOOL, "dev").await;
    let answer = site.carry_out(TOOL, &plan).await;
    site.decide("boss", &answer, false).await.unwrap();
    let refused = error(&site.carry_out(TOOL, &plan).await);
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    assert!(refused.message.contains("rejected"), "{refused}");
    site.decide("boss", &answer, true).await.unwrap_err();
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn bad_input_18_a_foreign_plan_and_an_unknown_one_are_one_text() {
    let site = Site::new();
    let plan = site.approved(TOOL, "dev").await;
    let request = json!({ "plan_id": plan, "dry_run": false });
    let other = actor("other", "other");
    let foreign = error(&site.call_as(&other, TOOL, request.clone()).await);
    let unknown_id = datamcp::model::PlanId::fresh().to_string();
    let unknown = json!({ "plan_id": unknown_id, "dry_run": false });
    let unknown = error(&site.call_as(&other, TOOL, unknown).await);
    let text_of =
        |e: &datamcp::error::Error, id: &str| serde_json::to_string(e).unwrap().replace(id, "ID");
    assert_eq!(text_of(&foreign, plan.as_str().unwrap()), text_of(&unknown, &unknown_id));
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn security_3_a_foreign_operation_and_an_unknown_one_are_one_text() {
    use datamcp::operation::{call, catalog};
    let site = Site::new();
    let plan = site.call(TOOL, json!({ "cloud": "aws", "env": "dev" })).await;
    let own = plan["operation_id"].as_str().unwrap().to_owned();
    let world = site.world();
    for tool in ["get_operation", "cancel_operation"] {
        let tool = catalog::find(tool).unwrap();
        let mut texts = Vec::new();
        for id in [own.clone(), datamcp::model::OperationId::fresh().to_string(), "x".into()] {
            let other = actor("other", "other");
            let called = call(&world, &other, tool, json!({ "id": id }), &mut |_| {}).await;
            assert!(called.failed);
            texts.push(called.answer.to_string().replace(&id, "ID"));
        }
        assert_eq!(texts[0], texts[1]);
    }
}
