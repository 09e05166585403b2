//! One change at a time: of several processes one runs, the others learn who holds the environment.

use std::thread;
use std::time::Instant;

use serde_json::json;

use crate::harness::{Answered, Project, chain, for_real, terraform_apply, until};

#[test]
fn promise_4_of_two_processes_one_runs_the_other_learns_who_since_when_for_what() {
    let project = Project::with(|effects| chain(effects, 1, 2.0));
    let first = thread::scope(|scope| {
        let first = scope.spawn(|| project.apply(&json!({})));
        until("the first terraform", 20, || !terraform_apply(&project.state()).is_empty());
        let holder = project.newest("apply_terraform");
        let second = project.apply(&json!({ "turn": "2" })).refused("lock_held");
        assert_eq!(second.at("/error/details/operation"), holder);
        assert_eq!(second.at("/error/details/tool"), "apply_terraform");
        assert_eq!(second.at("/error/details/user"), "agent");
        assert!(second.at("/error/details/since").starts_with("20"));
        assert!(second.at("/error/next").contains(&holder));
        assert_eq!(project.locks()[0]["state"], "held");
        let read = project.call("terraform_outputs", &json!({ "cloud": "aws", "env": "dev" }));
        assert_eq!(read.at("/error/code"), "lock_held", "a read would see half a state");
        first.join().unwrap()
    });
    first.expect("succeeded");
    project.lock_is_free();
    project.log_is_whole();
}

fn at_once(project: &Project, number: usize) -> Vec<Answered> {
    thread::scope(|scope| {
        let calls: Vec<_> = (0..number)
            .map(|i| scope.spawn(move || project.apply(&json!({ "turn": i.to_string() }))))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn promise_4_fault_17_eight_at_once_never_run_together() {
    let project = Project::with(|effects| chain(effects, 1, 1.0));
    let answers = at_once(&project, 8);
    let done = answers.iter().filter(|a| a.status() == "succeeded").count();
    let held = answers.iter().filter(|a| a.at("/error/code") == "lock_held").count();
    // Somebody may have planned before another one applied: then the plan is stale, not the state.
    let stale = answers.iter().filter(|a| a.at("/error/code") == "stale_plan").count();
    assert!(done >= 1, "{answers:#?}");
    assert_eq!(done + held + stale, 8, "{answers:#?}");
    assert_eq!(project.effects().by_operation().len(), done);
    project.lock_is_free();
    project.log_is_whole();
}

#[test]
fn a_held_environment_is_waited_for_as_long_as_the_settings_say() {
    let mut project = Project::with(|effects| chain(effects, 1, 1.0));
    project.set(|s| s.wait_s = 30);
    let answers = at_once(&project, 3);
    for answer in &answers {
        let stale = answer.at("/error/code") == "stale_plan";
        assert!(answer.status() == "succeeded" || stale, "nobody is told lock_held: {answer:#?}");
    }
    assert_eq!(project.effects().by_operation().len(), project.effects().count());
    project.lock_is_free();
}

#[test]
fn bar_12_a_repeated_call_has_one_effect() {
    let project = Project::with(|effects| chain(effects, 1, 0.5));
    let mut request = for_real(&json!({}));
    request["idempotency_key"] = json!("once");
    let call = || project.call("apply_terraform", &request);
    let (a, b) = thread::scope(|scope| {
        let calls = [scope.spawn(call), scope.spawn(call)];
        let [a, b] = calls.map(|c| c.join().unwrap());
        (a.expect("succeeded"), b.expect("succeeded"))
    });
    assert_eq!(a.operation(), b.operation());
    let started = Instant::now();
    assert_eq!(call().operation(), a.operation(), "later too");
    assert!(started.elapsed().as_secs() < 3);
    assert_eq!(project.effects().count(), 1);
    request["vars"] = json!({ "turn": "other" });
    let other = project.call("apply_terraform", &request).refused("invalid_request");
    assert_eq!(other.at("/error/field"), "idempotency_key");
    assert_eq!(project.effects().count(), 1);
}
