//! Row M8: the bucket of the state, made, found, repaired, taken up again; then terraform uses it.

mod account;
mod answers;
mod calls;
mod cloud;
mod gcs;
mod moved;
mod table;
mod tls;

pub(crate) use gcs::request;
use serde_json::{Value, json};

use crate::harness::{Answered, Project, feed, module_of, step};

/// A key of nobody: the emulator does not look for it.
const KMS_KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-96ef-1234567890ab";

/// A project whose state belongs into a bucket that is not there yet.
fn project() -> (Project, String) {
    project_with("")
}

/// The same with more keys of the state setting.
fn project_with(more: &str) -> (Project, String) {
    let mut project = Project::new();
    let bucket = format!("state-{}", unique(&project));
    let state = state(&bucket, more);
    project.set(|s| s.state.clone_from(&state));
    (project, bucket)
}

fn state(bucket: &str, more: &str) -> String {
    format!("{{ backend = \"s3\", bucket = \"{bucket}\", key = \"dev/terraform.tfstate\"{more} }}")
}

/// A name that no other test has.
fn unique(project: &Project) -> String {
    let name = project.folder().file_name().unwrap().to_string_lossy().to_lowercase();
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "")
}

fn bootstrap(project: &Project, dry_run: bool) -> Answered {
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": dry_run, "auto_approve": true });
    project.call("bootstrap_state_backend", &request)
}

fn exists(project: &Project, bucket: &str) -> bool {
    project.lab.emulator().inventory().unwrap().buckets.contains(bucket)
}

#[test]
fn row_m8_the_bucket_is_made_found_repaired_and_used() {
    let (project, bucket) = project();
    let plan = bootstrap(&project, true).expect("planned");
    assert_eq!(plan.at("/summary/add"), "6", "{:#}", plan.value);
    assert!(!exists(&project, &bucket), "promise 1: a dry run makes nothing");

    bootstrap(&project, false).expect("succeeded");
    assert!(exists(&project, &bucket));
    let emulator = project.lab.emulator();
    assert_eq!(emulator.bucket_encryption(&bucket).unwrap().as_deref(), Some("AES256"));
    let again = bootstrap(&project, false).expect("succeeded");
    assert_eq!(again.at("/summary/text"), "no changes", "fault 33: repeating changes nothing");

    emulator.suspend_versioning(&bucket).unwrap();
    let found = bootstrap(&project, true).expect("planned");
    assert_eq!(found.at("/summary/resources/0/address"), format!("s3://{bucket}#versioning"));
    let repaired = bootstrap(&project, false).expect("succeeded");
    assert_eq!(repaired.at("/details/settings/versioning"), "made");
    assert_eq!(repaired.at("/details/settings/encryption"), "found");

    project.module(&module_of("s3", &step("a", None, &project.effects().command("a"))));
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    let state = emulator.object(&bucket, "dev/terraform.tfstate").unwrap().unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["resources"].as_array().map(Vec::len), Some(1));
    project.log_is_whole();
    project.lock_is_free();
}

#[test]
fn fault_34_whatever_call_it_dies_at_the_next_run_completes_it() {
    for setting in [
        "bucket",
        "ownership",
        "public_access_block",
        "encryption",
        "versioning",
        "lifecycle",
        "lock_table",
        "lock_table_protection",
        "lock_table_encryption",
    ] {
        let (mut project, bucket) = project();
        let more = format!(", lock_table = \"{bucket}\", kms_key = \"{KMS_KEY}\"");
        project.set(|s| s.state = state(&bucket, &more));
        let request = json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true, "wait_s": 20 });
        let mut command =
            project.command(&["--json", "call", "bootstrap_state_backend", "--request", "-"]);
        command.env("DATAMCP_FAULT", format!("after_call_{setting}"));
        let died = feed(&mut command, &request.to_string());
        assert_eq!(died.status(), "partial", "{setting}: {:#}", died.value);
        project.lock_is_free();
        bootstrap(&project, false).expect("succeeded");
        assert!(exists(&project, &bucket), "{setting}");
        let whole = bootstrap(&project, true).expect("planned");
        assert_eq!(whole.at("/summary/text"), "no changes", "{setting}");
        project.log_is_whole();
    }
}

#[test]
fn promise_2_a_bucket_that_changed_since_the_plan_is_another_change() {
    let (project, bucket) = project();
    let plan = bootstrap(&project, true).expect("planned");
    project.lab.emulator().create_versioned_bucket(&bucket).unwrap();
    let request = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let refused = project.call("bootstrap_state_backend", &request).refused("approval_mismatch");
    assert_eq!(refused.value["error"]["details"]["changed"], json!(["plan content"]));
}

#[test]
fn local_state_needs_no_bootstrap() {
    let project = Project::new();
    bootstrap(&project, true).refused("invalid_request");
}
