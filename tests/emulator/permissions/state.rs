//! A state in S3, used by terraform: written, read, watched, locked by a table too, encrypted by a key.

use serde_json::{Value, json};
use xtask::lab::Emulator;

use super::{Documented, KEY, KMS_KEY, Rig, denied};
use crate::harness::{Answered, Project, for_real, module_of, step};

/// It has versions, and cannot be deleted for the next test.
const BUCKET: &str = "state-of-terraform";
/// Workspaces are what a bucket is listed for.
const WORKSPACE: &str = "two";
/// The lock table that terraform uses.
const TABLE: &str = "locks-of-terraform";

fn state(more: &str) -> String {
    format!(
        "{{ backend = \"s3\", bucket = \"{BUCKET}\", key = \"{KEY}\"{more} }}\nworkspace = \"{WORKSPACE}\""
    )
}

/// The rig with a bucket, and without a state in it.
fn rig() -> std::sync::MutexGuard<'static, Rig> {
    let rig = Rig::lend();
    let emulator = rig.emulator();
    if emulator.inventory().unwrap().buckets.contains(BUCKET) {
        emulator.delete_bucket_with_versions(BUCKET).unwrap();
    }
    emulator.create_versioned_bucket(BUCKET).unwrap();
    rig
}

fn of_page(part: &str, without: Option<&str>) -> Vec<Value> {
    let text = Value::from(Documented::read(part).statements_for(BUCKET, without)).to_string();
    serde_json::from_str(&text.replace(super::TABLE, TABLE)).unwrap()
}

fn apply(project: &Project, turn: &str) -> Answered {
    project.call("apply_terraform", &for_real(&json!({ "turn": turn })))
}

fn module(project: &Project) {
    project.module(&module_of("s3", &step("a", None, &project.effects().command("a"))));
}

fn ask(project: &Project, tool: &str) -> Answered {
    project.call(tool, &json!({ "cloud": "aws", "env": "dev", "wait_s": 120 }))
}

fn read(project: &Project) -> Answered {
    project.call("terraform_outputs", &json!({ "cloud": "aws", "env": "dev" }))
}

/// Refused, with the action, and with no word of taking a lock away by force.
#[track_caller]
fn refused(answer: &Answered, action: &str) {
    let next = answer.at("/error/next");
    assert_eq!(answer.at("/error/code"), "upstream_denied", "{action}: {:#}", answer.value);
    assert!(next.contains(action), "{action}: {:#}", answer.value);
    assert!(!answer.value.to_string().contains("force-unlock"), "{:#}", answer.value);
}

/// Takes away what an operation left that was not allowed to give its lock back.
fn unlock(emulator: &Emulator) {
    emulator.delete_object(BUCKET, &format!("env:/{WORKSPACE}/{KEY}.tflock")).unwrap();
    let path = format!("{BUCKET}/env:/{WORKSPACE}/{KEY}");
    let lock = json!({ "TableName": TABLE, "Key": { "LockID": { "S": path } } });
    // Without a table there is nothing to take away.
    let _ = emulator.dynamodb("DeleteItem", &lock);
}

#[test]
fn the_policy_of_a_state_in_s3_is_enough_and_no_action_is_too_much() {
    let mut rig = rig();
    let documented = Documented::read("apply_terraform");
    let policy = |without| documented.statements_for(BUCKET, without);
    let project = rig.user(&policy(None), &state(""));
    module(&project);
    apply(&project, "1").expect("succeeded");
    apply(&project, "2").expect("succeeded");
    assert_eq!(read(&project).code, Some(0));
    ask(&project, "detect_drift").expect("succeeded");
    ask(&project, "destroy_terraform").expect("planned");
    for (turn, action) in documented.actions.iter().enumerate() {
        // A project that has initialised its backend lists no workspaces any more.
        let fresh = rig.user(&policy(Some(action)), &state(""));
        module(&fresh);
        refused(&apply(&fresh, &format!("without {turn}")), action);
        rig.as_admin(unlock);
        let outputs = read(&fresh);
        if turn < 2 {
            refused(&outputs, action);
        } else {
            assert_eq!(outputs.code, Some(0), "{action}: {:#}", outputs.value);
        }
        for tool in ["detect_drift", "destroy_terraform"] {
            refused(&ask(&fresh, tool), action);
            rig.as_admin(unlock);
        }
    }
    // What was applied is destroyed under the same policy, for real.
    let mut real = json!({ "cloud": "aws", "env": "dev", "wait_s": 120, "dry_run": false });
    real["auto_approve"] = json!(true);
    let destroyed = project.call("destroy_terraform", &real).expect("succeeded");
    assert_eq!(destroyed.at("/summary/destroy"), "1", "{:#}", destroyed.value);
}

