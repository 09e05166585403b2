//! Fault 40, security 19: between a plan and its carrying out the file of the profile holds another account's keys. Settings
//! stay as they were. It is refused before anything is started; with the first keys back the same plan runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Answered, Project, Settings, module_of, step, terraform_apply};

/// Nobody's account but the emulator's.
const OTHER: &str = "210987654321";

/// Access keys of a user of an account.
struct Keys(String, String);

impl Keys {
    fn of(project: &Project, account: &str) -> Self {
        let role = format!("arn:aws:iam::{account}:role/lab");
        let inside = project.lab.emulator().assuming(&role).unwrap();
        let name = project.folder().file_name().unwrap().to_string_lossy().replace('.', "");
        let all = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "*", "Resource": "*" },
        ]});
        let (id, secret) = inside.user_with_policy(&name, &all).unwrap();
        Self(id, secret)
    }

    /// Puts them into the profile `p`.
    fn put(&self, project: &Project) {
        let folder = project.folder().join("home/.aws");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("credentials");
        let Self(id, secret) = self;
        let text = format!("[p]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A plan that was made with one account's keys.
struct Planned {
    project: Project,
    tool: &'static str,
    plan: Value,
    ours: Keys,
}

impl Planned {
    fn new(project: Project, tool: &'static str, account: &str, mut request: Value) -> Self {
        let ours = Keys::of(&project, account);
        ours.put(&project);
        request["wait_s"] = json!(120);
        let plan = project.call(tool, &request).expect("planned").at("/plan_id");
        let plan =
            json!({ "plan_id": plan, "dry_run": false, "auto_approve": true, "wait_s": 120 });
        Self { project, tool, plan, ours }
    }

    fn call(&self) -> Answered {
        self.project.call(self.tool, &self.plan)
    }

    /// With the other account's keys it is refused, and nothing was started.
    #[track_caller]
    fn is_refused_to_others(&self) -> Answered {
        Keys::of(&self.project, OTHER).put(&self.project);
        let refused = self.call().refused("wrong_identity");
        assert_eq!(refused.status(), "refused");
        let message = refused.at("/error/message");
        assert!(message.contains(OTHER), "{message}");
        let journal = self.project.run(&refused.operation()).join("journal.jsonl");
        let journal = fs::read_to_string(journal).unwrap_or_default();
        assert!(!journal.contains("intent"), "{journal}");
        self.project.lock_is_free();
        refused
    }

    fn runs_with_ours(&self) {
        self.ours.put(&self.project);
        self.call().expect("succeeded");
        self.project.log_is_whole();
    }
}

fn project() -> Project {
    let mut project = Project::new();
    project.set(|s| "profile = \"p\"\n".clone_into(&mut s.environment));
    project
}

#[test]
fn fault_40_security_19_a_switched_profile_does_not_bootstrap() {
    let mut project = project();
    let name = project.folder().file_name().unwrap().to_string_lossy().to_lowercase();
    let bucket = format!("switched-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), ""));
    let state = format!("{{ backend = \"s3\", bucket = \"{bucket}\", key = \"dev\" }}");
    project.set(|s| s.state.clone_from(&state));
    let account = project.lab.aws.account_id.clone();
    let request = json!({ "cloud": "aws", "env": "dev" });
    let planned = Planned::new(project, "bootstrap_state_backend", &account, request);
    planned.is_refused_to_others();
    let emulator = planned.project.lab.emulator();
    let inside = emulator.assuming(&format!("arn:aws:iam::{OTHER}:role/lab")).unwrap();
    for there in [&emulator, &inside] {
        assert!(!there.inventory().unwrap().buckets.contains(&bucket));
    }
    planned.runs_with_ours();
    assert!(emulator.inventory().unwrap().buckets.contains(&bucket));
}

#[test]
fn fault_40_security_19_a_switched_profile_does_not_apply() {
    let mut project = project();
    project.module(&module_of("local", &step("a", None, &project.effects().command("a"))));
    project.set(Settings::asks_a_person);
    let account = project.lab.aws.account_id.clone();
    let request = json!({ "cloud": "aws", "env": "dev", "vars": { "turn": "1" } });
    let planned = Planned::new(project, "apply_terraform", &account, request);
    let asked = planned.call().expect("approval_required");
    planned.project.approves(&asked.at("/approval/id"));
    planned.is_refused_to_others();
    assert_eq!(terraform_apply(&planned.project.state()).len(), 0);
    assert_eq!(planned.project.effects().count(), 0);
    planned.runs_with_ours();
    assert_eq!(planned.project.effects().count(), 1);
}

#[test]
fn fault_40_security_19_a_switched_profile_makes_no_account() {
    let management = format!("8{:011}", std::process::id());
    let mut project = Project::new();
    let settings = format!(
        "[organizations.acme]\ntier = \"dev\"\naccount_id = \"{management}\"\nregion = \"eu-west-1\"\nprofile = \"p\"\n"
    );
    project.set(|s| s.more.clone_from(&settings));
    let emulator = project.lab.emulator();
    let told =
        |account: &str| emulator.control("organizations", &json!({ "account": account })).unwrap();
    let unit = told(&management)["unit"].clone();
    let email = format!("switched+{management}@example.com");
    let request = json!({ "email": email, "account_name": "switched", "ou_id": unit });
    let planned = Planned::new(project, "aws_create_account", &management, request);
    // The other account manages an organization too: whose it is, is what counts.
    told(OTHER);
    planned.is_refused_to_others();
    for account in [management.as_str(), OTHER] {
        assert_eq!(told(account)["accounts"][&email], Value::Null, "{account}");
        assert_eq!(told(account)["asked"], 0, "{account}");
    }
    planned.runs_with_ours();
    assert!(told(&management)["accounts"][&email].is_string());
}
