//! `docs/permissions.md`, run: with its policy a tool works; without any one action of it the tool fails and names that
//! action. On an emulator of its own that holds each request against IAM.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::lab::{Emulator, Lab, PrivateLab};

use crate::harness::{Answered, Project};

mod accounts;
mod others;
mod state;

const BUCKET: &str = "state-of-the-table";
const KEY: &str = "dev/terraform.tfstate";
const TABLE: &str = "locks-of-the-table";
const CLUSTER: &str = "table";
const ROLE: &str = "role-of-the-table";
const KMS_KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-96ef-1234567890ab";

/// One part of the page.
struct Documented {
    /// Actions of its table, in its order.
    actions: Vec<String>,
    policy: Value,
}

impl Documented {
    fn read(tool: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
        let page = std::fs::read_to_string(file).unwrap();
        let heading = format!("\n## {tool}\n");
        let part = page.split_once(&heading).unwrap_or_else(|| panic!("no {tool}")).1;
        let part = part.split("\n## ").next().unwrap();
        let actions: Vec<String> = part
            .lines()
            .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
            .collect();
        let policy = part.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
        let policy: Value = serde_json::from_str(policy).unwrap();
        let documented = Self { actions, policy };
        let table: BTreeSet<&str> = documented.actions.iter().map(String::as_str).collect();
        assert_eq!(table, documented.of_policy(), "{tool}: table and policy name the same");
        documented
    }

    fn of_policy(&self) -> BTreeSet<&str> {
        let statements = self.policy["Statement"].as_array().unwrap();
        statements.iter().flat_map(|s| list(&s["Action"])).collect()
    }

    fn table(&self) -> BTreeSet<String> {
        self.actions.iter().cloned().collect()
    }

    /// The statements for the things of this test, without one action.
    fn statements(&self, without: Option<&str>) -> Vec<Value> {
        self.statements_for(BUCKET, without)
    }

    fn statements_for(&self, bucket: &str, without: Option<&str>) -> Vec<Value> {
        let text = self
            .policy
            .to_string()
            .replace("STATE_BUCKET", bucket)
            .replace("STATE_KEY", KEY)
            .replace("LOCK_TABLE", TABLE)
            .replace("CLUSTER", CLUSTER)
            .replace("SECRET-", "db-of-the-table-")
            .replace("KMS_KEY", KMS_KEY)
            .replace("role/ROLE", &format!("role/{ROLE}"))
            .replace("REGION", "eu-west-1")
            .replace("ACCOUNT", "123456789012");
        let policy: Value = serde_json::from_str(&text).unwrap();
        let mut statements = policy["Statement"].as_array().unwrap().clone();
        for statement in &mut statements {
            let left: Vec<&str> = list(&statement["Action"]);
            let left: Vec<&str> =
                left.into_iter().filter(|action| Some(*action) != without).collect();
            statement["Action"] = json!(left);
        }
        statements.retain(|s| !list(&s["Action"]).is_empty());
        statements
    }
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        many => many.as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect(),
    }
}

/// An emulator, and whoever works in it.
struct Rig {
    lab: PrivateLab,
    _folder: TempDir,
    users: usize,
    /// Name of the user of the newest project.
    user: String,
}

/// One for all tests, for one at a time: enforcement is switched for the whole emulator. It ends with this process.
static RIG: LazyLock<Mutex<Rig>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::start_private(folder.path()).unwrap();
    Mutex::new(Rig { lab, _folder: folder, users: 0, user: String::new() })
});

