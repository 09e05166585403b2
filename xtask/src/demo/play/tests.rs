//! The driver of the demo against a scripted server: what it takes and what it refuses.

use std::io::{BufRead, BufReader, Write};

use super::*;
use crate::child::Identity;
use crate::lab::{Aws, Terraform};
use crate::report::Report;

/// A play whose server answers the n-th call with the n-th structured content.
fn play(script: &'static [&'static str]) -> Play {
    let (to_client, mut out) = std::io::pipe().unwrap();
    let (from_client, to_server) = std::io::pipe().unwrap();
    std::thread::spawn(move || {
        let calls = BufReader::new(from_client).lines().map_while(Result::ok);
        for (call, structured) in calls.zip(script) {
            let call: Value = serde_json::from_str(&call).unwrap();
            let content: Value = serde_json::from_str(structured).unwrap();
            let failed = content.get("error").is_some();
            let result = json!({ "structuredContent": content, "content": [], "isError": failed });
            writeln!(out, "{}", json!({ "id": call["id"], "result": result })).unwrap();
        }
    });
    Play {
        lab: lab(),
        program: PathBuf::new(),
        folder: PathBuf::new(),
        ground: Box::new(Nowhere),
        client: Some(Client::over(to_client, to_server)),
        plan_id: String::new(),
        approval_id: String::new(),
        changed: "network",
    }
}

/// A cloud that nobody looks at.
struct Nowhere;

impl Ground for Nowhere {
    fn target(&self) -> (&'static str, &'static str) {
        ("gcp", "dev")
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn empty(&self) -> Result<String> {
        bail!("there is nothing")
    }

    fn no_bucket(&self) -> Result<String> {
        bail!("there is nothing")
    }

    fn bucket_is_there(&self) -> Result<String> {
        bail!("there is nothing")
    }

    fn nothing_was_made(&self) -> Result<String> {
        bail!("there is nothing")
    }

    fn it_is_there(&self) -> Result<String> {
        bail!("there is nothing")
    }

    fn change_by_hand(&self) -> Result<(&'static str, String)> {
        bail!("there is nothing")
    }
}

fn lab() -> Lab {
    Lab {
        aws: Aws {
            endpoint: String::new(),
            tls_endpoint: String::new(),
            ca_bundle: PathBuf::new(),
            account_id: String::new(),
            region: String::new(),
            access_key_id: String::new(),
            secret_access_key: String::new(),
            state_bucket: String::new(),
        },
        terraform: Terraform {
            path: PathBuf::new(),
            version: String::new(),
            provider_mirror: PathBuf::new(),
            google_lock: PathBuf::new(),
            cli_config: PathBuf::new(),
        },
        project: PathBuf::new(),
        moto: Identity { pid: 0, start: String::new() },
        cluster: None,
        google: None,
    }
}

/// Runs one step; its error as text.
fn step(play: &mut Play, step: fn(&mut Play, &Ticker) -> Result<String>) -> Result<(), String> {
    Report::new().step("test", "step", |ticker| step(play, ticker)).map_err(|e| format!("{e:#}"))
}

const PLANNED: &str = r#"{"status":"planned","plan_id":"p1","operation_id":"o1",
    "summary":{"add":3,"change":0,"destroy":0,"replace":0}}"#;
const ASKED: &str =
    r#"{"status":"approval_required","approval":{"id":"a1","how":"datamcp approve a1"}}"#;

#[test]
fn a_plan_is_remembered_and_asked_for() {
    let mut play = play(&[PLANNED, ASKED]);
    step(&mut play, |play, on| play.plan("apply_terraform", on)).unwrap();
    step(&mut play, |play, on| play.ask("apply_terraform", on)).unwrap();
    assert_eq!((play.plan_id.as_str(), play.approval_id.as_str()), ("p1", "a1"));
}

#[test]
fn a_plan_that_ran_is_refused() {
    let mut play = play(&[r#"{"status":"succeeded","plan_id":"p1"}"#]);
    let error = step(&mut play, |play, on| play.plan("apply_terraform", on)).unwrap_err();
    assert!(error.contains("expected status planned, got"), "{error}");
}

#[test]
fn a_run_without_approval_is_refused() {
    let mut play = play(&[r#"{"status":"succeeded"}"#]);
    let error = step(&mut play, |play, on| play.ask("apply_terraform", on)).unwrap_err();
    assert!(error.contains("expected status approval_required"), "{error}");
}

#[test]
fn a_running_operation_is_waited_for() {
    let mut play = play(&[
        r#"{"status":"running","operation_id":"o1"}"#,
        r#"{"status":"running","operation_id":"o1"}"#,
        r#"{"status":"succeeded","operation_id":"o1","result":
            {"summary":{"add":3,"change":0,"destroy":0,"replace":0}}}"#,
    ]);
    step(&mut play, |play, on| play.carry_out("apply_terraform", on)).unwrap();
}

#[test]
fn a_failure_that_a_tool_reports_ends_the_demo() {
    let mut play = play(&[r#"{"error":{"code":"lock_held","message":"held by o7"}}"#]);
    let error = step(&mut play, |play, on| play.carry_out("apply_terraform", on)).unwrap_err();
    assert!(error.contains("lock_held") && error.contains("held by o7"), "{error}");
}

#[test]
fn changes_after_an_apply_are_refused() {
    let error = step(&mut play(&[PLANNED]), Play::nothing_to_do).unwrap_err();
    assert!(error.contains("a plan without changes"), "{error}");
}

#[test]
fn a_drift_in_something_else_is_refused() {
    let mut play =
        play(&[r#"{"status":"succeeded","summary":{"resources":[{"address":"aws_iam_role.x"}]}}"#]);
    let error = step(&mut play, Play::drift).unwrap_err();
    assert!(error.contains("what was changed by hand"), "{error}");
}
