//! Promise 2, bar 22, faults 36 to 40: each fact that an approval is bound to changes alone; the plan is refused naming
//! it, and nothing runs.

use datamcp::error::{Error, ErrorCode};
use datamcp::model::{Digest, Principal};
use serde_json::{Value, json};

use super::site::{Site, actor, error};

const TOOL: &str = "apply_terraform";

/// Approves a plan, changes one thing, carries the plan out: the refusal.
async fn refused(change: impl FnOnce(&Site, &str)) -> Error {
    let site = Site::new();
    let plan = site.approved(TOOL, "dev").await;
    change(&site, plan.as_str().unwrap());
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(answer["status"], "refused", "{answer}");
    assert_eq!(site.terraform.count("apply"), 0);
    assert_eq!(site.blocked("aws/dev").await, None);
    error(&answer)
}

fn names(error: &Error, fact: &str) {
    assert_eq!(error.code, ErrorCode::ApprovalMismatch, "{error:?}");
    assert_eq!(error.details["changed"], json!([fact]), "{error:?}");
    assert!(error.next.is_some(), "{error:?}");
}

#[tokio::test]
async fn fault_37_a_flipped_byte_of_the_plan_file() {
    let flip = |site: &Site, plan: &str| {
        let path = site.state().join("plans").join(plan).join("plan.age");
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
    };
    names(&refused(flip).await, "plan file");
}