impl Rig {
    fn lend() -> MutexGuard<'static, Self> {
        let rig = RIG.lock().unwrap_or_else(PoisonError::into_inner);
        rig.emulator().enforce_iam(false).unwrap();
        if rig.emulator().inventory().unwrap().buckets.contains(BUCKET) {
            rig.emulator().delete_bucket(BUCKET).unwrap();
        }
        rig
    }

    fn emulator(&self) -> Emulator {
        self.lab.emulator()
    }

    /// A project of a user with these statements, over TLS; requests are held against them from here on.
    fn user(&mut self, statements: &[Value], state: &str) -> Project {
        self.emulator().enforce_iam(false).unwrap();
        self.users += 1;
        let name = format!("user{}", self.users);
        let (id, secret) = self.emulator().user_with_policy(&name, &policy(statements)).unwrap();
        self.user = name;
        self.emulator().enforce_iam(true).unwrap();
        let mut project = Project::new();
        project.lab = Lab::clone(&self.lab);
        (project.lab.aws.access_key_id, project.lab.aws.secret_access_key) = (id, secret);
        let aws = &self.lab.aws;
        let lines = format!(
            "endpoint_url = \"{}\"\nca_bundle = \"{}\"",
            aws.tls_endpoint,
            aws.ca_bundle.display()
        );
        project.set(|s| (s.state, s.aws) = (state.to_owned(), lines));
        project
    }

    /// Gives the user of the newest project other statements, from the next request on.
    fn may_now(&self, statements: &[Value]) {
        self.as_admin(|emulator| {
            emulator.policy_of_user(&self.user, &policy(statements)).unwrap();
        });
    }

    /// The actions that were asked for since this was asked last, without the one that needs no permission.
    fn asked(&self) -> BTreeSet<String> {
        let asked = self.emulator().enforce_iam(true).unwrap()["asked"].clone();
        let asked = asked.as_object().unwrap().keys();
        asked.filter(|action| *action != "sts:GetCallerIdentity").cloned().collect()
    }

    /// Does something that the user may not do.
    fn as_admin(&self, work: impl FnOnce(&Emulator)) {
        self.emulator().enforce_iam(false).unwrap();
        work(&self.emulator());
        self.emulator().enforce_iam(true).unwrap();
    }
}

fn policy(statements: &[Value]) -> Value {
    // A policy without statements is none; this one allows what needs no permission.
    let none = json!({ "Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*" });
    let all: Vec<Value> = statements.iter().cloned().chain([none]).collect();
    json!({ "Version": "2012-10-17", "Statement": all })
}

fn denied(answer: &Answered, action: &str) {
    assert_eq!(answer.at("/error/code"), "upstream_denied", "{action}: {:#}", answer.value);
    assert_eq!(answer.at("/error/details/action"), action, "{:#}", answer.value);
    assert!(answer.at("/error/next").contains(action), "{:#}", answer.value);
}

fn in_s3(more: &str) -> String {
    format!("{{ backend = \"s3\", bucket = \"{BUCKET}\", key = \"{KEY}\"{more} }}")
}

fn bootstrap(project: &Project) -> Answered {
    let request = json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true });
    project.call("bootstrap_state_backend", &request)
}

/// Made, then looked at: the look at a bucket that is not there asks for nothing.
fn made_and_seen(project: &Project) -> Answered {
    let made = bootstrap(project);
    if made.status() == "succeeded" { bootstrap(project) } else { made }
}

#[test]
fn the_policy_of_the_state_bucket_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    let documented = Documented::read("bootstrap_state_backend");
    let project = rig.user(&documented.statements(None), &in_s3(""));
    made_and_seen(&project).expect("succeeded");
    assert_eq!(documented.table(), rig.asked(), "the page names just what was asked for");
    for action in &documented.actions {
        rig.as_admin(|emulator| emulator.delete_bucket(BUCKET).unwrap());
        let project = rig.user(&documented.statements(Some(action)), &in_s3(""));
        let answer = made_and_seen(&project);
        if action == "s3:ListBucket" {
            // A bucket that may not be looked at is not told apart from one of somebody else.
            assert_eq!(answer.at("/error/code"), "upstream_denied", "{:#}", answer.value);
            assert!(answer.at("/error/next").contains(action), "{:#}", answer.value);
            rig.as_admin(|emulator| emulator.create_versioned_bucket(BUCKET).unwrap());
        } else {
            denied(&answer, action);
            if action == "s3:CreateBucket" {
                rig.as_admin(|emulator| emulator.create_versioned_bucket(BUCKET).unwrap());
            }
        }
        project.lock_is_free();
    }
}

#[test]
fn the_policy_of_the_lock_table_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    let bucket = Documented::read("bootstrap_state_backend").statements(None);
    let table = Documented::read("bootstrap_state_backend with a lock table");
    let state = in_s3(&format!(", lock_table = \"{TABLE}\""));
    let unprotect = |emulator: &Emulator| {
        let off = json!({ "TableName": TABLE, "DeletionProtectionEnabled": false });
        emulator.dynamodb("UpdateTable", &off).unwrap();
    };
    for without in table.actions.iter().map(String::as_str).map(Some).chain([None]) {
        let statements = [bucket.clone(), table.statements(without)].concat();
        let project = rig.user(&statements, &state);
        let mut answer = bootstrap(&project);
        if answer.status() == "succeeded" {
            rig.as_admin(unprotect);
            answer = bootstrap(&project);
        }
        match without {
            Some(action) => denied(&answer, action),
            None => drop(answer.expect("succeeded")),
        }
    }
}
