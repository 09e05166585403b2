//! Supervisors that die while a project is made: the same call goes on, in each of the phases, and asks for no second one.

use serde_json::json;

use super::{Site, TOOL};
use crate::harness::structured;

#[test]
fn promise_6_a_supervisor_that_dies_in_any_phase_is_followed_by_one_that_goes_on() {
    for (place, left) in [
        ("before_call", "failed"),
        ("after_call_create_project", "partial"),
        ("before_creation", "partial"),
        ("after_creation", "partial"),
        ("after_made", "partial"),
        ("after_call_billing", "partial"),
        ("after_call_apis", "partial"),
        ("before_enabling", "partial"),
        ("after_enabling", "partial"),
    ] {
        let site = Site::new();
        // It is still being made when the next one looks.
        site.set(json!({ "polls": 2 }));
        let mut client = site.project.serve_with(&[("DATAMCP_FAULT", place)]);
        let answer = structured(client.call(TOOL, &site.real(), &mut |_| {}).unwrap());
        client.stop().unwrap();
        assert_eq!(answer.status(), left, "{place}: {:#}", answer.value);
        site.project.lock_is_free();
        let plan = site.call(&site.request()).expect("planned");
        if place == "after_creation" {
            let text = plan.at("/plan_stdout");
            assert!(text.contains("is being made by operations/cp."), "{text}");
        }
        site.call(&site.real()).expect("succeeded");
        // An answer that nobody noted may have made it: then the id finds it.
        if place == "before_creation" {
            let asked = site.seen()["asked"].as_u64().unwrap();
            assert!((1..=2).contains(&asked), "{asked}");
        } else {
            site.is_whole();
        }
        let again = site.call(&site.request()).expect("planned");
        assert_eq!(again.at("/summary/text"), "no changes", "{place}");
        site.project.log_is_whole();
    }
}

#[test]
fn a_lost_answer_is_found_by_the_id_and_a_busy_google_is_asked_again() {
    let site = Site::new();
    site.set(json!({ "next": ["busy", "busy", "lost"] }));
    site.call(&site.real()).expect("succeeded");
    site.is_whole();
    site.is_clean();
}

#[test]
fn who_has_just_made_a_project_may_be_a_stranger_to_it_for_a_moment() {
    let site = Site::new();
    site.set(json!({ "stranger": 3 }));
    site.call(&site.real()).expect("succeeded");
    site.is_whole();
}
