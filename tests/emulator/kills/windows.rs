//! Deaths at named places. `DATAMCP_FAULT` names the place; only debug builds have it.

use serde_json::json;

use super::{Expected, Victim};
use crate::harness::{structured, terraform_apply, until};

impl Victim {
    /// A server serves one call; it or the supervisor dies at this place. Returns the operation, empty without one.
    fn dies_at(&mut self, place: &str) -> String {
        let before = self.project.newest("apply_terraform");
        let mut request = self.request();
        request["wait_s"] = json!(20);
        let mut client = self.project.serve_with(&[("DATAMCP_FAULT", place)]);
        if let Ok(answer) = client.call("apply_terraform", &request, &mut |_| {}) {
            let answer = structured(answer);
            assert_ne!(answer.status(), "approval_required", "{:#}", answer.value);
            client.stop().unwrap();
        }
        let id = self.project.newest("apply_terraform");
        if id == before { String::new() } else { id }
    }

    #[track_caller]
    fn ends(&mut self, place: &str, expected: Expected) {
        let serial = self.project.serial();
        let id = self.dies_at(place);
        assert_ne!(id, "", "{place}: nothing is on record");
        assert_eq!(self.holds(&id, serial, place), expected, "{place}");
    }
}

#[test]
fn fault_2_the_server_dies_around_received() {
    let mut victim = Victim::new(1, 0.0);
    let serial = victim.project.serial();
    assert_eq!(victim.dies_at("before_received"), "", "not on record: nothing happened");
    assert_eq!(victim.project.serial(), serial);
    victim.ends("after_received", Expected::Nothing);
}

#[test]
fn fault_2_the_server_dies_around_enqueue() {
    let mut victim = Victim::new(2, 0.1);
    victim.ends("after_enqueue", Expected::Done);
    victim.ends("before_enqueue", Expected::Nothing);
}

#[test]
fn fault_2_the_supervisor_dies_before_it_says_that_it_started() {
    Victim::new(1, 0.0).ends("before_started", Expected::Nothing);
}

#[test]
fn fault_2_the_supervisor_dies_before_anything_was_started() {
    let mut victim = Victim::new(1, 0.0);
    for place in [
        "after_started",
        "before_lock",
        "after_lock",
        "before_open",
        "after_open",
        "before_intent",
        "after_intent",
    ] {
        victim.ends(place, Expected::Nothing);
    }
    victim.project.apply(&json!({ "turn": "last" })).expect("succeeded");
}

#[test]
fn promise_6_the_supervisor_dies_while_terraform_works() {
    let mut victim = Victim::new(2, 0.3);
    for place in ["before_child", "after_child", "first_resource", "last_resource", "before_exit"] {
        victim.ends(place, Expected::Unknown);
    }
    victim.project.apply(&json!({ "turn": "last" })).expect("succeeded");
}

#[test]
fn promise_6_the_supervisor_dies_after_terraform_has_ended() {
    let mut victim = Victim::new(1, 0.0);
    for place in [
        "after_exit",
        "before_close",
        "after_close",
        "before_release",
        "after_release",
        "before_ended",
        "after_ended",
    ] {
        victim.ends(place, Expected::Done);
    }
    victim.project.apply(&json!({ "turn": "last" })).expect("succeeded");
}

#[test]
fn promise_6_an_orphaned_terraform_keeps_the_environment() {
    let mut victim = Victim::new(2, 2.0);
    let serial = victim.project.serial();
    let mut request = victim.request();
    request["wait_s"] = json!(0);
    let mut client = victim.project.serve_with(&[("DATAMCP_FAULT", "after_child")]);
    let answer = structured(client.call("apply_terraform", &request, &mut |_| {}).unwrap());
    let id = answer.operation();
    let project = &victim.project;
    let supervised = || crate::harness::children_of_state(&project.state(), "__run");
    until("terraform", 20, || !terraform_apply(&project.state()).is_empty());
    until("the end of the supervisor", 10, || supervised().is_empty());

    let answer = project.operation(&id, 0).expect("running");
    assert!(answer.at("/next").contains("its terraform still works"), "{:#}", answer.value);
    assert_eq!(project.locks()[0]["state"], "held");
    project.apply(&json!({})).refused("lock_held");
    let arguments = ["--as", "succeeded", "--note", "no"];
    let mut words = vec!["reconcile", id.as_str()];
    words.extend(arguments);
    let ending = project.sits_down(&words).leaves().unwrap();
    assert!(ending.code != 0 && ending.text.contains("still works"), "{}", ending.text);
    assert_eq!(terraform_apply(&project.state()).len(), 1, "it was let alone");

    assert_eq!(victim.holds(&id, serial, "orphaned"), Expected::Unknown);
    assert_eq!(victim.project.effects().of(&id).len(), 2, "it ran to its end");
}
