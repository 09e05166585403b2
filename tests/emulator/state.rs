//! The state is watched: a lost one is no ground for a plan, somebody who writes beside us is found, and a lock that our
//! own child lost is taken away, no other.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Project, chain, chain_on, for_real, terraform_apply, until};

fn dev() -> Value {
    json!({ "cloud": "aws", "env": "dev" })
}

#[test]
fn security_20_a_state_object_that_is_deleted_is_found_restored_or_said_to_be_right() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 2, 0.0));
    let key = project.keep_state_in_s3();
    project.apply(&json!({})).expect("succeeded");
    let (emulator, bucket) = (project.lab.emulator(), project.lab.aws.state_bucket.clone());
    let kept = emulator.object(&bucket, &key).unwrap().expect("the state");
    emulator.delete_object(&bucket, &key).unwrap();
    let refused = project.call("apply_terraform", &dev()).refused("environment_blocked");
    assert!(refused.at("/error/message").contains("gone, 2 resources"), "{:#}", refused.value);
    assert!(refused.at("/error/next").contains("restores version "), "{:#}", refused.value);
    for tool in ["destroy_terraform", "detect_drift", "terraform_outputs"] {
        project.call(tool, &dev()).refused("environment_blocked");
    }
    emulator.put_object(&bucket, &key, &kept).unwrap();
    let planned = project.call("apply_terraform", &dev()).expect("planned");
    assert!(planned.value["warnings"].is_null(), "{:#}", planned.value);
    emulator.delete_object(&bucket, &key).unwrap();
    let refused = project.call("apply_terraform", &dev()).refused("environment_blocked");
    let id = refused.operation();
    let mut person = project.sits_down(&["reconcile", &id, "--state", "--note", "begun anew"]);
    let word = person.sees("type `([^`]+)` to reconcile").unwrap();
    person.types(&word).unwrap();
    let ending = person.leaves().unwrap();
    assert_eq!(ending.code, 0, "{}", ending.text);
    project.apply(&json!({ "turn": "2" })).expect("succeeded");
    project.log_is_whole();
}

#[test]
fn security_20_a_local_state_that_is_lost_or_older_is_refused() {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    project.apply(&json!({})).expect("succeeded");
    let first = std::fs::read(project.tfstate()).unwrap();
    project.apply(&json!({ "turn": "2" })).expect("succeeded");
    std::fs::write(project.tfstate(), &first).unwrap();
    let refused = project.call("apply_terraform", &dev()).refused("environment_blocked");
    assert!(refused.at("/error/message").contains("older"), "{:#}", refused.value);
    std::fs::remove_file(project.tfstate()).unwrap();
    let refused = project.call("detect_drift", &dev()).refused("environment_blocked");
    assert!(refused.at("/error/message").contains("gone"), "{:#}", refused.value);
    assert_eq!(project.effects().count(), 2);
}

/// Has a request for the lock of a project's state fail.
fn lock_fails(project: &Project, key: &str, status: u16, code: &str, when: &str) {
    let fault = json!({
        "method": "PUT", "bucket": project.lab.aws.state_bucket, "key": format!("{key}.tflock"),
        "status": status, "code": code, "when": when,
    });
    project.lab.emulator().control("s3_faults", &fault).unwrap();
}

#[test]
fn fault_27_bar_27_a_lock_of_our_own_that_was_stored_but_answered_500_is_taken_away() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 1, 0.0));
    let key = project.keep_state_in_s3();
    let own = "was our own";
    lock_fails(&project, &key, 500, "InternalError", "after");
    let planned = project.call("apply_terraform", &dev()).expect("planned");
    assert!(planned.at("/warnings").contains(own), "{:#}", planned.value);
    lock_fails(&project, &key, 500, "InternalError", "after");
    let request =
        json!({ "plan_id": planned.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let applied = project.call("apply_terraform", &request).expect("succeeded");
    assert!(applied.at("/warnings").contains(own), "{:#}", applied.value);
    lock_fails(&project, &key, 500, "InternalError", "after");
    let drift = project.call("detect_drift", &dev()).expect("succeeded");
    assert!(drift.at("/warnings").contains(own), "{:#}", drift.value);
    let lock = format!("{key}.tflock");
    let bucket = &project.lab.aws.state_bucket;
    assert_eq!(project.lab.emulator().object(bucket, &lock).unwrap(), None);
    assert_eq!(project.effects().of(&applied.operation()), ["s0"], "once");
    project.lock_is_free();
    project.log_is_whole();
}

#[test]
fn fault_28_a_conflict_on_the_lock_is_tried_again() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 1, 0.0));
    let key = project.keep_state_in_s3();
    lock_fails(&project, &key, 409, "ConditionalRequestConflict", "before");
    let planned = project.call("apply_terraform", &dev()).expect("planned");
    assert!(planned.at("/warnings").contains("once more"), "{:#}", planned.value);
    lock_fails(&project, &key, 409, "ConditionalRequestConflict", "before");
    let request =
        json!({ "plan_id": planned.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let applied = project.call("apply_terraform", &request).expect("succeeded");
    assert_eq!(project.effects().of(&applied.operation()), ["s0"], "once");
    project.lock_is_free();
}

/// Terraform by hand, as somebody would who does not know of datamcp.
fn by_hand(project: &Project, arguments: &[&str]) {
    let folder = project.folder().join("by-hand");
    let mut command = Command::new(&project.lab.terraform.path);
    let output = command
        .args(arguments)
        .current_dir(&folder)
        .env_clear()
        .envs(project.environment())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&text));
}

