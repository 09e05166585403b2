//! What Google does not do, and what is not asked of it: each with its reason and the next step.

use serde_json::{Value, json};

use super::Site;
use crate::harness::Answered;

#[track_caller]
fn told(answer: &Answered, reason: &str, next: &str) {
    assert_eq!(answer.at("/error/details/reason"), reason, "{:#}", answer.value);
    assert!(answer.at("/error/next").contains(next), "{:#}", answer.value);
}

#[test]
fn an_id_that_somebody_else_has_is_told_apart_from_one_of_ours() {
    let (site, other) = (Site::new(), Site::new());
    site.set(json!({ "taken": [site.id] }));
    let failed = site.call(&site.real()).expect("failed");
    told(&failed, "ALREADY_EXISTS", "another id");
    assert_eq!(failed.at("/error/field"), "project_id");
    site.set(json!({ "taken": [], "next": ["taken"] }));
    told(&site.call(&site.real()).expect("failed"), "ALREADY_EXISTS", "another id");
    assert_eq!(site.made(), Value::Null);
    // One of ours in another place, and one that is being deleted.
    other.set(json!({ "foreign": other.id }));
    let refused = other.call(&other.real()).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "project_id", "{:#}", refused.value);
    assert!(refused.at("/error/next").contains("where it is"), "{:#}", refused.value);
    site.set(json!({ "next": [] }));
    site.call(&site.real()).expect("succeeded");
    site.set(json!({ "deleted": site.id }));
    let refused = site.call(&site.real()).refused("invalid_request");
    assert!(refused.at("/error/message").contains("DELETE_REQUESTED"), "{:#}", refused.value);
    site.project.lock_is_free();
}

#[test]
fn the_quota_of_projects_and_a_rule_of_the_organization_are_told_with_what_to_do() {
    let site = Site::new();
    site.set(json!({ "quota": 0, "polls": 3 }));
    told(&site.call(&site.real()).expect("failed"), "RESOURCE_EXHAUSTED", "quota of projects");
    site.set(json!({ "quota": 1000,
        "failure": [9, "Operation denied by org policy on resource: constraints/gcp.restrictServiceUsage"] }));
    let failed = site.call(&site.real()).expect("failed");
    told(&failed, "FAILED_PRECONDITION", "organization policy");
    assert!(failed.at("/error/message").contains("constraints/gcp"), "{:#}", failed.value);
    assert_eq!(site.made(), Value::Null);
    site.call(&site.real()).expect("succeeded");
    site.asked_in_all(3);
    site.is_clean();
}

#[test]
fn a_billing_account_that_is_closed_forbidden_or_full_is_told() {
    let site = Site::new();
    site.set(json!({ "billing": { site.billing.clone(): false } }));
    let refused = site.call(&site.request()).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "billing_account");
    assert!(refused.at("/error/message").contains("is closed"), "{:#}", refused.value);
    site.set(
        json!({ "billing": { site.billing.clone(): true }, "without": ["billing.accounts.get"] }),
    );
    let refused = site.call(&site.request()).refused("upstream_denied");
    assert_eq!(refused.at("/error/field"), "billing_account", "{:#}", refused.value);
    // Forbidden is found before anything is made.
    site.set(json!({ "without": ["billing.resourceAssociations.create"] }));
    let refused = site.call(&site.real()).refused("upstream_denied");
    assert_eq!(refused.at("/error/details/permission"), "billing.resourceAssociations.create");
    site.asked_in_all(0);
    // Full is not.
    site.set(json!({ "without": [],
        "billing_failure": [400, "FAILED_PRECONDITION", "Cloud billing quota exceeded"] }));
    let partial = site.call(&site.real()).expect("partial");
    told(&partial, "FAILED_PRECONDITION", "billing account");
    assert_eq!(partial.value["details"]["done"], json!(["project"]));
    let plan = site.call(&site.request()).expect("planned");
    assert!(plan.at("/plan_stdout").contains("is there: number"), "{:#}", plan.value);
    site.call(&site.real()).expect("succeeded");
    site.is_whole();
}

#[test]
fn an_api_that_cannot_be_switched_on_leaves_a_project_that_the_next_call_finishes() {
    let site = Site::new();
    site.set(json!({ "polls": 1, "enabling": [7, "Not found or permission denied for service(s)",
        "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED"] }));
    let partial = site.call(&site.real()).expect("partial");
    told(&partial, "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED", "gcloud services list");
    assert_eq!(partial.at("/error/field"), "apis");
    site.call(&site.real()).expect("succeeded");
    site.is_whole();
    site.is_clean();
}

#[test]
fn a_default_network_that_is_in_use_stays() {
    let mut site = Site::new();
    site.project.set(|s| s.rules = "auto_approve = [\"create\", \"update\", \"delete\"]".into());
    site.call(&site.real()).expect("succeeded");
    site.set(json!({ "used": site.id }));
    let mut real = site.real();
    real["remove_default_network"] = json!(true);
    let partial = site.call(&real).expect("partial");
    told(&partial, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "remove_default_network");
    assert!(site.made()["network"].to_string().contains("\"default\""));
    site.project.lock_is_free();
}

#[test]
fn security_19_an_organization_that_is_not_ours_to_see_is_refused_before_anything() {
    let site = Site::new();
    site.set(json!({ "without": ["resourcemanager.organizations.get"] }));
    let refused = site.call(&site.real()).refused("upstream_denied");
    assert!(refused.at("/error/next").contains("organization_id"), "{:#}", refused.value);
    site.asked_in_all(0);
    let mut elsewhere = site.real();
    elsewhere["org_id"] = json!("123456789012");
    let refused = site.call(&elsewhere).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "org_id", "{:#}", refused.value);
}

impl Site {
    #[track_caller]
    fn asked_in_all(&self, times: u64) {
        assert_eq!(self.seen()["asked"], times, "calls that make a project");
    }
}
