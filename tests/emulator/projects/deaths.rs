//! Supervisors that die while a project is made: the same call goes on, in each of the phases, and asks for no second one.

use serde_json::{Value, json};

use super::{Site, TOOL};
use crate::harness::structured;

impl Site {
    /// Its supervisor dies at this place; how it was left.
    fn dies(&self, place: &str, request: &Value) -> String {
        let mut client = self.project.serve_with(&[("DATAMCP_FAULT", place)]);
        let answer = structured(client.call(TOOL, request, &mut |_| {}).unwrap());
        client.stop().unwrap();
        self.project.lock_is_free();
        answer.status()
    }
}

#[test]
fn promise_6_a_supervisor_that_dies_in_any_phase_is_followed_by_one_that_goes_on() {
    for (place, left) in [
        ("before_call", "failed"),
        ("after_call_create_project", "partial"),
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
        assert_eq!(site.dies(place, &site.real()), left, "{place}");
        let plan = site.call(&site.request()).expect("planned");
        if place == "after_creation" {
            let text = plan.at("/plan_stdout");
            assert!(text.contains("is being made by operations/cp."), "{text}");
        }
        site.call(&site.real()).expect("succeeded");
        site.is_whole();
        let again = site.call(&site.request()).expect("planned");
        assert_eq!(again.at("/summary/text"), "no changes", "{place}");
        site.project.log_is_whole();
    }
}

/// Google took the call, and the operation's name is in no journal: whether the project is there when the next one looks,
/// or only after Google has refused a second call for its id, it is ours.
#[test]
fn promise_6_a_project_whose_operation_nobody_noted_is_our_own() {
    // A plan looks once; the call looks three times before it asks.
    for (polls, asked) in [(2, 1), (4, 2), (6, 2)] {
        let site = Site::new();
        site.set(json!({ "polls": polls }));
        assert_eq!(site.dies("before_creation", &site.real()), "partial");
        site.set(json!({ "polls": 0 }));
        let plan = site.call(&site.request()).expect("planned");
        let text = plan.at("/plan_stdout");
        assert!(text.contains("asked for by an earlier call"), "{text}");
        site.call(&site.real()).expect("succeeded");
        site.is_whole_after(asked);
        let again = site.call(&site.request()).expect("planned");
        assert_eq!(again.at("/summary/text"), "no changes", "{polls}");
        site.project.log_is_whole();
    }
}

#[test]
fn promise_6_a_supervisor_that_dies_beside_what_a_project_has_is_followed_by_one_that_goes_on() {
    for part in ["default_network", "default_account", "lien", "budget"] {
        let mut site = Site::new();
        site.project
            .set(|s| s.rules = "auto_approve = [\"create\", \"update\", \"delete\"]".into());
        let wishes = site.all_wishes();
        assert_eq!(site.dies(&format!("after_call_{part}"), &wishes), "partial", "{part}");
        site.call(&wishes).expect("succeeded");
        let made = site.made();
        assert_eq!(made["network"], json!([]), "{part}");
        assert_eq!(made["account"], "off", "{part}");
        for one in ["liens", "budgets"] {
            assert_eq!(made[one].as_array().unwrap().len(), 1, "{part}: {one}");
        }
        site.asked(1);
        let mut dry = wishes;
        dry["dry_run"] = json!(true);
        assert_eq!(site.call(&dry).expect("planned").at("/summary/text"), "no changes", "{part}");
        site.project.log_is_whole();
    }
}

#[test]
fn fault_51_a_lost_answer_is_found_by_the_id_and_a_busy_google_is_asked_again() {
    for lost in ["lost", "cut"] {
        let site = Site::new();
        // It is still being made when it is looked for.
        site.set(json!({ "next": ["busy", "busy", lost], "polls": 2 }));
        site.call(&site.real()).expect("succeeded");
        site.is_whole();
        site.is_clean();
    }
}

#[test]
fn who_has_just_made_a_project_may_be_a_stranger_to_it_for_a_moment() {
    let site = Site::new();
    site.set(json!({ "stranger": 3 }));
    site.call(&site.real()).expect("succeeded");
    site.is_whole();
}
