//! Children get credentials only through the credential process; the role of an environment is assumed under the
//! operation's own name. With the real AWS provider.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use crate::harness::{Project, argv, running, until, with_provider};

/// A role, who we are, and a pause in which processes can be looked at.
fn project(name: &str) -> Project {
    let body = format!(
        r#"
provider "aws" {{
  region = "eu-west-1"
}}

data "aws_caller_identity" "me" {{}}

resource "aws_iam_role" "made" {{
  name               = "{name}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "ec2.amazonaws.com" }} }}]
  }})
}}

resource "terraform_data" "pause" {{
  depends_on = [aws_iam_role.made]
  provisioner "local-exec" {{
    command = "sleep 1"
  }}
}}

output "arn" {{
  value = data.aws_caller_identity.me.arn
}}
"#
    );
    with_provider(&body)
}

/// Processes of the project beside supervisors: terraform, the provider's plugin, the credential process.
fn environments(project: &Project) -> Vec<(u32, (String, String))> {
    let folder = project.folder().to_string_lossy().into_owned();
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let environ = String::from_utf8_lossy(&environ).into_owned();
        let ours = environ.contains(&folder) && environ.contains("TF_DATA_DIR=");
        ours.then(|| (pid, (argv(pid).join(" "), environ)))
    })
    .collect()
}

#[test]
fn promise_7_security_19_children_get_credentials_by_the_credential_process_alone() {
    let name = format!("dm-{}", std::process::id());
    let project = project(&name);
    let id = running(&project);
    let emulator = project.lab.emulator();
    let mut seen = BTreeMap::new();
    until("the role", 60, || {
        seen.extend(environments(&project));
        emulator.inventory().unwrap().roles.contains(&name)
    });
    let ran = |word: &str| seen.values().any(|(argv, _)| argv.contains(word));
    assert!(ran("terraform-provider-aws") && ran("apply"), "both were looked at");
    let aws = &project.lab.aws;
    for (pid, (_, environ)) in &seen {
        for key in [&aws.access_key_id, &aws.secret_access_key] {
            assert!(!environ.contains(key.as_str()), "a key in the environment of {pid}");
        }
    }
    let config = fs::read_to_string(project.run(&id).join("scratch/aws.config")).unwrap();
    assert!(config.contains("credential_process = ") && !config.contains(&aws.secret_access_key));
    let answer = project.operation(&id, 45).expect("succeeded");
    assert_eq!(answer.at("/result/summary/add"), "2");

    // Outside of a run nobody is given anything.
    let run = project.run(&id).to_string_lossy().into_owned();
    let asked = project.cli(&["credentials", &run]);
    assert_ne!(asked.code, Some(0));
    assert!(!asked.out.contains("SecretAccessKey"), "{}", asked.out);
}

#[test]
fn security_19_the_role_is_assumed_under_the_operations_name() {
    let name = format!("dm-assumed-{}", std::process::id());
    let mut project = project(&name);
    let account = project.lab.aws.account_id.clone();
    let role = |account: &str| format!("role_arn = \"arn:aws:iam::{account}:role/datamcp\"\n");
    project.set(|s| s.environment = role(&account));
    let checks = project.call("preflight", &json!({ "cloud": "aws", "env": "dev" }));
    let seen = format!("arn:aws:sts::{account}:assumed-role/datamcp/preflight");
    assert!(checks.value.to_string().contains(&seen), "{:#}", checks.value);
    let id = project.apply(&json!({})).operation();
    project.operation(&id, 120).expect("succeeded");
    let outputs = project.call("terraform_outputs", &json!({ "cloud": "aws", "env": "dev" }));
    let arn = format!("arn:aws:sts::{account}:assumed-role/datamcp/{id}");
    assert_eq!(outputs.at("/outputs/arn/value"), arn);

    // A role of another account: refused before terraform is asked anything.
    project.set(|s| s.environment = role("210987654321"));
    let refused = project.apply(&json!({})).refused("wrong_identity");
    assert!(refused.at("/error/message").contains("210987654321"), "{:#}", refused.value);
}
