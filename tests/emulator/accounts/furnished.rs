//! What is done in a new account by its role: contacts, default VPCs, a state bucket.

use serde_json::{Value, json};

use super::Site;

pub(super) fn furnished(site: &Site) -> (Value, String) {
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

#[test]
fn a_default_vpc_that_is_in_use_stays_and_the_others_go() {
    let site = Site::new();
    site.call(&site.real()).expect("succeeded");
    let account = site.is_placed();
    let role = format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole");
    let inside = site.project.lab.emulator().assuming(&role).unwrap().in_region("us-west-2");
    let (vpc, subnets) = inside.default_vpc().unwrap();
    inside.attach_gateway(&vpc).unwrap();
    let interface = format!(
        "Action=CreateNetworkInterface&Version=2016-11-15&SubnetId={}",
        subnets.first().unwrap()
    );
    let made = inside.call("ec2", &interface).unwrap();
    let (_, interface) = made.split_once("<networkInterfaceId>").unwrap();
    let interface = interface.split('<').next().unwrap();

    let mut request = site.real();
    request["close_default_vpcs"] = json!(true);
    let stopped = site.call(&request).expect("partial");
    let next = stopped.at("/error/next");
    assert!(next.contains("in use") && next.contains("close_default_vpcs"), "{:#}", stopped.value);
    assert!(stopped.at("/error/message").contains(&vpc), "{:#}", stopped.value);
    let (left, still) = inside.default_vpc().unwrap();
    assert_eq!((left, still), (vpc, subnets), "nothing was taken from it");
    // The regions are walked in order: those before it are done.
    assert!(inside.in_region("eu-west-1").default_vpc().is_err());

    let free =
        format!("Action=DeleteNetworkInterface&Version=2016-11-15&NetworkInterfaceId={interface}");
    inside.call("ec2", &free).unwrap();
    site.call(&request).expect("succeeded");
    assert!(inside.default_vpc().is_err());
    site.project.log_is_whole();
}
