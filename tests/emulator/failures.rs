//! Terraform fails: in part, by a signal, before a held state lock, without a place for its state.

use std::{fs, thread};

use serde_json::{Value, json};

use crate::harness::{
    Answered, Project, chain, chain_on, children_of_state, for_real, kill, running,
    terraform_apply, three, until,
};

/// The environment is blocked by this operation, and a person frees it.
fn reconciled(project: &Project, id: &str, status: &str) {
    let refused = project.apply(&json!({})).refused("environment_blocked");
    assert_eq!(refused.at("/error/details/operation"), id);
    assert!(refused.at("/error/next").contains(&format!("datamcp reconcile {id}")));
    // What the killed terraform had started keeps the environment until it ends.
    until("the end of its children", 10, || children_of_state(project.folder(), "-c").is_empty());
    project.reconciles(id, status);
    project.lock_is_free();
}

#[test]
fn fault_9_a_killed_terraform_is_an_unknown_end_and_blocks() {
    let project = Project::with(|effects| chain(effects, 2, 1.0));
    let id = running(&project);
    until("the first resource", 20, || project.effects().count() == 1);
    kill(&terraform_apply(&project.state())[0]);
    let answer = project.operation(&id, 20).expect("unknown");
    let error = |name: &str| answer.at(&format!("/result/error{name}"));
    assert!(error("/message").contains("signal 9"), "{:#}", answer.value);
    assert_eq!(error("/details/signal"), "9");
    let lock = error("/details/state_lock");
    assert_eq!(lock.len(), 36, "the orphaned lock is named: {:#}", answer.value);
    assert_eq!(error("/details/unlock"), format!("terraform force-unlock {lock}"));
    assert!(!project.run(&id).join("scratch").exists());
    assert!(project.run(&id).join("evidence/apply.jsonl.age").exists());
    reconciled(&project, &id, "failed");
    project.apply(&json!({})).expect("succeeded");
    project.log_is_whole();
}

#[test]
fn fault_9_a_lock_in_s3_that_a_killed_terraform_left_is_named() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 2, 1.0));
    let key = project.keep_state_in_s3();
    let id = running(&project);
    until("the first resource", 20, || project.effects().count() == 1);
    kill(&terraform_apply(&project.state())[0]);
    let answer = project.operation(&id, 20).expect("unknown");
    let (emulator, bucket) = (project.lab.emulator(), &project.lab.aws.state_bucket);
    let lock = format!("{key}.tflock");
    let text = emulator.object(bucket, &lock).unwrap().expect("terraform left its lock");
    let held: Value = serde_json::from_str(&text).unwrap();
    let detail = |name: &str| answer.at(&format!("/result/error/details/{name}"));
    assert_eq!(detail("state_lock"), held["ID"], "{:#}", answer.value);
    assert_eq!(detail("state_lock_who"), held["Who"]);
    assert_eq!(detail("state_lock_created"), held["Created"]);
    assert_eq!(detail("unlock"), format!("terraform force-unlock {}", detail("state_lock")));
    reconciled(&project, &id, "failed");
    let refused = project.apply(&json!({})).refused("lock_held");
    assert_eq!(refused.at("/error/details/state_lock/id"), held["ID"], "{:#}", answer.value);
    emulator.delete_object(bucket, &lock).unwrap();
    project.apply(&json!({})).expect("succeeded");
}

#[test]
fn fault_29_a_state_lock_of_somebody_elsewhere_is_named_and_let_alone() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 1, 0.0));
    let key = project.keep_state_in_s3();
    let plan = project.plan(&json!({})).at("/plan_id");
    let id = "1e0ab4a6-6d8e-4a46-a5f3-1d1b2c3d4e5f";
    let lock = json!({
        "ID": id, "Operation": "OperationTypeApply", "Info": "", "Who": "bob@elsewhere",
        "Version": "1.11.4", "Created": "2026-01-31T09:00:00Z", "Path": key,
    });
    let (emulator, bucket) = (project.lab.emulator(), project.lab.aws.state_bucket.clone());
    let object = format!("{key}.tflock");
    emulator.put_object(&bucket, &object, &lock.to_string()).unwrap();
    let names_it = |answer: Answered| {
        let details = |name: &str| answer.at(&format!("/error/details/state_lock/{name}"));
        assert_eq!(details("id"), id, "{:#}", answer.value);
        assert_eq!(details("who"), "bob@elsewhere");
        assert_eq!(details("operation"), "OperationTypeApply");
        assert!(details("created").starts_with("2026-01-31"), "{}", details("created"));
        assert!(!answer.value.to_string().contains("force-unlock"), "nobody is coached around it");
    };
    let request = json!({ "cloud": "aws", "env": "dev" });
    let real = json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    names_it(project.call("apply_terraform", &request).refused("lock_held"));
    names_it(project.call("apply_terraform", &real).refused("lock_held"));
    assert_eq!(project.effects().count(), 0);
    assert_eq!(emulator.object(&bucket, &object).unwrap().unwrap(), lock.to_string());
    project.lock_is_free();
    emulator.delete_object(&bucket, &object).unwrap();
    project.apply(&json!({})).expect("succeeded");
}

