//! Waiting for Google: lost answers, calls that come too fast, operations that go on or are forgotten, and no wait for ever.

use datamcp::error::ErrorCode;
use datamcp::model::Status;
use serde_json::{Value, json};

use super::super::google::{Next, refusal};
use super::super::site::{Site, agent, error};
use super::{ID, TOOL, all_wishes, dies, ended, is_whole, real, request, site};

/// What the operation of this answer told of its progress.
async fn told(site: &Site, answer: &Value) -> Vec<Value> {
    let id = answer["operation_id"].as_str().unwrap().parse().unwrap();
    let (journal, _) = site.world().runs.journal(id, 0).await.unwrap();
    let progress = journal.into_iter().filter(|line| line.kind == "progress");
    progress.map(|line| line.body).collect()
}

#[tokio::test]
async fn calls_that_come_too_fast_are_made_again() {
    let site = site();
    site.google.script().next.extend([Next::Busy, Next::Busy]);
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
}

#[tokio::test]
async fn fault_51_a_lost_answer_is_looked_for_by_the_id_and_not_asked_again() {
    let site = site();
    site.google.script().next.push_back(Next::LosesItsAnswer);
    site.google.script().going = 2;
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
}

/// Longer than anybody looks for it: the next call finds it, before it is there or after.
#[tokio::test]
async fn fault_51_a_lost_answer_whose_project_comes_late_is_found_by_the_next_call() {
    for (going, asked) in [(5, 1), (9, 2)] {
        let site = site();
        site.google.script().next.push_back(Next::LosesItsAnswer);
        site.google.script().going = going;
        site.google.script().slow = 40;
        let answer = site.call(TOOL, real(&request())).await;
        let lost = error(ended(&answer, "partial"));
        assert!(lost.message.contains("the answer was lost") && lost.next.is_some(), "{lost}");
        site.google.script().going = 0;
        site.google.script().slow = 0;
        ended(&site.call(TOOL, real(&request())).await, "succeeded");
        is_whole(&site, asked);
    }
}

#[tokio::test]
async fn a_call_that_nobody_finds_is_partial_and_the_next_one_looks_first() {
    let site = site();
    site.google.script().next.push_back(Next::IsLost);
    site.google.script().slow = 40;
    ended(&site.call(TOOL, real(&request())).await, "partial");
    site.google.script().slow = 0;
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
}

/// A call of ours is open and the id is somebody else's: nobody can tell, so both are said, and nothing is waited for for ever.
#[tokio::test]
async fn an_id_that_is_taken_beside_an_open_call_is_looked_for_and_told_as_what_it_may_be() {
    let site = site();
    site.google.script().next.push_back(Next::IsLost);
    site.google.script().slow = 40;
    ended(&site.call(TOOL, real(&request())).await, "partial");
    site.google.script().taken = [ID.to_owned()].into();
    let answer = site.call(TOOL, real(&request())).await;
    let told = error(ended(&answer, "partial"));
    assert_eq!((told.code, told.field.as_deref()), (ErrorCode::PartialApply, Some("project_id")));
    assert!(told.message.contains("or an earlier call of ours"), "{told}");
    assert!(told.next.unwrap().contains("use another id"));
    assert_eq!(site.google.script().asked, 1);
}

#[tokio::test]
async fn an_operation_that_google_has_forgotten_is_found_by_what_it_made() {
    // It is making the project all the same; or nothing comes of it, and another one makes it.
    for comes in [true, false] {
        let site = site();
        site.google.script().going = 4;
        assert_eq!(dies(&site, true).await, Status::Partial);
        site.google.script().forgets = true;
        site.google.script().going = 0;
        if !comes {
            site.google.script().drop_operations();
        }
        ended(&site.call(TOOL, real(&all_wishes())).await, "succeeded");
        is_whole(&site, 2);
    }
}

#[tokio::test]
async fn an_operation_that_goes_on_too_long_is_left_and_followed_by_the_next_call() {
    let site = site();
    site.google.script().going = 1000;
    site.google.script().long = 20 * 60;
    let answer = site.call(TOOL, real(&request())).await;
    let late = error(ended(&answer, "partial"));
    assert_eq!(late.code, ErrorCode::TimedOut, "{late}");
    assert_eq!(late.details["operation"], "operations/cp.0");
    assert!(late.next.unwrap().contains("it follows this operation"));
    site.google.script().long = 0;
    site.google.script().hurry();
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
}

#[tokio::test]
async fn whoever_stays_a_stranger_to_its_project_is_told_and_goes_on_later() {
    let site = site();
    let denied = refusal("IAM_PERMISSION_DENIED");
    let denied = datamcp::error::Error { code: ErrorCode::UpstreamDenied, ..denied };
    site.google.script().unbilled = (1, Some(denied.clone()));
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
    // Longer than a new owner may be one.
    let stranger = super::site();
    stranger.google.script().unbilled = (1000, Some(denied));
    stranger.google.script().slow = 30;
    let answer = stranger.call(TOOL, real(&request())).await;
    assert_eq!(error(ended(&answer, "partial")).code, ErrorCode::UpstreamDenied);
    stranger.google.script().unbilled = (0, None);
    ended(&stranger.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&stranger, 1);
}

#[tokio::test]
async fn a_plan_of_a_project_is_too_old_after_half_an_hour() {
    let site = site();
    let plan = site.call(TOOL, request()).await;
    let carried = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    site.later(30 * 60 + 1);
    assert_eq!(error(&site.call(TOOL, carried).await).code, ErrorCode::ApprovalExpired);
    assert_eq!(site.google.script().asked, 0);
}

#[tokio::test]
async fn progress_says_how_many_apis_are_on() {
    let site = site();
    let mut many = request();
    let apis: Vec<String> = (0..24).map(|n| format!("api{n:02}.googleapis.com")).collect();
    many["apis"] = json!(apis);
    let answer = site.call(TOOL, real(&many)).await;
    ended(&answer, "succeeded");
    let told = told(&site, &answer).await;
    let of = |text: &str| {
        let line = told.iter().find(|line| line["message"] == text);
        line.map(|line| (line["done"].as_u64().unwrap(), line["total"].as_u64().unwrap()))
    };
    assert_eq!(of("20 of 24 APIs are on"), Some((20, 24)), "{told:?}");
    assert_eq!(of("24 of 24 APIs are on"), Some((24, 24)), "{told:?}");
    assert_eq!(site.google.script().done[1..], ["20 APIs", "4 APIs"], "twenty at a time");
    // Of those that are on nothing is said.
    many["apis"].as_array_mut().unwrap().push(json!("late.googleapis.com"));
    let id = site.submit_as(&agent(), TOOL, &real(&many)).await.unwrap();
    site.launched.0.lock().unwrap().clear();
    assert!(site.supervise(id).await);
    let answer = site.world().runs.result(id).await.unwrap().unwrap();
    let told = self::told(&site, &answer).await;
    assert!(told.iter().any(|line| line["message"] == "1 of 1 APIs are on"), "{told:?}");
}
