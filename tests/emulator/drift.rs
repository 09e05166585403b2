//! Drift: what somebody changed behind terraform's back is found, with the variables of the last apply.

use serde_json::json;

use crate::harness::Project;

/// A role, by the real provider.
fn module(project: &Project, name: &str) -> String {
    let role = r#"
variable "note" { type = string }
provider "aws" { region = "eu-west-1" }
resource "aws_iam_role" "app" {
  name               = "@NAME@"
  description        = var.note
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}
terraform {
  backend "local" {}
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}
"#;
    let lock = project.lab.project.join("infra/aws/envs/dev/.terraform.lock.hcl");
    std::fs::copy(lock, project.main().with_file_name(".terraform.lock.hcl")).unwrap();
    role.replace("@NAME@", name)
}

#[test]
fn drift_made_by_hand_is_found_and_nothing_else() {
    let project = Project::new();
    let name = format!(
        "drifter-{}",
        project.folder().file_name().unwrap().to_string_lossy().replace('.', "")
    );
    project.module(&module(&project, &name));
    project.apply(&json!({ "note": "as described" })).expect("succeeded");
    let look = || {
        project.call("detect_drift", &json!({ "cloud": "aws", "env": "dev" })).expect("succeeded")
    };

    let none = look();
    assert_eq!(none.at("/summary/text"), "nothing has drifted from the state", "{:#}", none.value);
    let form = format!("Action=UpdateRole&Version=2010-05-08&RoleName={name}&Description=by-hand");
    project.lab.emulator().call("iam", &form).unwrap();
    let found = look();
    assert_eq!(found.at("/summary/resources/0/address"), "aws_iam_role.app", "{:#}", found.value);
    assert_eq!(found.at("/summary/change"), "1");
    assert_eq!(found.at("/returncode"), "2");
    project.lock_is_free();
    project.log_is_whole();
}
