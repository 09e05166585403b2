//! Supervisors that die while an account is made: the same call goes on, and never asks for a second account.

use serde_json::{Value, json};

use super::furnished::furnished;
use super::{Site, TOOL};
use crate::harness::{structured, until};

impl Site {
    /// A server serves one call, whose supervisor dies at this place.
    fn dies_at(&self, place: &str, request: &Value) -> String {
        let mut client = self.project.serve_with(&[("DATAMCP_FAULT", place)]);
        let answer = structured(client.call(TOOL, request, &mut |_| {}).unwrap());
        client.stop().unwrap();
        assert!(
            ["partial", "failed"].contains(&answer.status().as_str()),
            "{place}: {:#}",
            answer.value
        );
        answer.status()
    }
}

#[test]
fn promise_6_a_supervisor_that_dies_never_leads_to_a_second_account() {
    for (place, left) in [
        ("before_call", "failed"),
        ("after_call_create_account", "partial"),
        ("before_creation", "partial"),
        ("after_creation", "partial"),
        ("after_made", "partial"),
        ("after_call_place", "partial"),
    ] {
        let site = Site::new();
        site.organization(json!({ "polls": 1 }));
        assert_eq!(site.dies_at(place, &site.real()), left, "{place}");
        site.project.lock_is_free();
        let plan = site.call(&site.request()).expect("planned");
        site.call(&site.real()).expect("succeeded");
        site.is_placed();
        if place == "after_creation" {
            assert!(plan.at("/plan_stdout").contains("is being made by request car-"), "{place}");
        }
        let again = site.call(&site.request()).expect("planned");
        assert_eq!(again.at("/summary/text"), "no changes", "{place}");
        site.project.log_is_whole();
    }
}

#[test]
fn promise_6_a_supervisor_that_dies_while_it_furnishes_is_followed_by_one_that_goes_on() {
    let site = Site::new();
    let (request, _) = furnished(&site);
    // One account, which each death leaves a step further.
    for place in [
        "after_call_contact_SECURITY",
        "after_call_default_vpc_eu-west-1",
        "after_call_bucket",
        "after_call_versioning",
    ] {
        assert_eq!(site.dies_at(place, &request), "partial", "{place}");
        site.project.lock_is_free();
        let mut plan = request.clone();
        plan["dry_run"] = json!(true);
        let plan = site.call(&plan).expect("planned");
        assert_ne!(plan.at("/summary/text"), "no changes", "{place}: something is left to do");
    }
    site.call(&request).expect("succeeded");
    site.is_placed();
    let mut again = request;
    again["dry_run"] = json!(true);
    let again = site.call(&again).expect("planned");
    assert_eq!(again.at("/summary/text"), "no changes", "{}", again.at("/plan_stdout"));
    site.project.log_is_whole();
}

/// Asked for, and not followed any more.
fn stopped(site: &Site) -> String {
    let mut request = site.real();
    request["wait_s"] = json!(0);
    let id = site.call(&request).expect("running").operation();
    until("the request", 30, || site.organization(json!({}))["asked"] == 1);
    for _ in 0..2 {
        let wish = site.project.call("cancel_operation", &json!({ "id": id }));
        assert_eq!(wish.status(), "running", "a wish twice is one wish: {:#}", wish.value);
        assert!(!wish.at("/next").contains("program"), "{:#}", wish.value);
    }
    id
}

#[test]
fn faults_4_7_a_wish_to_stop_ends_the_waiting_and_aws_goes_on() {
    let site = Site::new();
    site.organization(json!({ "polls": 1000 }));
    let id = stopped(&site);
    let ended = site.project.operation(&id, 60).expect("cancelled");
    let next = ended.at("/result/error/next");
    assert!(next.contains("finds what was made"), "{:#}", ended.value);
    site.project.lock_is_free();
    let plan = site.call(&site.request()).expect("planned");
    assert!(plan.at("/plan_stdout").contains("is being made by request car-"), "{:#}", plan.value);
    site.organization(json!({ "polls": 0, "made": true }));
    site.call(&site.real()).expect("succeeded");
    site.is_placed();
    site.project.log_is_whole();
}
