//! `datamcp eks-token` finds keys as everything else of ours does: a profile that is named is the only source, and nothing
//! asks a metadata service beside it (security row 15, fault 44). It finds the session that a person made by signing in.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::person::Person;

use super::stand_in::{BlackHole, CANARY};
use super::{IN_VARIABLES, Rig};
use crate::alone;

impl Rig {
    fn token(&self, more: &[&str], variables: &[(&str, &str)]) -> Output {
        let url = self.stand_in.url.as_str();
        let words =
            ["eks-token", "--cluster", "acme", "--region", "eu-west-1", "--endpoint-url", url];
        let mut command = self.site.command(&[&words[..], more].concat());
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        let output = alone::output(&mut command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains(CANARY), "security 15: {said}");
        output
    }

    /// Id of the key that signed the token.
    fn signer(&self, more: &[&str], variables: &[(&str, &str)]) -> String {
        use base64::Engine;
        let output = self.token(more, variables);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let token = answer["status"]["token"].as_str().unwrap();
        let text = token.strip_prefix("k8s-aws-v1.").unwrap();
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        let url = String::from_utf8(url).unwrap();
        let signed = url.split("X-Amz-Credential=").nth(1).unwrap();
        signed.split("%2F").next().unwrap().to_owned()
    }
}

fn refused(output: &Output, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty() && said.contains(says), "{says}: {said}");
}

fn keys_of(profile: &str, key: &str) -> String {
    format!("[profile {profile}]\naws_access_key_id = {key}\naws_secret_access_key = {CANARY}\n")
}

#[test]
fn security_15_a_profile_that_is_named_wins_over_variables() {
    let rig = Rig::new();
    rig.config(&keys_of("p", "KEY-OF-PROFILE"));
    assert_eq!(rig.signer(&["--profile", "p"], &IN_VARIABLES), "KEY-OF-PROFILE");
    assert_eq!(rig.signer(&[], &IN_VARIABLES), "KEY-OF-VARIABLES");
    assert_eq!(rig.signer(&[], &[("AWS_PROFILE", "p")]), "KEY-OF-PROFILE");
}

#[test]
fn fault_44_a_profile_that_leads_nowhere_is_the_answer_and_no_metadata_is_asked() {
    let rig = Rig::new();
    let hole = BlackHole::start();
    let metadata = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", hole.url.as_str()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", hole.url.as_str()),
    ];
    let began = Instant::now();
    for (config, says) in [
        ("", "there is no such profile"),
        ("[profile p]\nregion = eu-west-1\n", "leads to no credentials"),
    ] {
        rig.config(config);
        let variables = [&metadata[..], &IN_VARIABLES].concat();
        refused(&rig.token(&["--profile", "p"], &variables), says);
        refused(&rig.token(&[], &[&metadata[..], &[("AWS_PROFILE", "p")]].concat()), says);
    }
    assert_eq!(hole.asked(), 0);
    assert!(began.elapsed() < Duration::from_secs(20), "nothing was waited for");
    // The control: where nothing is named, the hole is asked and costs what its limit says.
    refused(&rig.token(&[], &metadata[..1]), "the instance metadata service");
    assert_ne!(hole.asked(), 0);
}

#[test]
fn a_role_is_assumed_with_its_external_id_under_the_session_that_was_named() {
    let rig = Rig::new();
    let role = "arn:aws:iam::123456789012:role/external";
    let all = ["--role-arn", role, "--external-id", "right", "--session", "0198f2c4"];
    assert_eq!(rig.signer(&all, &IN_VARIABLES), "KEY-OF-ROLE");
    let calls = rig.stand_in.calls("AssumeRole");
    let has = |part: &str| calls[0].contains(part);
    assert!(has("RoleSessionName=0198f2c4") && has("ExternalId=right"), "{calls:?}");
    assert!(!rig.site.at(".cache").exists(), "a token of an operation is kept nowhere");
    refused(&rig.token(&all[..2], &IN_VARIABLES), "set external_id");
}

#[test]
fn the_session_of_whoever_signed_in_is_found() {
    const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alice";
    let rig = Rig::new();
    rig.settings("profile = \"p\"");
    let role = "role_arn = arn:aws:iam::123456789012:role/guarded\nsource_profile = base\n";
    let base = keys_of("base", "KEY-OF-BASE");
    rig.config(&format!("[profile p]\n{role}mfa_serial = {SERIAL}\n{base}"));
    let state = rig.site.at("state").display().to_string();
    refused(&rig.token(&["--profile", "p"], &[]), "a person runs `datamcp sign-in`");
    refused(
        &rig.token(&["--profile", "p", "--state", &state], &[]),
        "a person runs `datamcp sign-in`",
    );
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_datamcp"));
    let home = [("HOME".to_owned(), rig.site.at("").display().to_string())];
    let words = ["sign-in", "--cloud", "aws", "--env", "dev"];
    let folder = rig.site.at("");
    let sat = alone::start(|| Person::sit_down(program, &words, &home, &folder));
    let mut person = sat.unwrap();
    person.sees("type its six (digits)").unwrap();
    person.types("730918").unwrap();
    let ending = person.leaves().unwrap();
    assert_eq!(ending.code, 0, "{}", ending.text);
    assert_eq!(rig.signer(&["--profile", "p", "--state", &state], &[]), "KEY-OF-ROLE");
    let serial = ["--profile", "base", "--mfa-serial", SERIAL, "--state", &state];
    assert_eq!(rig.signer(&serial, &[]), "KEY-OF-MFA");
    refused(&rig.token(&["--profile", "p"], &[]), "a person runs `datamcp sign-in`");
}
