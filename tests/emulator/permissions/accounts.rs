//! Accounts: made by an identity of the management account, furnished by a role in the account itself.

use serde_json::{Value, json};
use xtask::lab::Emulator;

use super::{Documented, Rig, denied, policy};
use crate::harness::{Answered, Project};

/// What moto's accounts have for a role, as AWS's.
const ROLE: &str = "OrganizationAccountAccessRole";

fn organization(rig: &Rig, request: &Value) -> Value {
    let mut request = request.clone();
    request["account"] = json!(rig.lab.aws.account_id);
    rig.emulator().control("organizations", &request).unwrap()
}

fn settings(rig: &Rig) -> String {
    let account = &rig.lab.aws.account_id;
    format!(
        "{{ backend = \"local\", path = \"state\" }}\n[organizations.acme]\ntier = \"dev\"\n\
         account_id = \"{account}\"\nregion = \"eu-west-1\""
    )
}

#[test]
fn the_policy_of_an_account_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    let documented = Documented::read("aws_create_account");
    let told = organization(&rig, &json!({}));
    let state = settings(&rig);
    // Made, then given other tags: that asks for all of them.
    let make = |project: &Project, name: &str| {
        let mut request = json!({
            "email": format!("{name}@example.com"), "account_name": name, "ou_id": told["unit"],
            "tags": { "team": "data" }, "dry_run": false, "auto_approve": true, "wait_s": 120,
        });
        let made = project.call("aws_create_account", &request);
        if made.status() != "succeeded" {
            return made;
        }
        request["tags"]["team"] = json!("platform");
        project.call("aws_create_account", &request)
    };
    let project = rig.user(&documented.statements(None), &state);
    let request = json!({ "email": "q@example.com", "account_name": "q", "ou_id": told["unit"] });
    let planned = project.call("aws_create_account", &request).expect("planned");
    let text = planned.at("/plan_stdout");
    assert!(text.contains(" accounts, quota 10\n"), "{text}");
    make(&project, "whole").expect("succeeded");
    assert_eq!(documented.table(), rig.asked(), "the page names just what was asked for");
    for (number, action) in documented.actions.iter().enumerate() {
        let project = rig.user(&documented.statements(Some(action)), &state);
        if action == "servicequotas:GetServiceQuota" {
            // Told only: who may not ask for it can make accounts all the same.
            let request = json!({ "email": "quota@example.com", "account_name": "quota", "ou_id": told["unit"] });
            let planned = project.call("aws_create_account", &request).expect("planned");
            let text = planned.at("/plan_stdout");
            assert!(
                text.contains("quota not known: servicequotas:GetServiceQuota is missing"),
                "{text}"
            );
            continue;
        }
        denied(&make(&project, &format!("without-{number}")), action);
    }
}

/// An account that was made by somebody else, an hour ago, and whose role may do nothing yet.
struct Entered {
    email: String,
    id: String,
    bucket: String,
}

impl Entered {
    fn new(rig: &Rig, name: &str) -> Self {
        let email = format!("{name}@example.com");
        rig.emulator().enforce_iam(false).unwrap();
        let order = json!({ "Email": email, "AccountName": name });
        organization(rig, &json!({}));
        rig.emulator().json_call("AWSOrganizationsV20161128.CreateAccount", &order).unwrap();
        let told = organization(rig, &json!({ "older": 3600 }));
        let id = told["accounts"][&email].as_str().unwrap_or_else(|| panic!("{told:#}")).to_owned();
        Self { email, bucket: format!("{name}-tfstate-{id}"), id }
    }

    /// The emulator as the role in the account.
    fn inside(&self, rig: &Rig) -> Emulator {
        rig.emulator().enforce_iam(false).unwrap();
        rig.emulator().assuming(&format!("arn:aws:iam::{}:role/{ROLE}", self.id)).unwrap()
    }

    /// What the role in the account may do.
    fn role_may(&self, rig: &Rig, statements: &[Value]) {
        self.inside(rig).policy_of_role(ROLE, &policy(statements)).unwrap();
        rig.emulator().enforce_iam(true).unwrap();
    }

