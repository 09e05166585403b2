//! What runs when, and what is told.

use datamcp::error::ErrorCode;
use datamcp::model::Action;
use serde_json::json;

use super::site::{Site, agent, error};
use super::terraform::{changes, resource};

#[tokio::test]
async fn promise_1_defaults_change_nothing() {
    for tool in ["apply_terraform", "destroy_terraform"] {
        let site = Site::new();
        let answer =
            site.call(tool, json!({ "cloud": "aws", "env": "dev", "auto_approve": true })).await;
        assert_eq!(answer["status"], "planned");
        assert_eq!(answer["summary"]["add"], 1);
        assert_eq!(site.terraform.count("apply"), 0);
    }
}

#[tokio::test]
async fn bad_input_10_a_null_dry_run_stays_one_and_says_so() {
    let site = Site::new();
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": null, "auto_approve": true });
    let answer = site.call("apply_terraform", request).await;
    assert_eq!(answer["status"], "planned");
    assert!(answer["warnings"][0].as_str().unwrap().contains("dry_run was null"), "{answer}");
    assert_eq!(site.terraform.count("apply"), 0);
}

#[tokio::test]
async fn promise_2_the_approved_plan_runs_once() {
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    let answer = site.carry_out("apply_terraform", &plan).await;
    assert_eq!((&answer["status"], &answer["succeeded"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(site.terraform.effects(), 1);
    let again = site.carry_out("apply_terraform", &plan).await;
    assert_eq!(error(&again).code, ErrorCode::ApprovalUsed, "{again}");
    assert_eq!((site.terraform.count("plan"), site.terraform.effects()), (1, 1));
}

#[tokio::test]
async fn promise_1_an_empty_plan_needs_nobody_and_runs_nothing() {
    let site = Site::new();
    site.terraform.tell(|script| script.changes = changes(&[]));
    let answer = site
        .call("apply_terraform", json!({ "cloud": "aws", "env": "prod", "dry_run": false }))
        .await;
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert_eq!(site.terraform.count("apply"), 0);
}

/// Promise 3: the flag counts only inside tier and role; then nobody else is asked.
#[tokio::test]
async fn security_5_auto_approve_counts_where_tier_and_role_let_it() {
    for (env, role, action, flag, runs) in [
        ("dev", "change", Action::Create, true, true),
        ("dev", "change", Action::Create, false, false),
        ("dev", "change", Action::Update, true, true),
        ("dev", "change", Action::Replace, true, false),
        ("dev", "change", Action::Delete, true, false),
        ("dev", "destroy", Action::Delete, true, false),
        ("prod", "destroy", Action::Create, true, false),
        ("prod", "admin", Action::Create, true, false),
    ] {
        let site = Site::new();
        let os_user = "roles = [\"change\", \"destroy\"]\n[principals.other]";
        site.configure(os_user, &format!("roles = [\"{role}\"]\n[principals.other]"));
        site.terraform.tell(|script| script.changes = changes(&[(action, "aws_vpc")]));
        let request = json!({ "cloud": "aws", "env": env, "dry_run": false, "auto_approve": flag });
        let answer = site.call("apply_terraform", request).await;
        let expected = if runs { "succeeded" } else { "approval_required" };
        assert_eq!(answer["status"], expected, "{env} {role} {action:?} {flag}: {answer}");
        assert_eq!(site.terraform.effects(), usize::from(runs));
    }
}

#[tokio::test]
async fn security_5_without_the_role_nothing_is_even_planned() {
    for role in ["read", "plan"] {
        let site = Site::new();
        let rules = "roles = [\"change\", \"destroy\"]\n[principals.other]";
        site.configure(rules, &format!("roles = [\"{role}\"]\n[principals.other]"));
        for tool in ["apply_terraform", "destroy_terraform"] {
            let answer =
                site.call(tool, json!({ "cloud": "aws", "env": "dev", "dry_run": false })).await;
            assert_eq!(error(&answer).code, ErrorCode::PolicyDenied, "{role} {tool}");
            assert!(answer["operation_id"].is_string(), "refusals are on record: {answer}");
        }
        assert_eq!(site.terraform.calls.lock().unwrap().len(), 0);
    }
}

#[tokio::test]
async fn security_21_protected_types_ask_for_the_typed_name() {
    let site = Site::new();
    site.configure("\"create\", \"update\"", "\"create\", \"update\", \"delete\"");
    let delete = [(Action::Delete, "aws_s3_bucket")];
    site.terraform.tell(|script| script.changes = changes(&delete));
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true });
    let answer = site.call("apply_terraform", request).await;
    assert_eq!(answer["status"], "approval_required", "{answer}");
    assert!(answer["approval"]["reasons"][0].as_str().unwrap().contains("protected"));
    let world = site.world();
    let open = world.approvals.open(world.clock.now()).await.unwrap();
    assert!(open[0].typed_name && open[0].text.contains("aws_s3_bucket.it"), "{open:?}");
}

#[tokio::test]
async fn security_21_no_argument_lifts_the_most_deletions() {
    let site = Site::new();
    site.terraform.tell(|script| {
        script.changes.resources = vec![resource(Action::Replace, "aws_vpc"); 3];
    });
    for dry_run in [true, false] {
        let request =
            json!({ "cloud": "aws", "env": "dev", "dry_run": dry_run, "auto_approve": true });
        let answer = site.call("apply_terraform", request).await;
        let error = error(&answer);
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::PolicyDenied, Some("max_delete"))
        );
        assert_eq!(answer["status"], "refused");
    }
    assert_eq!(site.terraform.effects(), 0);
}

