//! Roles that want a second factor. The lab's layer `keys` knows the device's seed, computes codes by itself, takes each
//! once, and lets nobody assume the role whose keys came without one.

use std::time::Duration;

use serde_json::{Value, json};
use xtask::person::Ending;

use crate::ageing::{begun, layer, project, role_arn};
use crate::harness::{Answered, Effects, Project, module_of, step};

/// Base32 of 20 bytes.
const SEED: &str = "KRUGS43JONXG65DBOJSWC3DTMVSWIAAB";
const TARGET: [&str; 4] = ["--cloud", "aws", "--env", "dev"];

/// A role that wants a second factor, and a device of the test's own.
pub(crate) struct Guarded {
    pub(crate) project: Project,
    pub(crate) role: String,
    pub(crate) serial: String,
}

impl Guarded {
    pub(crate) fn new(mut project: Project, name: &str, seed: &str, mfa: &str) -> Self {
        let name = format!("dm-mfa-{name}-{}", std::process::id());
        let serial = format!("arn:aws:iam::{}:mfa/{name}", project.lab.aws.account_id);
        layer(&project, &json!({ "device": serial, "seed": seed }));
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole",
            "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" } } }] });
        let trust: Vec<String> =
            trust.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        let trust = trust.concat();
        let form = format!(
            "Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument={trust}"
        );
        project.lab.emulator().call("iam", &form).unwrap();
        let arn = role_arn(&project, &name);
        let lines = format!("role_arn = \"{arn}\"\nmfa = {{ serial = \"{serial}\"{mfa} }}\n");
        project.set(|s| {
            s.environment = lines;
            // Whoever signs in is a person; an administrator sees what they did.
            s.roles = "[\"admin\", \"change\", \"destroy\"]".into();
        });
        Self { project, role: name, serial }
    }

    /// One step that needs no call of terraform's own.
    fn of_a_step(name: &str, mfa: &str) -> Self {
        let module =
            |effects: &Effects| module_of("local", &step("a", None, &effects.command("a")));
        Self::new(Project::with(module), name, SEED, mfa)
    }

    /// What the device shows so many steps of 30 seconds from now.
    pub(crate) fn code(&self, later: i32) -> String {
        let told = layer(&self.project, &json!({ "device": self.serial, "code": later }));
        told["code"].as_str().unwrap().to_owned()
    }

    /// How many codes came to AWS, and how many it took.
    pub(crate) fn codes(&self) -> (u64, u64) {
        let told = layer(&self.project, &json!({ "device": self.serial }));
        (told["asked"].as_u64().unwrap(), told["taken"].as_u64().unwrap())
    }

    /// A person types a code in front of `sign-in`.
    pub(crate) fn signs_in(&self, code: &str) -> Ending {
        let mut person = self.project.sits_down(&[&["sign-in"], &TARGET[..]].concat());
        person.sees("type its six (digits)").unwrap();
        person.types(code).unwrap();
        person.leaves().unwrap()
    }

    fn taken(&self, code: &str) {
        let ending = self.signs_in(code);
        assert_eq!(ending.code, 0, "{}", ending.text);
    }

    fn not_taken(&self, code: &str) {
        let ending = self.signs_in(code);
        assert_eq!(ending.code, 1, "{}", ending.text);
        let told = ending.text.replace('\n', " ");
        assert!(told.contains("invalid MFA one time pass code"), "{told}");
        assert!(told.contains("wait for the device's next one"), "{told}");
    }

    /// Keys that were given out for the role.
    fn issued(&self) -> Vec<Value> {
        let issued = layer(&self.project, &json!({ "role": self.role }))["issued"].clone();
        issued.as_array().unwrap().clone()
    }

    /// How an operation ends that nobody signed in for.
    #[track_caller]
    fn wants_a_person(&self, answer: &Answered) {
        let error = |at: &str| answer.at(&format!("/error/{at}"));
        assert_eq!(error("code"), "upstream_denied", "{:#}", answer.value);
        let next = "a person runs `datamcp sign-in --cloud aws --env dev` on a terminal";
        assert_eq!(error("next"), next, "{:#}", answer.value);
        assert!(error("message").contains(&self.serial), "{:#}", answer.value);
    }

    fn credentials(&self) -> Value {
        let checks = self.project.call("preflight", &json!({ "cloud": "aws", "env": "dev" }));
        let all = checks.value["checks"].as_array().unwrap();
        all.iter().find(|check| check["name"] == "aws/dev credentials").unwrap().clone()
    }
}

