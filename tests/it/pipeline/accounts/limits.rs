//! How long an account is waited for, by a clock that moves on with every rest: each wait ends, says what goes on without
//! us, and the same call follows it.

use datamcp::clock::Clock;
use datamcp::error::{Error, ErrorCode};
use serde_json::{Value, json};

use super::super::organizations::{Next, UNIT};
use super::super::site::{Site, agent, error};
use super::{EMAIL, TOOL, ended, real, request, site};

/// Whole minutes that the clock has moved on by during a call.
async fn timed(site: &Site, wanted: Value) -> (Value, i64) {
    let begun = site.clock.now();
    let answer = site.call(TOOL, wanted).await;
    (answer, site.clock.now().duration_since(begun).as_mins())
}

/// The newest account is made at the next look.
fn is_made(site: &Site) {
    site.organization.members.lock().unwrap().last_mut().unwrap().going = 0;
}

async fn goes_on(site: &Site) {
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    assert_eq!(site.organization.asked(), 1, "the same call asks for no second account");
    assert_eq!(site.organization.member(EMAIL).unwrap().parent, UNIT);
}

#[tokio::test]
async fn a_request_is_followed_for_half_an_hour_and_then_left_to_the_next_call() {
    let site = site();
    *site.organization.going.lock().unwrap() = usize::MAX;
    let (answer, minutes) = timed(&site, real(&request())).await;
    ended(&answer, "partial");
    assert_eq!(minutes, 30);
    let told = error(&answer);
    assert_eq!(told.code, ErrorCode::TimedOut);
    assert!(told.next.unwrap().contains("follows this request"));
    let plan = site.call(TOOL, request()).await;
    let text = plan["plan_stdout"].as_str().unwrap();
    assert!(text.contains(told.details["request"].as_str().unwrap()), "{text}");
    is_made(&site);
    goes_on(&site).await;
}

#[tokio::test]
async fn a_request_that_is_not_told_for_a_while_is_followed_all_the_same() {
    let site = site();
    *site.organization.silent.lock().unwrap() = 9;
    goes_on(&site).await;
}

#[tokio::test]
async fn a_request_that_is_never_told_is_no_failure_and_the_next_call_follows_it() {
    let site = site();
    *site.organization.silent.lock().unwrap() = 10;
    let answer = site.call(TOOL, real(&request())).await;
    ended(&answer, "partial");
    assert!(error(&answer).next.unwrap().contains("follows this request"), "{answer:#}");
    goes_on(&site).await;
}

#[tokio::test]
async fn a_call_that_nobody_finds_is_partial_and_the_next_one_looks_first() {
    let site = site();
    site.organization.answers([Next::IsLost]);
    let (answer, minutes) = timed(&site, real(&request())).await;
    ended(&answer, "partial");
    assert_eq!(error(&answer).code, ErrorCode::PartialApply);
    assert_eq!((minutes, site.organization.asked()), (1, 0), "it looks, and asks no second time");
    goes_on(&site).await;
}

#[tokio::test]
async fn a_busy_or_unfinished_organization_is_waited_for_but_not_for_ever() {
    for (next, least, most, told) in
        [(Next::Busy, 10, 11, "less busy"), (Next::Unfinished, 75, 76, "wait an hour")]
    {
        let site = site();
        site.organization.answers(std::iter::repeat_n(next, 1000));
        let (answer, minutes) = timed(&site, real(&request())).await;
        ended(&answer, "failed");
        assert!((least..=most).contains(&minutes), "{next:?}: {minutes}");
        assert!(error(&answer).next.unwrap().contains(told), "{answer:#}");
        assert_eq!(site.organization.asked(), 0);
        site.organization.next.lock().unwrap().clear();
        goes_on(&site).await;
    }
}

#[tokio::test]
async fn a_role_is_waited_for_in_a_new_account_and_not_in_one_of_age() {
    let site = site();
    let action = "sts:AssumeRole";
    let refused = Error::new(ErrorCode::UpstreamDenied, "assuming the role")
        .detail("action", action)
        .next(format!("allow {action}"));
    site.terraform.script.lock().unwrap().member_refused = Some(refused);
    let mut wanted = request();
    wanted["contacts"] =
        json!({ "BILLING": { "name": "N", "title": "T", "email": "a@b.co", "phone": "+1" } });
    let (answer, minutes) = timed(&site, real(&wanted)).await;
    ended(&answer, "partial");
    assert_eq!((minutes, error(&answer).code), (15, ErrorCode::UpstreamDenied));
    // It joined just now by its own account of itself: its role may still be on its way.
    let joined = Some(site.clock.now());
    site.organization.members.lock().unwrap()[0].account.joined = joined;
    assert_eq!(timed(&site, real(&wanted)).await.1, 15);
    let (answer, minutes) = timed(&site, real(&wanted)).await;
    ended(&answer, "partial");
    assert_eq!(minutes, 0, "a role that is not there after so long does not come");
    let told = error(&answer);
    assert_eq!(told.details["action"], action);
    assert!(told.next.unwrap().contains(action));
    site.terraform.script.lock().unwrap().member_refused = None;
    goes_on_with(&site, &wanted).await;
}

async fn goes_on_with(site: &Site, wanted: &Value) {
    ended(&site.call(TOOL, real(wanted)).await, "succeeded");
    assert_eq!(site.organization.contacts.lock().unwrap()["BILLING"].phone, "+1");
    assert_eq!(site.organization.asked(), 1);
}

/// A run that follows a request ends early; then AWS knows that request no longer.
async fn forgotten() -> Site {
    let site = site();
    *site.organization.going.lock().unwrap() = usize::MAX;
    ended(&site.call(TOOL, real(&request())).await, "partial");
    *site.organization.forgets.lock().unwrap() = true;
    site
}

#[tokio::test]
async fn a_forgotten_request_that_made_the_account_is_found_by_the_account() {
    let site = forgotten().await;
    is_made(&site);
    goes_on(&site).await;
}

#[tokio::test]
async fn a_forgotten_request_that_made_nothing_is_asked_for_anew() {
    let site = forgotten().await;
    site.organization.members.lock().unwrap().clear();
    let plan = site.call(TOOL, request()).await;
    assert!(plan["plan_stdout"].as_str().unwrap().contains("is not there"), "{plan:#}");
    *site.organization.forgets.lock().unwrap() = false;
    *site.organization.going.lock().unwrap() = 0;
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    assert_eq!(site.organization.asked(), 2);
}

#[tokio::test]
async fn fault_4_a_wish_to_stop_ends_the_waiting_and_not_what_aws_does() {
    let site = site();
    *site.organization.going.lock().unwrap() = 3;
    let id = site.submit_as(&agent(), TOOL, &real(&request())).await.unwrap();
    site.launched.0.lock().unwrap().clear();
    // The wish comes while the request is followed.
    *site.organization.stops.lock().unwrap() =
        Some((std::sync::Arc::clone(&site.world().runs), id));
    assert!(site.supervise(id).await);
    *site.organization.stops.lock().unwrap() = None;
    let answer = site.world().runs.result(id).await.unwrap().unwrap();
    ended(&answer, "cancelled");
    assert!(error(&answer).next.unwrap().contains("goes on"), "{answer:#}");
    assert_eq!(site.organization.asked(), 1);
    assert!(site.blocked("organization/acme").await.is_none());
    is_made(&site);
    goes_on(&site).await;
}
