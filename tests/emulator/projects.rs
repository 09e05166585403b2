//! Projects of Google Cloud, made by the real binary: by MCP and on the command line, in each test in an organization of its
//! own. Google is a stand-in that is held against Google's own descriptions of its APIs.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::harness::{Answered, Project, structured};

mod deaths;
mod permissions;
mod refusals;

const TOOL: &str = "gcp_create_project";
/// What must be seen nowhere but in the person's own file: every token of the stand-in begins like the second one.
const CANARIES: [&str; 2] = ["canary-8c1e", "ya29."];

/// A user's project with an organization of its own.
pub(super) struct Site {
    pub(super) project: Project,
    number: String,
    billing: String,
    id: String,
}

impl Site {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = format!("4{:07}{next:04}", std::process::id() % 10_000_000);
        let billing = format!("{:06X}-000000-{next:06X}", std::process::id() % 0x00FF_FFFF);
        let id = format!("acme-{}-p{next}", std::process::id());
        let mut site = Self { project: Project::new(), number, billing, id };
        let person = format!("{}@example.com", site.id);
        let refresh = format!("{}-{}", CANARIES[0], site.id);
        let signed_in = json!({ "person": person, "refresh_token": refresh, "seconds": 3600 });
        site.project.lab.emulator().control("google", &signed_in).unwrap();
        site.set(json!({ "members": [person], "billing": { site.billing.clone(): true } }));
        let file = json!({ "type": "authorized_user", "client_id": "id", "refresh_token": refresh,
            "client_secret": format!("{}-secret", CANARIES[0]) });
        let path = site.project.folder().join("google-user.json");
        std::fs::write(path, file.to_string()).unwrap();
        let settings = site.settings("");
        site.project.set(|s| s.more = settings);
        site
    }

    fn settings(&self, more: &str) -> String {
        format!(
            "[organizations.google]\ncloud = \"gcp\"\ntier = \"dev\"\norganization_id = \"{}\"\n\
             credentials = {{ source = \"file\", path = \"google-user.json\" }}\n\
             labels = {{ team = \"data\" }}\n{more}\n[gcp]\nendpoint_url = \"{}/_google\"\n",
            self.number, self.project.lab.aws.endpoint
        )
    }

    /// Sets and asks the state of the organization, behind everybody's back.
    pub(super) fn set(&self, mut request: Value) -> Value {
        request["organization"] = json!(self.number);
        self.project.lab.emulator().control("google_projects", &request).unwrap()
    }

    fn seen(&self) -> Value {
        self.set(json!({}))
    }

    /// The project as the stand-in has it; null when there is none.
    fn made(&self) -> Value {
        self.seen()["projects"][&self.id].clone()
    }

    pub(super) fn request(&self) -> Value {
        json!({ "project_id": self.id, "billing_account": self.billing, "wait_s": 120,
            "apis": ["compute.googleapis.com", "container.googleapis.com"] })
    }

    pub(super) fn real(&self) -> Value {
        let mut request = self.request();
        request["dry_run"] = json!(false);
        request["auto_approve"] = json!(true);
        request
    }

    /// The same with all that can stand beside a project.
    pub(super) fn all_wishes(&self) -> Value {
        let mut real = self.real();
        for wish in ["remove_default_network", "disable_default_account", "lien"] {
            real[wish] = json!(true);
        }
        real["budget"] = json!({ "amount": 500, "currency": "EUR" });
        real
    }

    pub(super) fn call(&self, request: &Value) -> Answered {
        self.project.call(TOOL, request)
    }

    #[track_caller]
    fn asked(&self, times: u64) {
        assert_eq!(self.seen()["asked"], times, "calls that make a project");
    }

    /// It is there once, billed, and with its APIs on.
    #[track_caller]
    fn is_whole(&self) -> Value {
        self.is_whole_after(1)
    }

    /// The same after so many calls that ask for it.
    #[track_caller]
    fn is_whole_after(&self, asked: u64) -> Value {
        self.asked(asked);
        assert_eq!(self.seen()["projects"].as_object().unwrap().len(), 1);
        let made = self.made();
        assert_eq!(made["billed_to"], self.billing, "{made:#}");
        assert_eq!(made["apis"], json!(["compute.googleapis.com", "container.googleapis.com"]));
        assert_eq!(made["labels"], json!({ "team": "data" }));
        made
    }

    #[track_caller]
    fn is_clean(&self) {
        for entry in walkdir::WalkDir::new(self.project.folder()) {
            let entry = entry.unwrap();
            if !entry.file_type().is_file() || entry.file_name() == "google-user.json" {
                continue;
            }
            let text = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&text);
            let clean = !CANARIES.iter().any(|canary| text.contains(canary));
            assert!(clean, "promise 7: {}", entry.path().display());
        }
        self.project.log_is_whole();
        self.project.lock_is_free();
    }
}