#[test]
fn security_19_a_role_that_wants_a_second_factor_is_refused_without_one() {
    let mut site = Guarded::of_a_step("bare", "");
    let answer = site.project.apply(&json!({}));
    site.wants_a_person(&answer);
    assert!(site.issued().is_empty(), "nothing was asked with half of a proof");

    // The control: the role itself refuses keys without it.
    let arn = role_arn(&site.project, &site.role);
    site.project.set(|s| s.environment = format!("role_arn = \"{arn}\"\n"));
    let check = site.credentials();
    assert_eq!(check["level"], "failed", "{check:#}");
    assert!(check["fix"].as_str().unwrap().contains("mfa if for a second factor"), "{check:#}");
    site.project.lock_is_free();
    site.project.log_is_whole();
}

#[test]
fn security_19_one_code_is_enough_for_every_operation_and_counts_once() {
    let site = Guarded::of_a_step("once", "");
    site.not_taken("000000");
    site.not_taken(&site.code(-3));
    let code = site.code(0);
    site.taken(&code);
    let mut ids = Vec::new();
    for turn in ["1", "2"] {
        let id = site.project.apply(&json!({ "turn": turn })).operation();
        site.project.operation(&id, 60).expect("succeeded");
        ids.push(id);
    }
    let issued = site.issued();
    for id in &ids {
        let named = issued.iter().any(|key| key["session"] == id.as_str());
        assert!(named, "the session bears the operation's name: {issued:#?}");
    }
    assert_eq!(site.codes(), (3, 1), "no operation asked for a code");
    site.not_taken(&code);
    site.taken(&site.code(1));
    assert_eq!(site.codes(), (5, 2));
    let check = site.credentials();
    let seen = check["seen"].as_str().unwrap();
    assert!(seen.contains(&format!("MFA session of {} (until ", site.serial)), "{seen}");
    site.project.log_is_whole();
}

#[test]
fn security_19_keys_that_are_renewed_during_an_apply_need_no_other_code() {
    let site =
        Guarded::new(project(&format!("dm-mfa-long-{}", std::process::id()), 25), "long", SEED, "");
    layer(&site.project, &json!({ "role": site.role, "lifetime_s": 16 }));
    site.taken(&site.code(0));
    let id = begun(&site.project, &format!("dm-mfa-long-{}", std::process::id()));
    site.project.operation(&id, 180).expect("succeeded");
    let issued = site.issued();
    let ours = issued.iter().filter(|key| key["session"] == id.as_str());
    let made = ours.filter(|key| key["calls"]["iam CreateRole"].is_u64()).count();
    assert_eq!(made, 2, "the provider made the two roles with two keys: {issued:#?}");
    assert_eq!(site.codes(), (1, 1));
    site.project.log_is_whole();
}

#[test]
fn security_19_a_session_that_has_ended_asks_again() {
    let site = Guarded::of_a_step("ended", "");
    layer(&site.project, &json!({ "role": site.serial, "lifetime_s": 20 }));
    site.taken(&site.code(0));
    let check = site.credentials();
    assert_eq!(check["level"], "ok", "{check:#}");
    std::thread::sleep(Duration::from_secs(20));
    let answer = site.project.apply(&json!({}));
    site.wants_a_person(&answer);
    let folder = std::fs::read_dir(site.project.state().join("mfa")).unwrap();
    let kept =
        folder.filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|e| e == "age"));
    assert_eq!(kept.count(), 0, "it is deleted");
    site.taken(&site.code(1));
    let id = site.project.apply(&json!({})).operation();
    site.project.operation(&id, 60).expect("succeeded");
    site.project.log_is_whole();
}
