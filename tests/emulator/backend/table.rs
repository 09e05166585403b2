//! The lock table beside the lock file, and a key of KMS: only when settings ask for them.

use serde_json::{Value, json};

use super::{KMS_KEY, bootstrap, project, project_with, state};
use crate::harness::{Project, module_of, step};

fn table(project: &Project, name: &str) -> Value {
    project
        .lab
        .emulator()
        .dynamodb("DescribeTable", &json!({ "TableName": name }))
        .unwrap()["Table"]
        .clone()
}

#[test]
fn a_table_that_is_wanted_later_is_made_found_and_repaired() {
    let (mut project, bucket) = project();
    bootstrap(&project, false).expect("succeeded");
    project.set(|s| s.state = state(&bucket, &format!(", lock_table = \"{bucket}\"")));
    let plan = bootstrap(&project, true).expect("planned");
    assert_eq!(plan.at("/summary/add"), "2", "{:#}", plan.value);
    let made = bootstrap(&project, false).expect("succeeded");
    assert_eq!(made.at("/details/settings/lock_table"), "made");
    assert_eq!(made.at("/details/settings/bucket"), "found");
    assert_eq!(made.at("/details/backend_values/dynamodb_table"), bucket);
    let there = table(&project, &bucket);
    assert_eq!(there["KeySchema"], json!([{ "AttributeName": "LockID", "KeyType": "HASH" }]));
    assert_eq!(there["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(there["DeletionProtectionEnabled"], true);
    let off = json!({ "TableName": bucket, "DeletionProtectionEnabled": false });
    project.lab.emulator().dynamodb("UpdateTable", &off).unwrap();
    let repaired = bootstrap(&project, false).expect("succeeded");
    assert_eq!(repaired.at("/details/settings/lock_table_protection"), "made");
    assert_eq!(repaired.at("/details/settings/lock_table"), "found");
    assert_eq!(bootstrap(&project, true).expect("planned").at("/summary/text"), "no changes");
}

#[test]
fn a_table_of_another_shape_is_refused() {
    let (mut project, bucket) = project();
    let foreign = json!({
        "TableName": bucket, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "customer", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "customer", "AttributeType": "S" }],
    });
    project.lab.emulator().dynamodb("CreateTable", &foreign).unwrap();
    project.set(|s| s.state = state(&bucket, &format!(", lock_table = \"{bucket}\"")));
    let refused = bootstrap(&project, false).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "state.lock_table");
    assert!(refused.at("/error/message").contains("its key is customer"));
    assert!(!super::exists(&project, &bucket), "nothing was made beside it");
}

#[test]
fn bad_input_53_terraform_takes_both_locks_and_encrypts_by_the_key() {
    let (mut project, bucket) = project_with("");
    let more = format!(", lock_table = \"{bucket}\", kms_key = \"{KMS_KEY}\"");
    project.set(|s| s.state = state(&bucket, &more));
    bootstrap(&project, false).expect("succeeded");
    let emulator = project.lab.emulator();
    assert_eq!(emulator.bucket_encryption(&bucket).unwrap().as_deref(), Some("aws:kms"));
    assert_eq!(table(&project, &bucket)["SSEDescription"]["KMSMasterKeyArn"], KMS_KEY);

    project.module(&module_of("s3", &step("a", None, &project.effects().command("a"))));
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    let key = "dev/terraform.tfstate";
    assert_eq!(emulator.key_of_object(&bucket, key).unwrap().as_deref(), Some(KMS_KEY));
    let digest =
        json!({ "TableName": bucket, "Key": { "LockID": { "S": format!("{bucket}/{key}-md5") } } });
    let kept = emulator.dynamodb("GetItem", &digest).unwrap();
    assert!(kept["Item"]["Digest"]["S"].is_string(), "the table was used: {kept}");

    let info = json!({
        "ID": "3b5d9a2e-0000-4000-8000-000000000001", "Operation": "OperationTypeApply", "Who": "mira@desk",
        "Version": "1.9.8", "Created": "2026-11-22T10:00:00Z", "Path": format!("{bucket}/{key}"), "Info": "",
    })
    .to_string();
    let lock = json!({ "LockID": { "S": format!("{bucket}/{key}") }, "Info": { "S": info } });
    emulator.dynamodb("PutItem", &json!({ "TableName": bucket, "Item": lock })).unwrap();
    held(&project, "the table");
    let free = json!({ "TableName": bucket, "Key": { "LockID": lock["LockID"] } });
    emulator.dynamodb("DeleteItem", &free).unwrap();
    emulator.put_object(&bucket, &format!("{key}.tflock"), &info).unwrap();
    held(&project, "the lock file");
    emulator.delete_object(&bucket, &format!("{key}.tflock")).unwrap();
    project.apply(&json!({ "turn": "2" })).expect("succeeded");
}

#[track_caller]
fn held(project: &Project, by: &str) {
    let refused = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    let refused = refused.refused("lock_held");
    assert_eq!(refused.at("/error/details/state_lock/who"), "mira@desk", "{by}");
}
