//! The whole path: dry run, approval by a person, exactly that plan, outputs, an empty second plan, destroy.

use serde_json::{Value, json};
use xtask::mcp::Client;

use crate::harness::{Answered, Project, for_real, module_of, step, structured};

/// Two steps, outputs plain and sensitive.
fn module(backend: &str, project: &Project) -> String {
    let effects = project.effects();
    let steps = [
        step("a", None, &effects.command("a")),
        step("b", Some("a"), &effects.command("b")),
        "output \"plain\" {\n  value = \"seen ${var.turn}\"\n}\n".to_owned(),
        "output \"hidden\" {\n  value     = \"unseen-${var.turn}\"\n  sensitive = true\n}\n"
            .to_owned(),
    ];
    module_of(backend, &steps.concat())
}

fn mcp(client: &mut Client) -> impl FnMut(&str, Value) -> Answered {
    |tool, request| structured(client.call(tool, &request, &mut |_| {}).unwrap())
}

/// The path; `call` is the way to the tools.
fn walk(project: &Project, mut call: impl FnMut(&str, Value) -> Answered) {
    let effects = project.effects();
    let target = json!({ "cloud": "aws", "env": "dev" });
    let vars = json!({ "cloud": "aws", "env": "dev", "vars": { "turn": "7" } });

    let plan = call("apply_terraform", vars).expect("planned");
    assert_eq!(plan.at("/summary/add"), "2");
    assert_eq!(effects.count(), 0, "a dry run changes nothing");
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false });
    let asked = call("apply_terraform", real.clone()).expect("approval_required");
    assert!(asked.at("/approval/how").contains("approve"), "{:#}", asked.value);
    let mut own = real.clone();
    own["auto_approve"] = json!(true);
    call("apply_terraform", own).expect("approval_required");
    assert_eq!(effects.count(), 0, "nothing runs without a person");

    assert_eq!(project.approves(&asked.at("/approval/id")), "yes");
    let done = call("apply_terraform", real).expect("succeeded");
    assert_eq!(done.at("/plan_id"), plan.at("/plan_id"));
    assert_eq!(effects.of(&done.operation()), ["a", "b"]);

    let outputs = call("terraform_outputs", target.clone());
    assert_eq!(outputs.at("/outputs/plain/value"), "seen 7");
    assert_eq!(outputs.at("/outputs/hidden/sensitive"), "true");
    assert!(!outputs.value.to_string().contains("unseen"), "{:#}", outputs.value);

    let vars = json!({ "cloud": "aws", "env": "dev", "vars": { "turn": "7" } });
    let again = call("apply_terraform", vars).expect("planned");
    assert_eq!(again.at("/summary/text"), "no changes");

    let plan = call("destroy_terraform", target).expect("planned");
    assert_eq!(plan.at("/summary/destroy"), "2");
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false });
    let asked = call("destroy_terraform", real.clone()).expect("approval_required");
    assert_eq!(project.approves(&asked.at("/approval/id")), "dev", "destroy: the name is typed");
    call("destroy_terraform", real).expect("succeeded");
    assert_eq!(effects.count(), 2);
    let outputs = call("terraform_outputs", json!({ "cloud": "aws", "env": "dev" }));
    assert_eq!(outputs.value["outputs"], json!({}));
    project.log_is_whole();
    project.lock_is_free();
}

#[test]
fn promises_1_2_3_the_whole_path_by_mcp_with_local_state() {
    let mut project = Project::new();
    project.set(crate::harness::Settings::asks_a_person);
    project.module(&module("local", &project));
    let mut client = project.serve();
    walk(&project, mcp(&mut client));
    assert!(client.stop().unwrap().unwrap().success());
}

#[test]
fn promises_1_2_3_the_whole_path_by_command_line_with_state_in_s3() {
    let mut project = Project::new();
    project.set(crate::harness::Settings::asks_a_person);
    let key = project.keep_state_in_s3();
    project.module(&module("s3", &project));
    walk(&project, |tool, request| project.call(tool, &request));
    let bucket = &project.lab.aws.state_bucket;
    let emulator = project.lab.emulator();
    assert!(emulator.object(bucket, &key).unwrap().unwrap().contains("\"resources\": []"));
    assert_eq!(emulator.object(bucket, &format!("{key}.tflock")).unwrap(), None);
}

#[test]
fn workspaces_are_apart_and_a_fixed_one_is_kept_to() {
    let mut project = Project::new();
    project.module(&module("local", &project));
    let apply = |workspace: &str| {
        let mut request = for_real(&json!({}));
        request["workspace"] = json!(workspace);
        project.call("apply_terraform", &request)
    };
    apply("blue").expect("succeeded");
    assert!(!project.tfstate().exists());
    assert_eq!(apply("green").expect("succeeded").at("/summary/add"), "2", "another state");
    project.set(|s| s.environment.push_str("workspace = \"blue\"\n"));
    let mut request = for_real(&json!({}));
    request["workspace"] = json!("green");
    project.call("apply_terraform", &request).refused("invalid_request");
    request["workspace"] = Value::Null;
    let kept = project.call("apply_terraform", &request).expect("succeeded");
    assert_eq!(kept.at("/summary/text"), "no changes");
}
