//! A second factor: one code of a person, or of a seed, makes a session that all that follows finds; without one it is told
//! who has to do what. Neither code nor seed is in any file, answer or screen of ours.

use std::path::Path;

use serde_json::Value;
use xtask::person::{Ending, Person};

use super::stand_in::CANARY;
use super::{IN_VARIABLES, Rig, Told};
use crate::alone;

const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alice";
const CODE: &str = "730918";
/// Base32 of 20 bytes.
const SEED: &str = "KRUGS43JONXG65DBOJSWC3DTMVSWIAAB";

fn with(mfa: &str) -> Rig {
    let rig = Rig::new();
    rig.settings(&format!(
        "role_arn = \"arn:aws:iam::123456789012:role/guarded\"\nmfa = {{ serial = \"{SERIAL}\"{mfa} }}"
    ));
    rig
}

impl Rig {
    /// A person types this in front of `sign-in`.
    fn signs_in(&self, typed: &str) -> Ending {
        self.signs_in_for(&["--cloud", "aws", "--env", "dev"], typed)
    }

    fn signs_in_for(&self, whom: &[&str], typed: &str) -> Ending {
        let words = [&["--json", "sign-in"], whom].concat();
        let mut environment = vec![("HOME".to_owned(), self.site.at("").display().to_string())];
        environment.push(("AWS_MAX_ATTEMPTS".to_owned(), "1".to_owned()));
        environment.extend(IN_VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let program = Path::new(env!("CARGO_BIN_EXE_datamcp"));
        let folder = self.site.at("");
        let sat = alone::start(|| Person::sit_down(program, &words, &environment, &folder));
        let mut person = sat.unwrap();
        person.sees("type its six (digits)").unwrap();
        person.types(typed).unwrap();
        person.leaves().unwrap()
    }

    /// The check of the keys, without a session.
    fn wants_a_person(&self) {
        let told = self.preflight(&IN_VARIABLES);
        let check = told.check("credentials");
        assert_eq!(check["level"], "failed", "{}", told.all);
        let fix = "a person runs `datamcp sign-in --cloud aws --env dev` on a terminal";
        assert_eq!(check["fix"], fix, "{}", told.all);
        assert!(check["seen"].as_str().unwrap().contains(SERIAL), "{}", told.all);
    }

    /// What an administrator sees of the log.
    fn log(&self) -> Value {
        self.site.configure("roles = [\"change\",", "roles = [\"admin\", \"change\",");
        self.site.json(&["list-operations"]).1["operations"].clone()
    }

    /// Fails if a word is in any file of the project or of its state.
    fn nowhere(&self, word: &str) {
        for entry in walkdir::WalkDir::new(self.site.at("")) {
            let entry = entry.unwrap();
            if !entry.file_type().is_file() || entry.path().ends_with("seed") {
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            // Six digits are in longer numbers by chance.
            let found = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w == word);
            assert!(!found, "promise 7: {}", entry.path().display());
        }
    }

    fn sessions(&self) -> Vec<std::path::PathBuf> {
        let files = std::fs::read_dir(self.site.at("state/mfa")).into_iter().flatten();
        let files = files.map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|e| e == "age")).collect()
    }
}

impl Told {
    fn found_by_a_session(&self) {
        let source = format!(
            "role arn:aws:iam::123456789012:role/guarded by MFA session of {SERIAL} (until \
             2099-01-01T00:00:00Z) by environment variables, until 2099"
        );
        self.found(&source, "KEY-OF-ROLE");
    }
}