#[tokio::test]
async fn promise_6_a_repeated_key_answers_with_the_first_operation() {
    let site = Site::new();
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true, "idempotency_key": "k-1" });
    let first = site.call("apply_terraform", request.clone()).await;
    let second = site.call("apply_terraform", request.clone()).await;
    assert_eq!(first, second);
    assert_eq!(site.terraform.effects(), 1);
    let other = json!({ "cloud": "aws", "env": "prod", "idempotency_key": "k-1" });
    let error = error(&site.call("apply_terraform", other).await);
    assert_eq!(error.field.as_deref(), Some("idempotency_key"));
    let mut foreign = request;
    foreign["wait_s"] = json!(1);
    assert_eq!(super::site::error(&site.call("apply_terraform", foreign).await).code, error.code);
    assert_eq!(site.terraform.effects(), 1);
}

#[tokio::test]
async fn promise_6_one_key_used_at_once_has_one_effect() {
    let site = Site::new();
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true, "idempotency_key": "k" });
    let agent = agent();
    let submit = || site.submit_as(&agent, "apply_terraform", &request);
    let (a, b, c) = tokio::join!(submit(), submit(), submit());
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert!(a == b && b == c);
    assert_eq!(*site.launched.0.lock().unwrap(), [a]);
}

#[tokio::test]
async fn bad_input_35_a_template_in_a_variable_stays_text() {
    let site = Site::new();
    let vars = json!({ "note": "${file(\"/etc/passwd\")}" });
    site.call("apply_terraform", json!({ "cloud": "aws", "env": "dev", "vars": vars })).await;
    assert_eq!(json!(site.terraform.planned_with.lock().unwrap()[0]), vars);
}

/// Design section 4: destroy uses the variables of the last apply.
#[tokio::test]
async fn destroy_uses_the_variables_of_the_last_apply() {
    let site = Site::new();
    let vars = json!({ "size": 3, "hidden": "canary-variable" });
    let request = json!({ "cloud": "aws", "env": "dev", "vars": vars, "dry_run": false, "auto_approve": true });
    assert_eq!(site.call("apply_terraform", request).await["status"], "succeeded");
    site.plan("destroy_terraform", "dev").await;
    assert_eq!(json!(site.terraform.planned_with.lock().unwrap()[1]), vars);
}
