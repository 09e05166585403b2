//! Promise 3 where a program says that a person decided: which program, which person, which tier, and what is kept.

use datamcp::approval::Channel;
use datamcp::audit::Body;
use datamcp::error::{ErrorCode, Result};
use datamcp::operation::desk::{Decider, approve};
use serde_json::Value;

use super::site::{SETTINGS, Site};

const TOOL: &str = "apply_terraform";

/// The program `portal` runs as the user that asks; `ops` has no user on this machine.
fn site() -> Site {
    let site =
        Site::with(&format!("{SETTINGS}\n[people.ops]\n[programs.portal]\nos_user = \"deploy\"\n"));
    site.configure(
        "approvers = [\"boss\", \"requester\"]",
        "approvers = [\"ops\", \"boss\", \"requester\"]\nprograms = [\"portal\"]",
    );
    site
}

/// The program says that a person decided.
async fn says(site: &Site, program: &str, user: &str, person: &str, answer: &Value) -> Result<()> {
    let world = site.world();
    let decider = Decider::through(&world.config, program, user, person)?.stating("ticket 4711")?;
    let id = answer["approval"]["id"].as_str().unwrap();
    let prompt = approve::prompt(&world, &decider, id).await?;
    approve::decide(&world, &decider, &prompt, &prompt.word.clone(), true).await
}

async fn waiting(site: &Site, env: &str) -> (Value, Value) {
    let plan = site.plan(TOOL, env).await;
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(answer["status"], "approval_required", "{answer}");
    (plan, answer)
}

#[tokio::test]
async fn promise_3_a_trusted_program_brings_a_decision_and_the_log_keeps_how() {
    let site = site();
    let (plan, answer) = waiting(&site, "prod").await;
    says(&site, "portal", "deploy", "ops", &answer).await.unwrap();
    let done = site.carry_out(TOOL, &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    let operation = answer["operation_id"].as_str().unwrap();
    let rows = site.world().log.store().events("aws/prod", 0, 100).await.unwrap();
    let decided: Vec<_> = rows
        .iter()
        .filter_map(|row| match &row.event.body {
            Body::Decided { evidence, granted: true, .. } => Some((evidence, &row.event.actor)),
            _ => None,
        })
        .collect();
    let [(evidence, actor)] = decided.as_slice() else { panic!("{operation}: {decided:?}") };
    assert_eq!((evidence.channel, evidence.place.as_str()), (Channel::Program, "portal"));
    assert_eq!((evidence.approver.as_str(), evidence.os_user.as_str()), ("ops", "deploy"));
    assert_eq!(evidence.statement.as_deref(), Some("ticket 4711"));
    assert!(evidence.typed_name, "production has the name typed");
    assert_eq!((actor.principal.0.as_str(), actor.agent.as_deref()), ("ops", Some("portal")));
}

#[tokio::test]
async fn promise_3_a_program_is_trusted_only_where_the_settings_say_so() {
    let site = site();
    let (plan, answer) = waiting(&site, "dev").await;
    let refusals = [
        ("portal", "deploy", "ops", "does not take the word of program portal"),
        ("other", "deploy", "ops", "the settings do not list it"),
        ("portal", "mallory", "ops", "runs as another user"),
        ("portal", "deploy", "nobody", "nobody under [people]"),
    ];
    for (program, user, person, why) in refusals {
        let refused = says(&site, program, user, person, &answer).await.unwrap_err();
        assert!(refused.message.contains(why), "{program} {user} {person}: {refused}");
    }
    assert_eq!(site.carry_out(TOOL, &plan).await["status"], "approval_required");
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn bad_input_17_a_program_cannot_say_that_the_requester_approved_in_production() {
    let site = site();
    let (plan, answer) = waiting(&site, "prod").await;
    // `requester` is the user that asked, under the name of a person.
    let refused = says(&site, "portal", "deploy", "requester", &answer).await.unwrap_err();
    assert!(refused.message.contains("other than the requester"), "{refused}");
    site.configure("[people.ops]", "[people.agent]\n[people.ops]");
    site.configure("[\"ops\",", "[\"agent\", \"ops\",");
    let refused = says(&site, "portal", "deploy", "agent", &answer).await.unwrap_err();
    assert!(refused.message.contains("other than the requester"), "{refused}");
    assert_eq!(site.carry_out(TOOL, &plan).await["status"], "approval_required");
}

#[tokio::test]
async fn promise_3_a_program_is_asked_all_that_a_terminal_is_asked() {
    let site = site();
    let (plan, answer) = waiting(&site, "prod").await;
    let id = answer["approval"]["id"].as_str().unwrap();
    let world = site.world();
    let ops = || Decider::through(&world.config, "portal", "deploy", "ops").unwrap();
    for bad in ["", "  \n", &"x".repeat(501)] {
        assert_eq!(ops().stating(bad).unwrap_err().field.as_deref(), Some("statement"));
    }
    let decider = ops().stating("password=hunter22 seen").unwrap();
    let prompt = approve::prompt(&world, &decider, id).await.unwrap();
    assert!(prompt.worth.contains("portal") && prompt.worth.contains("deploy"), "{}", prompt.worth);
    for typed in ["yes", "", "prod "] {
        approve::decide(&world, &decider, &prompt, typed, true).await.unwrap_err();
    }
    site.later(30 * 60);
    let late = approve::decide(&world, &decider, &prompt, "prod", true).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::ApprovalExpired, "shown in time, typed too late");
    assert_eq!(site.terraform.count("apply"), 0);
    assert!(!site.carry_out(TOOL, &plan).await["succeeded"].as_bool().unwrap());

    let site = self::site();
    let (_, answer) = waiting(&site, "prod").await;
    site.configure("programs = [\"portal\"]", "programs = [\"portal\"]\nmfa = true");
    let refused = says(&site, "portal", "deploy", "ops", &answer).await.unwrap_err();
    assert!(refused.message.contains("second factor"), "{refused}");
}

#[tokio::test]
async fn security_15_a_statement_of_a_program_is_redacted_before_it_is_kept() {
    let site = site();
    let (_, answer) = waiting(&site, "prod").await;
    let world = site.world();
    let decider = Decider::through(&world.config, "portal", "deploy", "ops").unwrap();
    let decider = decider.stating("by https://ops:hunter22@chat.example.com/4711").unwrap();
    let id = answer["approval"]["id"].as_str().unwrap();
    let prompt = approve::prompt(&world, &decider, id).await.unwrap();
    approve::decide(&world, &decider, &prompt, "", false).await.unwrap();
    let events = world.log.store().events("aws/prod", 0, 100).await.unwrap();
    let text = serde_json::to_string(&events).unwrap();
    assert!(text.contains("chat.example.com/4711") && !text.contains("hunter22"), "{text}");
}