#[test]
fn one_code_is_enough_for_all_that_follows() {
    let rig = with("");
    rig.wants_a_person();
    assert!(rig.stand_in.asked().is_empty(), "nobody is asked for what a person has to give");

    let ending = rig.signs_in("730 918");
    assert_eq!(ending.code, 0, "{}", ending.text);
    assert!(ending.text.contains("2099-01-01T00:00:00Z"), "{}", ending.text);
    let asked = rig.stand_in.signed("GetSessionToken");
    let (key, body) = &asked[0];
    assert_eq!((asked.len(), key.as_str()), (1, "KEY-OF-VARIABLES"));
    let serial = "SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Falice";
    for part in [serial, "TokenCode=730918", "DurationSeconds=43200"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    for _ in 0..2 {
        rig.preflight(&IN_VARIABLES).found_by_a_session();
    }
    let roles = rig.stand_in.signed("AssumeRole");
    assert!(roles.iter().all(|(key, _)| key == "KEY-OF-MFA"), "{roles:?}");
    assert_eq!((roles.len(), rig.stand_in.calls("GetSessionToken").len()), (2, 1));

    let log = rig.log();
    assert_eq!(log[0]["tool"], "sign_in", "{log}");
    let summary = format!("a person signed in with {SERIAL} until 2099-01-01T00:00:00Z");
    assert_eq!((&log[0]["status"], &log[0]["summary"]), (&"succeeded".into(), &summary.into()));
    rig.nowhere(CODE);
    rig.nowhere(CANARY);
}

#[test]
fn a_code_that_is_not_taken_is_told_and_leaves_nothing() {
    let rig = with("");
    let ending = rig.signs_in("000000");
    assert_eq!(ending.code, 1, "{}", ending.text);
    let told = ending.text.replace('\n', " ");
    assert!(told.contains("MultiFactorAuthentication failed"), "{told}");
    assert!(told.contains("wait for the device's next one"), "{told}");
    let log = rig.log();
    assert_eq!((&log[0]["tool"], &log[0]["status"]), (&"sign_in".into(), &"failed".into()));
    assert!(rig.sessions().is_empty());
    rig.wants_a_person();

    let before = rig.stand_in.asked().len();
    for typed in ["12345", "1234567", "12345a", ""] {
        let ending = rig.signs_in(typed);
        assert_eq!(ending.code, 1, "{}", ending.text);
        assert!(ending.text.contains("six digits"), "{}", ending.text);
    }
    assert_eq!(rig.stand_in.asked().len(), before, "what is no code is asked of nobody");
}

#[test]
fn promise_3_nobody_signs_in_without_a_terminal() {
    let rig = with("");
    let mut command = rig.site.command(&["sign-in", "--cloud", "aws", "--env", "dev"]);
    command.envs(IN_VARIABLES).stdin(std::process::Stdio::null());
    let output = alone::output(&mut without_terminal(&command));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no terminal"), "{said}");
    let called = rig.site.run(&["call", "sign_in"], "");
    let said = String::from_utf8_lossy(&called.stderr);
    assert!(said.contains("there is no such tool"), "{said}");
    assert!(rig.stand_in.asked().is_empty());
}

/// The same command in a session of its own: one that has no terminal.
fn without_terminal(command: &std::process::Command) -> std::process::Command {
    let mut own = std::process::Command::new("setsid");
    own.arg("--wait").arg(command.get_program()).args(command.get_args());
    own.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    own.env("PATH", "/usr/bin:/bin").current_dir(command.get_current_dir().unwrap());
    own
}

#[test]
fn a_profile_that_names_a_device_works_the_same_way() {
    let rig = Rig::new();
    rig.settings("profile = \"p\"");
    rig.config(&format!(
        "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/guarded\nsource_profile = base\n\
         mfa_serial = {SERIAL}\n\
         [profile base]\naws_access_key_id = KEY-OF-BASE\naws_secret_access_key = {CANARY}\n"
    ));
    rig.wants_a_person();
    assert_eq!(rig.signs_in(CODE).code, 0);
    let told = rig.preflight(&[]);
    let source = format!(
        "role arn:aws:iam::123456789012:role/guarded by MFA session of {SERIAL} (until \
         2099-01-01T00:00:00Z) by profile p (keys of profile base): access keys"
    );
    told.found(&source, "KEY-OF-ROLE");
    assert_eq!(rig.stand_in.signed("GetSessionToken")[0].0, "KEY-OF-BASE");
    assert_eq!(rig.stand_in.signed("AssumeRole")[0].0, "KEY-OF-MFA");

    // The settings may name it too, but not another one.
    rig.site.configure("profile = \"p\"", "profile = \"p\"\nmfa = { serial = \"GAHT12345678\" }");
    let told = rig.preflight(&[]);
    let seen = told.check("credentials")["seen"].as_str().unwrap();
    assert!(seen.contains("name two devices"), "{}", told.all);
}

#[test]
fn a_seed_by_reference_needs_nobody_and_two_at_once_spend_one_code() {
    let rig = with(", totp = \"file:seed\", duration_s = 900");
    rig.site.write("seed", &format!("{SEED}\n"));
    let seed = rig.site.at("seed");
    std::fs::set_permissions(&seed, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| rig.preflight(&IN_VARIABLES).found_by_a_session());
        }
    });
    let asked = rig.stand_in.calls("GetSessionToken");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("DurationSeconds=900"), "{asked:?}");
    let code = asked[0].split("TokenCode=").nth(1).unwrap().split('&').next().unwrap();
    assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{code}");
    rig.nowhere(SEED);
}

