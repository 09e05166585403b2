//! What is done in a new account by its role: contacts, default VPCs, a state bucket.

use serde_json::{Value, json};

use super::Site;

fn furnished(site: &Site) -> (Value, String) {
    let bucket = format!("acme-{}-tfstate", site.management);
    let mut request = site.real();
    request["contacts"] = json!({ "SECURITY": {
        "name": "On call", "title": "Security", "email": "security@example.com", "phone": "+49 30 1234",
    } });
    request["close_default_vpcs"] = json!(true);
    request["state_bucket"] = json!(bucket);
    (request, bucket)
}

#[test]
fn a_new_account_is_entered_once_its_role_can_be_assumed() {
    let site = Site::new();
    site.organization(json!({ "assumable_after": 2 }));
    let (request, bucket) = furnished(&site);
    let made = site.call(&request).expect("succeeded");
    let account = site.is_placed();
    let done = made.at("/details/done");
    for part in ["contact_SECURITY", "default_vpc_eu-west-1", "default_vpc_us-east-1", "bucket"] {
        assert!(done.contains(part), "{part}: {done}");
    }

    // What was done is found there, by a plan that looks with the account's own role.
    let mut again = request.clone();
    again["dry_run"] = json!(true);
    let plan = site.call(&again).expect("planned");
    assert_eq!(plan.at("/summary/text"), "no changes", "{}", plan.at("/plan_stdout"));
    again["contacts"]["SECURITY"]["phone"] = json!("+49 30 5678");
    let plan = site.call(&again).expect("planned");
    assert_eq!(plan.at("/summary/change"), "1", "{}", plan.at("/plan_stdout"));

    // The bucket serves as the state of an environment in that account.
    let mut project = site.project;
    project.set(|s| {
        s.account.clone_from(&account);
        s.state =
            format!("{{ backend = \"s3\", bucket = \"{bucket}\", key = \"terraform.tfstate\" }}");
        let role = format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole");
        s.environment = format!("role_arn = \"{role}\"");
    });
    let found = project
        .call("bootstrap_state_backend", &json!({ "cloud": "aws", "env": "dev", "wait_s": 60 }));
    assert_eq!(found.expect("planned").at("/summary/text"), "no changes");
}
