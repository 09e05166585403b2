//! Accounts of an organization, made by the real binary in the emulator: by MCP and on the command line, in each test in
//! an organization of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::harness::{Answered, Project, structured};

mod deaths;
mod furnished;
mod refused;

const TOOL: &str = "aws_create_account";

/// A project with an organization of its own.
pub(super) struct Site {
    pub(super) project: Project,
    pub(super) management: String,
    pub(super) unit: String,
    root: String,
    number: u32,
}

impl Site {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let (number, process) = (NUMBER.fetch_add(1, Ordering::Relaxed), std::process::id());
        let management = format!("9{:08}{number:03}", process % 100_000_000);
        let mut project = Project::new();
        project.set(|s| s.more = organization(&management, &management));
        let mut site =
            Self { project, management, unit: String::new(), root: String::new(), number };
        let told = site.organization(json!({}));
        site.unit = told["unit"].as_str().unwrap().to_owned();
        site.root = told["root"].as_str().unwrap().to_owned();
        site
    }

    /// Sets and asks the state of the organization, behind everybody's back.
    pub(super) fn organization(&self, mut request: Value) -> Value {
        request["account"] = json!(self.management);
        self.project.lab.emulator().control("organizations", &request).unwrap()
    }

    pub(super) fn email(&self) -> String {
        format!("aws+{}-{}@example.com", std::process::id(), self.number)
    }

    pub(super) fn request(&self) -> Value {
        json!({ "email": self.email(), "account_name": "dev", "ou_id": self.unit, "wait_s": 120 })
    }

    pub(super) fn real(&self) -> Value {
        let mut request = self.request();
        request["dry_run"] = json!(false);
        request["auto_approve"] = json!(true);
        request
    }

    pub(super) fn call(&self, request: &Value) -> Answered {
        self.project.call(TOOL, request)
    }

    #[track_caller]
    fn asked(&self, times: u64) {
        assert_eq!(self.organization(json!({}))["asked"], times, "calls of CreateAccount");
    }

    /// It is there once, where it belongs, and was asked for once.
    #[track_caller]
    pub(super) fn is_placed(&self) -> String {
        self.asked(1);
        let told = self.organization(json!({}));
        assert_eq!(told["parents"][self.email()], self.unit, "{told:#}");
        told["accounts"][self.email()].as_str().unwrap_or_else(|| panic!("{told:#}")).to_owned()
    }
}

/// Settings of an organization that is reached by a role of this account.
fn organization(account: &str, by: &str) -> String {
    format!(
        "[organizations.acme]\ntier = \"dev\"\naccount_id = \"{account}\"\nregion = \"eu-west-1\"\n\
         role_arn = \"arn:aws:iam::{by}:role/management\"\n"
    )
}

#[test]
fn an_account_is_created_placed_and_found_again_by_mcp_and_command_line() {
    let site = Site::new();
    site.organization(json!({ "polls": 2 }));
    let mut client = site.project.serve();
    let plan = structured(client.call(TOOL, &site.request(), &mut |_| {}).unwrap());
    let plan = plan.expect("planned");
    let text = plan.at("/plan_stdout");
    let told =
        [site.management.as_str(), "1 accounts", "is not there", "Workloads", "role/management"];
    for told in told.map(|told| told.replace("role/management", "assumed-role/management")) {
        assert!(text.contains(&told), "{told}: {text}");
    }
    site.asked(0);
    let mut real = site.real();
    real["tags"] = json!({ "team": "data" });
    let made = structured(client.call(TOOL, &real, &mut |_| {}).unwrap()).expect("succeeded");
    client.stop().unwrap();
    let account = site.is_placed();
    assert_eq!(made.at("/details/account_id"), account);
    assert_eq!(site.organization(json!({}))["tags"][site.email()]["team"], "data");

    let again = site.call(&real).expect("succeeded");
    assert!(again.at("/next").starts_with("nothing to do"), "{:#}", again.value);
    real["ou_id"] = json!(site.root);
    real["tags"] = json!({ "team": "platform" });
    site.call(&real).expect("succeeded");
    let told = site.organization(json!({}));
    assert_eq!(told["parents"][site.email()], site.root);
    assert_eq!(told["tags"][site.email()]["team"], "platform");
    site.asked(1);
    let listed = site.project.call("list_environments", &json!({}));
    assert_eq!(listed.at("/organizations/0/organization"), "acme");
    assert_eq!(listed.at("/organizations/0/last_operation/tool"), TOOL);
    let checks = site.project.call("preflight", &json!({}));
    assert!(checks.out.contains("organization/acme identity"), "{}", checks.out);
    site.project.log_is_whole();
    site.project.lock_is_free();
}