    /// Contacts and default VPCs; the phone makes it another change each time.
    fn furnish(&self, project: &Project, phone: usize, dry_run: bool) -> Answered {
        let name = self.email.split('@').next().unwrap();
        let contact =
            json!({ "name": "N", "title": "T", "email": "a@b.co", "phone": phone.to_string() });
        let request = json!({
            "email": self.email, "account_name": name, "contacts": { "SECURITY": contact },
            "close_default_vpcs": true, "dry_run": dry_run, "auto_approve": true, "wait_s": 240,
        });
        project.call("aws_create_account", &request)
    }
}

/// Statements of the caller, in the management account.
fn caller(without: Option<&str>) -> Vec<Value> {
    let entering = "aws_create_account with contacts, default VPCs or a state bucket";
    let text = Value::from(Documented::read(entering).statements(without)).to_string();
    let entering: Vec<Value> = serde_json::from_str(&text.replace(super::ROLE, ROLE)).unwrap();
    [Documented::read("aws_create_account").statements(None), entering].concat()
}

#[test]
fn who_enters_an_account_needs_to_assume_its_role() {
    let mut rig = Rig::lend();
    let entered = Entered::new(&rig, "entered");
    let inside = Documented::read("aws_create_account in the account");
    entered.role_may(&rig, &inside.statements(None));
    let settings = settings(&rig);
    let project = rig.user(&caller(Some("sts:AssumeRole")), &settings);
    let planned = entered.furnish(&project, 1, true).expect("planned");
    assert!(planned.at("/warnings").contains("(sts:AssumeRole is missing)"), "{:#}", planned.value);
    let refused = entered.furnish(&project, 1, false).expect("partial");
    denied(&refused, "sts:AssumeRole");
    rig.may_now(&caller(None));
    rig.asked();
    entered.furnish(&project, 1, false).expect("succeeded");
    assert!(rig.asked().contains("sts:AssumeRole"));
}

#[test]
fn the_policy_in_the_account_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    let entered = Entered::new(&rig, "narrowed");
    let documented = Documented::read("aws_create_account in the account");
    // AWS gives each default VPC a gateway; the first region is where a refusal is met, the last where none is.
    let regions = ["ap-northeast-1", "us-west-2"];
    for region in regions {
        let inside = entered.inside(&rig).in_region(region);
        let (vpc, subnets) = inside.default_vpc().unwrap();
        assert!(!subnets.is_empty());
        inside.attach_gateway(&vpc).unwrap();
    }
    let settings = settings(&rig);
    let project = rig.user(&caller(None), &settings);
    for (phone, action) in documented.actions.iter().enumerate() {
        entered.role_may(&rig, &documented.statements(Some(action)));
        let refused = entered.furnish(&project, phone + 1, false).expect("partial");
        denied(&refused, action);
    }
    entered.role_may(&rig, &documented.statements(None));
    rig.asked();
    entered.furnish(&project, 99, false).expect("succeeded");
    let asked = rig.asked().into_iter();
    let asked = asked.filter(|action| action.starts_with("ec2:") || action.starts_with("account:"));
    assert_eq!(documented.table(), asked.collect(), "the page names just what was asked for");
    let again = entered.furnish(&project, 99, true).expect("planned");
    assert_eq!(again.at("/summary/text"), "no changes", "{:#}", again.value);
    for region in regions {
        assert!(entered.inside(&rig).in_region(region).default_vpc().is_err());
    }
}

#[test]
fn a_bucket_in_the_account_needs_what_the_bootstrap_needs() {
    let mut rig = Rig::lend();
    let entered = Entered::new(&rig, "bucketed");
    let documented = Documented::read("bootstrap_state_backend");
    let settings = settings(&rig);
    let project = rig.user(&caller(None), &settings);
    let ask = || {
        let request = json!({
            "email": entered.email, "account_name": "bucketed", "state_bucket": entered.bucket,
            "dry_run": false, "auto_approve": true, "wait_s": 240,
        });
        project.call("aws_create_account", &request)
    };
    // Each was run for the bootstrap itself; that it is the role's that count is shown by one.
    let without = "s3:PutLifecycleConfiguration";
    entered.role_may(&rig, &documented.statements_for(&entered.bucket, Some(without)));
    denied(&ask().expect("partial"), without);
    entered.role_may(&rig, &documented.statements_for(&entered.bucket, None));
    ask().expect("succeeded");
}