#[tokio::test]
async fn fault_37_another_plans_file_in_its_place() {
    let site = Site::new();
    site.terraform.tell(|script| script.file = b"another plan".to_vec());
    let other = site.plan(TOOL, "dev").await;
    site.terraform.tell(|script| script.file = b"the saved plan".to_vec());
    let plan = site.approved(TOOL, "dev").await;
    let file =
        |plan: &Value| site.state().join("plans").join(plan.as_str().unwrap()).join("plan.age");
    std::fs::copy(file(&other), file(&plan)).unwrap();
    names(&error(&site.carry_out(TOOL, &plan).await), "plan file");
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn fault_38_the_configuration_was_edited() {
    let edit = |site: &Site, _: &str| site.terraform.tell(|s| s.facts.tree = Digest::of("edited"));
    names(&refused(edit).await, "configuration");
}

#[tokio::test]
async fn the_environments_variables_were_edited() {
    let edit = |site: &Site, _: &str| {
        site.configure("key = \"dev\" }", "key = \"dev\" }\nvars = { size = 9 }");
    };
    names(&refused(edit).await, "variables");
}

#[tokio::test]
async fn the_call_gives_other_variables_or_another_place() {
    let site = Site::new();
    let plan = site.approved(TOOL, "dev").await;
    for (more, fact) in [
        (json!({ "vars": { "size": 4 } }), "variables"),
        (json!({ "cloud": "aws", "env": "prod" }), "environment"),
        (json!({ "workspace": "other" }), "workspace"),
    ] {
        let mut request = json!({ "plan_id": plan, "dry_run": false });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        names(&error(&site.call(TOOL, request).await), fact);
    }
    let answer = site.call("destroy_terraform", json!({ "plan_id": plan, "dry_run": false })).await;
    names(&error(&answer), "tool");
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn fault_40_the_credentials_became_another_accounts() {
    let switch = |site: &Site, _: &str| site.terraform.tell(|s| s.account = "999999999999".into());
    let error = refused(switch).await;
    assert_eq!(error.code, ErrorCode::WrongIdentity);
    assert_eq!(error.given.as_deref(), Some("999999999999"));
}

#[tokio::test]
async fn fault_40_environment_and_credentials_became_another_accounts() {
    let switch = |site: &Site, _: &str| {
        site.terraform.tell(|s| s.account = "999999999999".into());
        site.configure("account_id = \"123456789012\"", "account_id = \"999999999999\"");
    };
    names(&refused(switch).await, "account");
}

#[tokio::test]
async fn the_state_backend_became_another() {
    let switch = |site: &Site, _: &str| site.configure("key = \"dev\"", "key = \"elsewhere\"");
    names(&refused(switch).await, "state backend");
}

#[tokio::test]
async fn the_environment_became_another() {
    let switch = |site: &Site, _: &str| {
        site.configure("region = \"eu-west-1\"\nstate = { backend = \"s3\", bucket = \"acme-tfstate\", key = \"dev\" }",
            "region = \"eu-north-1\"\nstate = { backend = \"s3\", bucket = \"acme-tfstate\", key = \"dev\", region = \"eu-west-1\" }");
    };
    names(&refused(switch).await, "environment");
}

#[tokio::test]
async fn the_workspace_was_fixed_to_another() {
    let fix = |site: &Site, _: &str| {
        site.configure("key = \"dev\" }", "key = \"dev\" }\nworkspace = \"blue\"");
    };
    names(&refused(fix).await, "environment");
}

#[tokio::test]
async fn the_terraform_binary_became_another() {
    let upgrade = |site: &Site, _: &str| {
        site.terraform.tell(|s| s.facts.terraform = "terraform 1.12.0".into());
    };
    names(&refused(upgrade).await, "terraform version");
}

#[tokio::test]
async fn the_provider_lock_file_was_edited() {
    let edit =
        |site: &Site, _: &str| site.terraform.tell(|s| s.facts.providers = Digest::of("edited"));
    names(&refused(edit).await, "provider lock file");
}

#[tokio::test]
async fn fault_36_the_state_has_moved_on() {
    let error = refused(|site, _| site.terraform.tell(|s| s.state.serial = 8)).await;
    assert_eq!(error.code, ErrorCode::StalePlan);
    assert!(error.message.contains("serial 7→8"), "{error}");
    let error =
        refused(|site, _| site.terraform.tell(|s| s.state.lineage = "another".into())).await;
    assert_eq!(error.code, ErrorCode::StalePlan);
    assert_eq!(error.details["changed"], json!(["state lineage"]));
}

#[tokio::test]
async fn fault_39_the_requester_became_another() {
    let site = Site::new();
    let plan = site.approved(TOOL, "dev").await;
    let request = json!({ "plan_id": plan, "dry_run": false });
    let other = actor("other", "other");
    let answer = site.call_as(&other, TOOL, request).await;
    assert_eq!(error(&answer).field.as_deref(), Some("plan_id"), "{answer}");
    assert_eq!(site.terraform.count("apply"), 0);
}

/// Every fact of the list, compared where it is decided: none can change unseen.
#[tokio::test]
async fn bar_22_every_bound_fact_is_compared() {
    let site = Site::new();
    let plan = site.plan(TOOL, "dev").await;
    let id = plan.as_str().unwrap().parse().unwrap();
    let bound = site.world().plans.record(id).await.unwrap().unwrap().binding;
    let whole = serde_json::to_value(&bound).unwrap();
    let mut facts = 0;
    let meaning = whole["meaning"]["terraform"].as_object().unwrap();
    for (name, value) in whole.as_object().unwrap().iter().chain(meaning) {
        if name == "meaning" {
            continue;
        }
        let mut changed = whole.clone();
        let place = if meaning.contains_key(name) {
            &mut changed["meaning"]["terraform"]
        } else {
            &mut changed
        };
        place[name] = match (name.as_str(), value) {
            ("state", _) => json!({ "lineage": "line", "serial": 99 }),
            ("target", _) => json!("unbound"),
            (_, Value::String(text)) => json!(format!("{text}x")),
            other => panic!("{other:?}"),
        };
        let changed: datamcp::model::Binding = serde_json::from_value(changed).unwrap();
        assert_eq!(bound.differences(&changed).len(), 1, "{name}");
        assert_ne!(bound.digest(), changed.digest(), "{name}");
        facts += 1;
    }
    assert_eq!(facts, 13);
    assert_eq!(bound.requester, Principal("agent".into()));
}
