//! Supervisors that die while an account is made: the same call goes on, and never asks for a second account.

use serde_json::json;

use super::{Site, TOOL};
use crate::harness::structured;

impl Site {
    /// A server serves one call, whose supervisor dies at this place.
    fn dies_at(&self, place: &str) -> String {
        let mut client = self.project.serve_with(&[("DATAMCP_FAULT", place)]);
        let answer = structured(client.call(TOOL, &self.real(), &mut |_| {}).unwrap());
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
        assert_eq!(site.dies_at(place), left, "{place}");
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