#[test]
fn promise_7_a_seed_that_is_none_is_named_by_its_reference() {
    let rig = with(", totp = \"env:SEED_OF_ALICE\"");
    for (value, seen) in [("", "holds nothing"), ("canary-no-seed!", "holds no base32")] {
        let mut variables = IN_VARIABLES.to_vec();
        variables.push(("SEED_OF_ALICE", value));
        let told = rig.preflight(&variables);
        let check = told.check("credentials");
        let text = format!("env:SEED_OF_ALICE {seen}");
        assert!(check["seen"].as_str().unwrap().contains(&text), "{}", told.all);
        assert!(!told.all.contains("canary-no-seed"), "{}", told.all);
    }
    assert!(rig.stand_in.asked().is_empty());
}

#[test]
fn temporary_keys_want_no_second_factor_of_a_user() {
    let rig = with("");
    let mut variables = IN_VARIABLES.to_vec();
    variables.push(("AWS_SESSION_TOKEN", CANARY));
    let told = rig.preflight(&variables);
    let seen = told.check("credentials")["seen"].as_str().unwrap();
    assert!(seen.contains("the keys are temporary"), "{}", told.all);
}

#[test]
fn a_session_is_private_and_of_these_keys_alone() {
    let rig = with("");
    assert_eq!(rig.signs_in(CODE).code, 0);
    let other = [("AWS_ACCESS_KEY_ID", "KEY-OF-BOB"), ("AWS_SECRET_ACCESS_KEY", CANARY)];
    let told = rig.preflight(&other);
    assert_eq!(told.check("credentials")["level"], "failed", "{}", told.all);
    let sessions = rig.sessions();
    let [session] = &sessions[..] else { panic!("one session: {sessions:?}") };
    let facts = session.metadata().unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o777, 0o600);
}

#[test]
fn an_organization_is_signed_in_for_by_its_name() {
    let rig = Rig::new();
    let settings = format!(
        "[organizations.corp]\ntier = \"prod\"\naccount_id = \"123456789012\"\nregion = \
         \"eu-west-1\"\nmfa = {{ serial = \"{SERIAL}\" }}\n[tiers.dev]"
    );
    rig.site.configure("[tiers.dev]", &settings);
    let checks = || rig.site.json(&["preflight"]).1["checks"].as_array().unwrap().clone();
    let keys = |checks: &[Value]| {
        let found = checks.iter().find(|c| c["name"] == "organization/corp credentials");
        found.unwrap_or_else(|| panic!("{checks:#?}")).clone()
    };
    let check = keys(&checks());
    let fix = "a person runs `datamcp sign-in --organization corp` on a terminal";
    assert_eq!((&check["level"], &check["fix"]), (&"failed".into(), &fix.into()));
    let ending = rig.signs_in_for(&["--organization", "corp"], CODE);
    assert_eq!(ending.code, 0, "{}", ending.text);
    assert_eq!(rig.log()[0]["target"], "organization/corp");
    let told = rig.preflight(&IN_VARIABLES);
    assert_eq!(
        told.check("credentials")["level"],
        "ok",
        "an environment without one: {}",
        told.all
    );
}