#[test]
fn fault_30_a_state_that_cannot_be_saved_is_kept_sealed_and_blocks() {
    let mut project = Project::with(|effects| chain_on("s3", effects, 2, 1.5));
    let emulator = project.lab.emulator();
    let name = project.folder().file_name().unwrap().to_string_lossy().to_lowercase();
    let bucket = format!("gone-{name}");
    emulator.create_versioned_bucket(&bucket).unwrap();
    let state = format!("{{ backend = \"s3\", bucket = \"{bucket}\", key = \"dev.tfstate\" }}");
    project.set(|s| s.state = state);
    let id = running(&project);
    until("the first resource", 20, || project.effects().count() == 1);
    emulator.delete_bucket_with_versions(&bucket).unwrap();

    let answer = project.operation(&id, 30).expect("failed");
    let error = |name: &str| answer.at(&format!("/result/error{name}"));
    assert_eq!(error("/details/state_not_saved"), "true", "{:#}", answer.value);
    assert!(error("/next").contains("terraform state push"), "{:#}", answer.value);
    assert!(error("/details/done").contains("terraform_data.s1"), "what was made is told");
    assert!(project.run(&id).join("evidence/errored.tfstate.age").exists());
    assert!(!project.run(&id).join("scratch").exists());
    let left = walkdir::WalkDir::new(project.folder()).into_iter().flatten();
    let left: Vec<_> = left.filter(|e| e.file_name() == "errored.tfstate").collect();
    assert!(left.is_empty(), "{left:?}");
    emulator.create_versioned_bucket(&bucket).unwrap();
    reconciled(&project, &id, "partial");
    project.apply(&json!({})).expect("succeeded");
    project.log_is_whole();
}

#[test]
fn fault_42_a_partial_apply_is_listed_and_its_plan_is_burnt() {
    let project = Project::with(|effects| three(effects, "exit 3"));
    let plan = project.plan(&json!({})).at("/plan_id");
    let real = json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    let answer = project.call("apply_terraform", &real).refused("partial_apply");
    let answer = answer.expect("partial");
    let list = |name: &str| answer.at(&format!("/error/details/{name}"));
    assert_eq!(list("done"), "[\"terraform_data.a\"]");
    assert_eq!(list("failed"), "[\"terraform_data.b\"]");
    assert_eq!(list("not_started"), "[\"terraform_data.c\"]");
    assert!(answer.at("/next").contains("new plan"), "{:#}", answer.value);
    project.lock_is_free();
    let again = project.call("apply_terraform", &real);
    assert_eq!(again.at("/error/code"), "approval_used", "{:#}", again.value);
    assert_eq!(project.effects().of(&answer.operation()), ["a", "b"]);

    project.module(&three(&project.effects(), "true"));
    let rest = project.apply(&json!({})).expect("succeeded");
    assert_eq!(project.effects().of(&rest.operation()), ["b", "c"], "only what was left to do");
    project.log_is_whole();
}

#[test]
fn promise_4_two_environments_do_not_wait_for_each_other() {
    let mut project = Project::with(|effects| chain(effects, 1, 1.0));
    let other = project.folder().join("infra/aws/envs/other");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::copy(project.main(), other.join("main.tf")).unwrap();
    let account = project.lab.aws.account_id.clone();
    project.set(|s| {
        s.more = format!(
            "[environments.aws.other]\ntier = \"dev\"\naccount_id = \"{account}\"\nregion = \
             \"eu-west-1\"\nstate = {{ backend = \"local\", path = \"other/terraform.tfstate\" }}\n"
        );
    });
    let mut request = for_real(&json!({}));
    request["env"] = json!("other");
    thread::scope(|scope| {
        let first = scope.spawn(|| project.apply(&json!({})));
        let second = scope.spawn(|| project.call("apply_terraform", &request));
        first.join().unwrap().expect("succeeded");
        second.join().unwrap().expect("succeeded");
    });
    assert_eq!(project.effects().by_operation().len(), 2);
}

/// Found by terraform's own init: nothing was planned, and nobody holds the environment.
#[track_caller]
fn not_even_planned(project: &Project, says: &str) -> Answered {
    let answer = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    let answer = answer.refused("tool_missing");
    assert!(answer.value.to_string().contains(says), "{:#}", answer.value);
    assert_eq!(project.effects().count(), 0);
    project.lock_is_free();
    answer
}

#[test]
fn bad_input_51_a_required_version_that_is_not_met_is_named() {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    let main = fs::read_to_string(project.main()).unwrap();
    project.module(&format!("{main}\nterraform {{\n  required_version = \">= 99.0\"\n}}\n"));
    let answer = not_even_planned(&project, "Unsupported Terraform Core version at main.tf");
    assert!(answer.at("/error/next").contains("required_version"), "{:#}", answer.value);
}

#[test]
fn bad_input_56_a_lock_file_that_was_changed_is_refused() {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    let main = fs::read_to_string(project.main()).unwrap();
    let role = "data \"aws_caller_identity\" \"me\" {}\n";
    let aws =
        "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n";
    project.module(&format!("{main}\n{aws}{role}"));
    let lock = project.lab.project.join("infra/aws/envs/dev/.terraform.lock.hcl");
    let lock = fs::read_to_string(lock).unwrap();
    let forged: Vec<String> = lock
        .lines()
        .filter(|line| !line.contains("\"zh:") && !line.contains("\"h1:"))
        .map(|line| {
            if line.contains("hashes = [") {
                format!("{line}\n    \"h1:{}=\",", "A".repeat(43))
            } else {
                line.to_owned()
            }
        })
        .collect();
    fs::write(project.main().with_file_name(".terraform.lock.hcl"), forged.join("\n") + "\n")
        .unwrap();
    let answer = not_even_planned(&project, "checksums previously recorded");
    assert!(answer.at("/error/next").contains("find out what changed"), "{:#}", answer.value);
}