#[test]
fn promise_3_a_person_approves_an_account_by_the_name_of_its_organization() {
    let mut site = Site::new();
    site.project.set(|s| s.rules = "auto_approve = []\ntyped_name = true".into());
    let asked = site.call(&site.real()).expect("approval_required");
    site.asked(0);
    assert_eq!(site.project.approves(&asked.at("/approval/id")), "acme");
    let plan = json!({ "plan_id": asked.at("/plan_id"), "dry_run": false, "wait_s": 120 });
    site.call(&plan).expect("succeeded");
    site.is_placed();
    site.call(&plan).refused("approval_used");
    site.project.log_is_whole();
}

#[test]
fn an_address_that_another_organization_has_fails_with_its_reason() {
    let (first, second) = (Site::new(), Site::new());
    first.call(&first.real()).expect("succeeded");
    let mut taken = second.real();
    taken["email"] = json!(first.email());
    let failed = second.call(&taken).expect("failed");
    assert_eq!(failed.at("/error/details/reason"), "EMAIL_ALREADY_EXISTS", "{:#}", failed.value);
    assert_eq!(failed.at("/error/field"), "email");
    assert_eq!(failed.at("/details/account_id"), "", "no account, no id");
    let mut other = first.real();
    other["account_name"] = json!("prod");
    let refused = first.call(&other).refused("invalid_request");
    assert!(refused.at("/error/message").contains("whose name is dev"));
    first.is_placed();
}

#[test]
fn the_quota_is_told_with_what_to_do() {
    let site = Site::new();
    site.organization(json!({ "quota": 1 }));
    let failed = site.call(&site.real()).expect("failed");
    assert_eq!(failed.at("/error/details/reason"), "ACCOUNT_NUMBER_LIMIT_EXCEEDED");
    assert!(failed.at("/error/next").contains("quota"), "{:#}", failed.value);
    site.asked(0);
    site.project.lock_is_free();
}

#[test]
fn a_failure_after_three_looks_is_told_and_the_next_call_asks_anew() {
    let site = Site::new();
    site.organization(json!({ "polls": 3, "failure": "PENDING_BUSINESS_VALIDATION" }));
    let failed = site.call(&site.real()).expect("failed");
    assert_eq!(failed.at("/error/code"), "upstream_denied");
    assert!(failed.at("/error/next").contains("validation"), "{:#}", failed.value);
    site.asked(1);
    site.organization(json!({ "polls": 0 }));
    site.call(&site.real()).expect("succeeded");
    site.asked(2);
    site.project.lock_is_free();
}

#[test]
fn a_busy_or_unfinished_organization_is_asked_again() {
    let site = Site::new();
    let busy = [
        "ConcurrentModificationException",
        "TooManyRequestsException",
        "FinalizingOrganizationException",
    ];
    site.organization(json!({ "next": busy, "busy_moves": 1 }));
    let answer = site.call(&site.real()).expect("succeeded");
    site.is_placed();
    let log = site.project.cli(&["ops", "tail", &answer.operation()]);
    assert!(log.out.contains("FinalizingOrganizationException"), "{}", log.out);
}

#[test]
fn a_lost_answer_is_found_by_its_request_and_not_asked_again() {
    let site = Site::new();
    site.organization(json!({ "next": ["lost"], "polls": 1 }));
    site.call(&site.real()).expect("succeeded");
    site.is_placed();
}

#[test]
fn security_19_only_the_management_account_makes_accounts() {
    let mut site = Site::new();
    site.call(&site.real()).expect("succeeded");
    let member = site.is_placed();
    site.project.set(|s| s.more = organization(&member, &member));
    let stranger = site.call(&site.request()).refused("wrong_identity");
    assert!(stranger.at("/error/message").contains("not the management account"));
    assert_eq!(stranger.at("/error/allowed"), site.management);
    site.organization(json!({ "delegated": member }));
    let mut other = site.real();
    other["email"] = json!(format!("two+{}", site.email()));
    site.call(&other).refused("wrong_identity");
    other["dry_run"] = json!(true);
    let looked = site.call(&other).expect("planned");
    assert!(looked.at("/warnings").contains("not be carried out"), "{:#}", looked.value);
    let (mine, theirs) = (site.management.clone(), member.clone());
    site.project.set(|s| s.more = organization(&mine, &theirs));
    site.call(&other).refused("wrong_identity");
    site.asked(1);
}
