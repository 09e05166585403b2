//! Over TLS: the policy that refuses plain http is set, evaluated by the emulator, and terraform works under it.

use serde_json::{Value, json};

use super::{bootstrap, exists, project};
use crate::harness::{Project, module_of, step};

pub(super) fn over_tls(project: &mut Project, trusting: bool) {
    let aws = &project.lab.aws;
    assert!(!aws.tls_endpoint.is_empty(), "{}", xtask::lab::without("TLS"));
    let bundle = format!("ca_bundle = \"{}\"", aws.ca_bundle.display());
    let bundle = if trusting { bundle } else { String::new() };
    let lines = format!("endpoint_url = \"{}\"\n{bundle}", aws.tls_endpoint);
    project.set(|s| s.aws = lines);
}

fn look(project: &Project, bucket: &str) -> Value {
    project.lab.emulator().control("s3_transport", &json!({ "bucket": bucket })).unwrap()
}

#[test]
fn the_policy_that_wants_tls_is_set_and_terraform_works_under_it() {
    let (mut project, bucket) = project();
    over_tls(&mut project, true);
    let plan = bootstrap(&project, true).expect("planned");
    assert_eq!(plan.at("/summary/add"), "7", "{:#}", plan.value);
    bootstrap(&project, false).expect("succeeded");
    let emulator = project.lab.emulator();
    emulator.control("s3_transport", &json!({ "bucket": bucket, "enforce": true })).unwrap();
    let refused = emulator.object(&bucket, "any").unwrap_err();
    assert!(format!("{refused:#}").contains("403"), "plain http is refused: {refused:#}");

    project.module(&module_of("s3", &step("a", None, &project.effects().command("a"))));
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    assert_eq!(look(&project, &bucket)["keys"][0], "dev/terraform.tfstate");

    let other = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "audit", "Effect": "Allow", "Principal": { "AWS": "123456789012" }, "Action": "s3:GetObject",
          "Resource": format!("arn:aws:s3:::{bucket}/*") },
    ]});
    emulator.control("s3_transport", &json!({ "bucket": bucket, "policy": other })).unwrap();
    let found = bootstrap(&project, true).expect("planned");
    assert_eq!(found.at("/summary/resources/0/address"), format!("s3://{bucket}#tls_only"));
    bootstrap(&project, false).expect("succeeded");
    let policy = look(&project, &bucket)["policy"].clone();
    assert_eq!(policy["Statement"][0], other["Statement"][0], "statements of others stay");
    assert_eq!(policy["Statement"][1]["Sid"], "datamcp-state");
    assert_eq!(bootstrap(&project, true).expect("planned").at("/summary/text"), "no changes");
}

#[test]
fn fault_34_it_dies_at_the_policy_and_the_next_run_completes_it() {
    let (mut project, bucket) = project();
    over_tls(&mut project, true);
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true, "wait_s": 20 });
    let mut command =
        project.command(&["--json", "call", "bootstrap_state_backend", "--request", "-"]);
    command.env("DATAMCP_FAULT", "after_call_tls_only");
    let died = crate::harness::feed(&mut command, &request.to_string());
    assert_eq!(died.status(), "partial", "{:#}", died.value);
    assert_eq!(look(&project, &bucket)["policy"], Value::Null);
    bootstrap(&project, false).expect("succeeded");
    assert_eq!(look(&project, &bucket)["policy"]["Statement"][0]["Effect"], "Deny");
}

#[test]
fn an_authority_that_nobody_named_is_not_trusted() {
    let (mut project, bucket) = project();
    over_tls(&mut project, false);
    let refused = bootstrap(&project, true);
    assert_eq!(refused.status(), "failed", "{:#}", refused.value);
    assert!(!exists(&project, &bucket));
}
