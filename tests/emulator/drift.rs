//! Drift: what somebody changed behind terraform's back is found, with the variables of the last apply.

use serde_json::{Value, json};

use crate::harness::{Project, for_real};

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

#[test]
fn fault_41_drift_in_what_a_plan_touches_refuses_it_under_the_lease() {
    let mut project = Project::new();
    project.set(|s| s.terraform = "drift_after_min = 0".into());
    let name = format!(
        "moved-{}",
        project.folder().file_name().unwrap().to_string_lossy().replace('.', "")
    );
    project.module(&module(&project, &name));
    let patiently = |request: &Value| {
        let mut request = request.clone();
        request["wait_s"] = json!(300);
        project.call("apply_terraform", &request)
    };
    patiently(&for_real(&json!({ "note": "as described" }))).expect("succeeded");
    let by_hand = |text: &str| {
        let form =
            format!("Action=UpdateRole&Version=2010-05-08&RoleName={name}&Description={text}");
        project.lab.emulator().call("iam", &form).unwrap();
    };
    by_hand("before-the-plan");
    let plan = patiently(&json!({ "cloud": "aws", "env": "dev", "vars": { "note": "changed" } }))
        .expect("planned")
        .at("/plan_id");
    let real = json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    by_hand("after-the-plan");
    let stale = patiently(&real).refused("stale_plan");
    assert_eq!(stale.at("/error/details/drifted"), "[\"aws_iam_role.app\"]", "{:#}", stale.value);
    by_hand("before-the-plan");
    let done = patiently(&real).expect("succeeded");
    assert_eq!(
        done.at("/details/drift_since_plan"),
        "none",
        "known drift was reviewed with the plan"
    );
    project.log_is_whole();
}