#[test]
fn what_others_wrote_is_seen_by_its_policy_and_missed_with_a_warning() {
    let mut rig = rig();
    let base = of_page("apply_terraform", None);
    let part = "apply_terraform, and what others wrote";
    let project = rig.user(&[base.clone(), of_page(part, None)].concat(), &state(""));
    module(&project);
    apply(&project, "0").expect("succeeded");
    let whole = apply(&project, "1").expect("succeeded");
    assert!(!whole.at("/warnings").contains("looked at"), "{:#}", whole.value);
    for (turn, action) in Documented::read(part).actions.iter().enumerate() {
        rig.may_now(&[base.clone(), of_page(part, Some(action))].concat());
        let blind = apply(&project, &format!("without {turn}")).expect("succeeded");
        let told = blind.at("/warnings");
        assert!(told.contains("could not be looked at"), "{action}: {:#}", blind.value);
        assert!(told.contains(&format!("({action} is missing)")), "{told}");
    }
}

#[test]
fn the_policy_of_a_lock_table_in_use_is_enough_and_no_action_is_too_much() {
    let mut rig = rig();
    let table = json!({
        "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "LockID", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "LockID", "AttributeType": "S" }],
    });
    rig.emulator().dynamodb("CreateTable", &table).unwrap();
    let base = of_page("apply_terraform", None);
    let part = "apply_terraform with a lock table";
    let state = state(&format!(", lock_table = \"{TABLE}\""));
    let project = rig.user(&[base.clone(), of_page(part, None)].concat(), &state);
    module(&project);
    rig.asked();
    apply(&project, "1").expect("succeeded");
    let asked = rig.asked();
    for action in &Documented::read(part).actions {
        assert!(asked.contains(action), "{asked:?}");
        rig.may_now(&[base.clone(), of_page(part, Some(action))].concat());
        let answer = apply(&project, &format!("without {action}"));
        refused(&answer, action);
        denied(&answer, action);
        rig.as_admin(unlock);
        refused(&ask(&project, "detect_drift"), action);
        rig.as_admin(unlock);
    }
    rig.may_now(&[base, of_page(part, None)].concat());
    apply(&project, "2").expect("succeeded");
}

#[test]
fn the_policy_of_a_key_is_enough_and_no_action_is_too_much() {
    let mut rig = rig();
    let base = of_page("apply_terraform", None);
    let part = "apply_terraform with a KMS key";
    let state = state(&format!(", kms_key = \"{KMS_KEY}\""));
    let project = rig.user(&[base.clone(), of_page(part, None)].concat(), &state);
    module(&project);
    apply(&project, "1").expect("succeeded");
    for action in &Documented::read(part).actions {
        rig.may_now(&[base.clone(), of_page(part, Some(action))].concat());
        let answer = apply(&project, &format!("without {action}"));
        refused(&answer, action);
        rig.as_admin(unlock);
    }
    refused(&read(&project), "kms:Decrypt");
    let decrypt = of_page(part, Some("kms:GenerateDataKey"));
    rig.may_now(&[base, decrypt].concat());
    assert_eq!(read(&project).code, Some(0));
}