#[test]
fn fault_32_bar_28_somebody_who_takes_the_lock_away_and_applies_beside_us_is_found() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 2, 6.0));
    let key = project.keep_state_in_s3();
    let (emulator, aws) = (project.lab.emulator(), project.lab.aws.clone());
    std::fs::create_dir_all(project.folder().join("by-hand")).unwrap();
    let module = format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"{}\"\n    key = \"{key}\"\n    region = \"{}\"\n    use_lockfile = \
         true\n    use_path_style = true\n    skip_credentials_validation = true\n    skip_metadata_api_check = true\n    \
         skip_requesting_account_id = true\n    skip_region_validation = true\n    skip_s3_checksum = true\n    endpoints = \
         {{ s3 = \"{}\", sts = \"{}\", iam = \"{}\" }}\n  }}\n}}\nresource \"terraform_data\" \"foreign\" {{}}\n",
        aws.state_bucket, aws.region, aws.endpoint, aws.endpoint, aws.endpoint
    );
    std::fs::write(project.folder().join("by-hand/main.tf"), module).unwrap();
    by_hand(&project, &["init", "-input=false"]);

    let mut request = for_real(&json!({}));
    request["wait_s"] = json!(0);
    let id = project.call("apply_terraform", &request).expect("running").operation();
    until("the first resource", 60, || project.effects().count() == 1);
    let lock = emulator.object(&aws.state_bucket, &format!("{key}.tflock")).unwrap().unwrap();
    let lock: Value = serde_json::from_str(&lock).unwrap();
    by_hand(&project, &["force-unlock", "-force", lock["ID"].as_str().unwrap()]);
    by_hand(&project, &["apply", "-input=false", "-auto-approve"]);
    assert!(!terraform_apply(&project.state()).is_empty(), "ours still runs");

    let answer = project.operation(&id, 60).expect("partial");
    let error = |name: &str| answer.at(&format!("/result/error{name}"));
    assert_eq!(error("/code"), "environment_blocked", "{:#}", answer.value);
    assert_eq!(error("/details/incident/kind"), "lost_update");
    let version = |n: usize| error(&format!("/details/incident/versions/{n}/id"));
    assert!(!version(0).is_empty() && !version(1).is_empty() && version(0) != version(1));
    assert!(error("/message").contains(&version(1)), "{:#}", answer.value);
    assert!(error("/next").contains(&format!("datamcp reconcile {id}")));
    assert_eq!(project.locks()[0]["state"], "blocked");
    project.apply(&json!({})).refused("environment_blocked");
    project.reconciles(&id, "partial");
    project.call("apply_terraform", &dev()).expect("planned");
    project.lock_is_free();
    project.log_is_whole();
}

#[test]
fn fault_33_a_bucket_that_is_missing_elsewhere_or_closed_is_told_apart() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 1, 0.0));
    let name = project.folder().file_name().unwrap().to_string_lossy().to_lowercase();
    let bucket = format!("place-{}", name.replace('.', ""));
    let state = format!("{{ backend = \"s3\", bucket = \"{bucket}\", key = \"dev.tfstate\" }}");
    project.set(|s| s.state = state);
    let missing = project.call("apply_terraform", &dev()).refused("invalid_request");
    assert_eq!(missing.at("/error/field"), "state.bucket", "{:#}", missing.value);
    assert!(missing.at("/error/next").contains("bootstrap-state-backend"), "{:#}", missing.value);
    let emulator = project.lab.emulator();
    emulator.create_versioned_bucket(&bucket).unwrap();
    let fails = |method: &str, key: &str, status: u16, code: &str| {
        let fault = json!({
            "method": method, "bucket": bucket, "key": key, "status": status, "code": code,
            "when": "before",
        });
        emulator.control("s3_faults", &fault).unwrap();
        project.call("apply_terraform", &dev())
    };
    let elsewhere = fails("GET", "", 301, "PermanentRedirect").refused("invalid_request");
    assert_eq!(elsewhere.at("/error/field"), "state.region", "{:#}", elsewhere.value);
    // Terraform goes on when it may not list workspaces; it does not when it may not read the state.
    let closed = fails("HEAD", "dev.tfstate", 403, "AccessDenied").refused("upstream_denied");
    assert!(closed.at("/error/message").contains("bucket of the state"), "{:#}", closed.value);
    project.call("apply_terraform", &dev()).expect("planned");
    project.lock_is_free();
}
