//! Fault 33: each answer of S3 that is not a plain yes has one of ours, with what to do next. Bad inputs 66 and 67.

use serde_json::json;

use super::{bootstrap, exists, project};
use crate::harness::Project;

fn plant(project: &Project, request: &serde_json::Value) {
    project.lab.emulator().control("s3_buckets", request).unwrap();
}

#[test]
fn bad_input_67_a_bucket_of_another_account_is_refused_and_not_touched() {
    let (project, bucket) = project();
    plant(&project, &json!({ "bucket": bucket, "owner": "210987654321" }));
    for dry_run in [true, false] {
        let refused = bootstrap(&project, dry_run).refused("upstream_denied");
        let message = refused.at("/error/message");
        let ours = format!("another account than {}", project.lab.aws.account_id);
        assert!(message.contains(&ours), "{message}");
        assert!(refused.at("/error/next").contains("choose a bucket name of your own"));
    }
    assert!(!exists(&project, &bucket));
    project.lock_is_free();
}

#[test]
fn bad_input_67_a_bucket_that_changed_hands_is_not_touched_either() {
    let (project, bucket) = project();
    bootstrap(&project, false).expect("succeeded");
    let emulator = project.lab.emulator();
    emulator.suspend_versioning(&bucket).unwrap();
    plant(&project, &json!({ "bucket": bucket, "owner": "210987654321" }));
    bootstrap(&project, false).refused("upstream_denied");
    plant(&project, &json!({ "bucket": bucket }));
    let found = bootstrap(&project, true).expect("planned");
    assert_eq!(found.at("/summary/change"), "1", "{:#}", found.value);
}

#[test]
fn fault_34_a_foreign_bucket_that_appears_after_the_look_is_refused_by_the_creation() {
    let (project, bucket) = project();
    let plan = bootstrap(&project, true).expect("planned");
    plant(&project, &json!({ "bucket": bucket, "owner": "210987654321" }));
    let request = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    project.call("bootstrap_state_backend", &request).refused("upstream_denied");
    project.lock_is_free();
}

#[test]
fn fault_33_a_bucket_in_another_region_is_named_with_its_region() {
    let (project, bucket) = project();
    plant(&project, &json!({ "bucket": bucket, "region": "us-east-2" }));
    let refused = bootstrap(&project, true).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "state.region");
    assert_eq!(refused.at("/error/given"), "eu-west-1");
    assert_eq!(refused.at("/error/allowed"), "us-east-2");
    assert_eq!(refused.at("/error/next"), "set state.region to the bucket's region");
}

#[test]
fn bad_input_66_names_that_are_no_buckets_are_refused_before_any_call() {
    let (mut project, _) = project();
    for name in ["My_Bucket", "ab", "xn--bucket", "with.dots"] {
        project.set(|s| s.state = super::state(name, ""));
        let refused = bootstrap(&project, true);
        assert!(
            refused.err.contains("state.bucket") || refused.out.contains("state.bucket"),
            "{refused:?}"
        );
        assert_ne!(refused.code, Some(0));
    }
}

#[test]
fn fault_33_settings_that_somebody_changed_are_found_repaired_and_said() {
    let (project, bucket) = project();
    bootstrap(&project, false).expect("succeeded");
    let emulator = project.lab.emulator();
    let half = "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                <BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
    emulator.suspend_versioning(&bucket).unwrap();
    emulator.bucket_setting(&bucket, "publicAccessBlock", Some(half)).unwrap();
    emulator.bucket_setting(&bucket, "encryption", None).unwrap();
    emulator.bucket_setting(&bucket, "lifecycle", None).unwrap();
    let found = bootstrap(&project, true).expect("planned");
    let text = found.at("/plan_stdout");
    for line in [
        "versioning             set otherwise -> enabled",
        "public_access_block    set otherwise -> all four blocks on",
        "encryption             not set -> on by default",
        "lifecycle              not set -> old versions expire",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let repaired = bootstrap(&project, false).expect("succeeded");
    for (setting, how) in [
        ("bucket", "found"),
        ("ownership", "found"),
        ("versioning", "made"),
        ("public_access_block", "made"),
        ("encryption", "made"),
        ("lifecycle", "made"),
    ] {
        assert_eq!(repaired.at(&format!("/details/settings/{setting}")), how, "{setting}");
    }
    let whole = bootstrap(&project, true).expect("planned");
    assert_eq!(whole.at("/summary/text"), "no changes");
}