#[test]
fn a_project_is_made_billed_and_found_again_by_mcp_and_command_line() {
    let site = Site::new();
    site.set(json!({ "polls": 2 }));
    let mut client = site.project.serve();
    let plan = structured(client.call(TOOL, &site.request(), &mut |_| {}).unwrap());
    let plan = plan.expect("planned");
    let text = plan.at("/plan_stdout");
    let own = format!("organizations/{}", site.number);
    for told in
        [own.as_str(), "as user:", "acme.example", "is not there", "#compute.googleapis.com"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    site.asked(0);
    let made = structured(client.call(TOOL, &site.real(), &mut |_| {}).unwrap());
    let made = made.expect("succeeded");
    client.stop().unwrap();
    let there = site.is_whole();
    assert_eq!(made.at("/details/project_number"), there["number"].as_str().unwrap());
    assert_eq!(made.value["details"]["done"], json!(["project", "billing", "apis"]));

    let again = site.call(&site.real()).expect("succeeded");
    assert!(again.at("/next").starts_with("nothing to do"), "{:#}", again.value);
    let listed = site.project.call("list_environments", &json!({}));
    assert_eq!(listed.at("/organizations/0/organization"), "google");
    assert_eq!(listed.at("/organizations/0/last_operation/tool"), TOOL);
    let checks = site.project.call("preflight", &json!({}));
    assert!(checks.out.contains("organization/google identity"), "{}", checks.out);
    site.asked(1);
    site.is_clean();
}

#[test]
fn what_is_wanted_beside_it_is_made_and_kept() {
    let mut site = Site::new();
    site.project.set(|s| s.rules = "auto_approve = [\"create\", \"update\", \"delete\"]".into());
    let mut real = site.all_wishes();
    real["apis"] = json!(["container.googleapis.com"]);
    let plan = site.call(&{
        let mut dry = real.clone();
        dry["dry_run"] = json!(true);
        dry
    });
    let text = plan.expect("planned").at("/plan_stdout");
    for told in
        ["#default_network", "#default_account", "#lien", "#budget: 500 EUR a month", "#iam."]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    site.set(json!({ "polls": 1 }));
    site.call(&real).expect("succeeded");
    let made = site.made();
    assert_eq!(made["network"], json!([]));
    assert_eq!(made["account"], "off");
    assert_eq!(made["liens"][0]["restrictions"], json!(["resourcemanager.projects.delete"]));
    assert_eq!(made["budgets"][0]["amount"]["specifiedAmount"]["units"], "500");
    let again = site.call(&real).expect("succeeded");
    assert!(again.at("/next").starts_with("nothing to do"), "{:#}", again.value);
    assert_eq!(site.made(), made, "nothing twice");
    // Somebody gives the budget another amount; who is told, and when, is left to people.
    site.set(json!({ "budget": [site.id, "90"] }));
    let mut dry = real.clone();
    dry["dry_run"] = json!(true);
    let plan = site.call(&dry).expect("planned");
    let text = plan.at("/plan_stdout");
    assert!(text.contains("500 EUR a month, and no longer 90 EUR"), "{text}");
    site.call(&real).expect("succeeded");
    assert_eq!(site.made(), made, "the amount alone, as it was");
    dry["budget"]["currency"] = json!("USD");
    let refused = site.call(&dry).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "budget.currency", "{:#}", refused.value);
    assert_eq!(refused.at("/error/allowed"), "EUR");
    // Labels and further APIs of one that is there.
    real["labels"] = json!({ "stage": "dev" });
    real["apis"] = json!((0..21).map(|n| format!("api{n:02}.googleapis.com")).collect::<Vec<_>>());
    let more = site.call(&real).expect("succeeded");
    assert_eq!(more.value["details"]["done"], json!(["labels", "apis"]), "{:#}", more.value);
    let made = site.made();
    assert_eq!(made["labels"], json!({ "team": "data", "stage": "dev" }));
    assert_eq!(made["apis"].as_array().unwrap().len(), 24);
    let calls = site.seen()["calls"].to_string().matches("services.batchEnable").count();
    assert_eq!(calls, 3, "twenty at a time");
    site.is_clean();
}

#[test]
fn promise_3_a_person_approves_a_project_by_the_name_of_its_organization() {
    let mut site = Site::new();
    site.project.set(|s| s.rules = "auto_approve = []".into());
    let asked = site.call(&site.real()).expect("approval_required");
    site.asked(0);
    site.project.approves(&asked.at("/approval/id"));
    let plan = json!({ "plan_id": asked.at("/plan_id"), "dry_run": false, "wait_s": 120 });
    site.call(&plan).expect("succeeded");
    site.is_whole();
    site.call(&plan).refused("approval_used");
    site.is_clean();
}

#[test]
fn a_folder_of_the_organization_takes_projects_and_another_does_not() {
    let mut site = Site::new();
    let number = |n: u8| format!("{}{n}", site.number);
    let own = format!("organizations/{}", site.number);
    let (upper, lower, foreign, gone) = (number(1), number(2), number(3), number(4));
    site.set(json!({ "folders": {
        upper.clone(): [own, "ACTIVE"], lower.clone(): [format!("folders/{upper}"), "ACTIVE"],
        foreign.clone(): ["organizations/1", "ACTIVE"], gone.clone(): [own, "DELETE_REQUESTED"],
    } }));
    let within = |folder: &str| {
        let mut real = site.real();
        real["folder_id"] = json!(folder);
        real
    };
    for bad in [&foreign, &gone] {
        let refused = site.call(&within(bad)).refused("invalid_request");
        assert_eq!(refused.at("/error/field"), "folder_id", "{:#}", refused.value);
    }
    site.call(&within(&lower)).expect("succeeded");
    assert_eq!(site.is_whole()["parent"], format!("folders/{lower}"));
    // It is where it is.
    let refused = site.call(&within(&upper)).refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "project_id", "{:#}", refused.value);
    let settings = site.settings(&format!("parents = [\"folders/{upper}\"]"));
    let request = within(&lower);
    site.project.set(|s| s.more = settings);
    let refused = site.call(&request).refused("invalid_request");
    assert_eq!(refused.at("/error/allowed"), format!("folders/{upper}"));
}
