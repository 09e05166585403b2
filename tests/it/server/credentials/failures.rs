//! How each source fails: one typed error with what to do, in bounded time, without a word of what the source said.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::stand_in::{BlackHole, CANARY};
use super::{Rig, SSO, Told};

impl Told {
    /// The credentials check failed like this, and no call was made with keys that were not found.
    fn failed(&self, seen: &str, fix: &str) {
        let check = self.check("credentials");
        assert_eq!(check["level"], "failed", "{}", self.all);
        let has = |key: &str, part: &str| check[key].as_str().unwrap_or("").contains(part);
        assert!(has("seen", seen), "{seen}: {}", self.all);
        assert!(has("fix", fix), "{fix}: {}", self.all);
        let asked = self.checks.iter().any(|check| check["name"] == "aws/dev identity");
        assert!(!asked, "{}", self.all);
    }
}

fn with(settings: &str) -> Rig {
    let rig = Rig::new();
    rig.settings(settings);
    rig
}

#[test]
fn profiles_that_lead_nowhere_say_why() {
    for (config, seen, fix) in [
        ("", "there is no such profile", "list-profiles"),
        ("[profile p]\nregion = eu-west-1\n", "leads to no credentials", ""),
        ("[profile p]\nrole_arn = r\n", "needs source_profile or credential_source", ""),
        (
            "[profile p]\nrole_arn = r\nsource_profile = q\n",
            "which profile p names",
            "list-profiles",
        ),
        (
            "[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nrole_arn = r\nsource_profile = p\n",
            "in a circle",
            "",
        ),
        (
            "[profile p]\nrole_arn = r\nmfa_serial = s\nsource_profile = q\n",
            "mfa_serial s is not an MFA device",
            "",
        ),
        (
            "[profile p]\nrole_arn = r\nmfa_serial = GAHT12345678\ncredential_source = Ec2InstanceMetadata\n",
            "instance metadata gives those of a role",
            "remove mfa_serial",
        ),
        (
            "[profile p]\nrole_arn = r\nmfa_serial = GAHT12345678\nsource_profile = q\n\
             [profile q]\nrole_arn = r\nmfa_serial = GAHT00000000\nsource_profile = b\n\
             [profile b]\naws_access_key_id = A\naws_secret_access_key = B\n",
            "another one than that of the profile before it",
            "",
        ),
        ("[profile p]\nrole_arn = r\ncredential_source = Moon\n", "Moon is not known", ""),
        ("[profile p]\nsso_session = gone\n", "no section [sso-session gone]", ""),
        ("[profile p]\nlogin_session = x\n", "is not read by this version", "export-credentials"),
        ("p]\nbroken", "reading the shared AWS configuration", "mend the file"),
    ] {
        let rig = with("profile = \"p\"");
        rig.config(config);
        rig.preflight(&[]).failed(seen, fix);
        assert!(rig.stand_in.asked().is_empty(), "{config}");
    }
}

#[test]
fn processes_that_fail_are_not_quoted() {
    let rig = with("credentials = { source = \"process\", command = [\"SCRIPT\", \"x\"] }");
    let script = rig.site.at("script");
    rig.site.configure("SCRIPT", &script.display().to_string());
    rig.preflight(&[]).failed("cannot be started", "run it by hand");
    for (says, seen) in [
        (format!("echo {CANARY}; echo {CANARY} >&2; exit 3"), "ended with exit code 3"),
        ("kill -9 $$".to_owned(), "was ended by signal 9"),
        (format!("echo {CANARY}"), "printed something else"),
        (
            format!(
                "echo '{{\"Version\":7,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"{CANARY}\"}}'"
            ),
            "printed a Version other than 1",
        ),
        (
            format!(
                "echo '{{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"{CANARY}\",\"Expiration\":\"2020-01-01T00:00:00Z\"}}'"
            ),
            "ended at 2020-01-01T00:00:00Z",
        ),
    ] {
        rig.site.write("script", &format!("#!/bin/sh\n{says}\n"));
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        rig.preflight(&[]).failed(seen, "");
    }
}

#[test]
fn a_process_that_hangs_is_ended() {
    let rig = with("profile = \"p\"");
    let pid = rig.site.at("pid").display().to_string();
    rig.config(&format!("[profile p]\ncredential_process = echo $$ > {pid}; /bin/sleep 600\n"));
    rig.preflight(&[]).failed("gave no answer within 15 s", "run it by hand");
    let pid = std::fs::read_to_string(pid).unwrap();
    let alive = std::path::Path::new("/proc").join(pid.trim()).join("cmdline");
    // It is killed, not waited for: a busy machine takes a moment.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !std::fs::read(&alive).unwrap_or_default().is_empty() {
        assert!(std::time::Instant::now() < deadline, "it goes on: {}", alive.display());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn sso_tokens_that_are_missing_ended_or_refused_lead_to_a_login() {
    let login = "run `aws sso login --profile p`";
    let rig = with("profile = \"p\"");
    rig.config(SSO);
    rig.preflight(&[]).failed("IAM Identity Center for profile p", login);
    rig.sso_token(CANARY, "2020-01-01T00:00:00Z", "");
    rig.preflight(&[]).failed("the SSO token has expired", login);
    rig.sso_token(CANARY, "2020-01-01T00:00:00Z", "not-the-one");
    rig.preflight(&[]).failed("ended and could not be renewed", login);
    rig.sso_token(&format!("{CANARY}-refused"), "2099-01-01T00:00:00Z", "");
    rig.preflight(&[]).failed("the token has ended or is not valid", login);
}

#[test]
fn roles_that_refuse_say_which() {
    let role = |name: &str| format!("role_arn = \"arn:aws:iam::123456789012:role/{name}\"");
    let keys = [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", CANARY)];
    for (settings, works) in [
        (role("DenyAll"), false),
        (role("external"), false),
        (format!("{}\nexternal_id = \"wrong\"", role("external")), false),
        (format!("{}\nexternal_id = \"right\"", role("external")), true),
    ] {
        let rig = with(&settings);
        let told = rig.preflight(&keys);
        if works {
            told.found("role arn:aws:iam::123456789012:role/external by", "KEY-OF-ROLE");
        } else {
            told.failed("not authorized to perform: sts:AssumeRole", "trust policy");
        }
    }
    let rig = with(
        "credentials = { source = \"web_identity\", token_file = \"gone\", role_arn = \
         \"arn:aws:iam::123456789012:role/web\" }",
    );
    rig.preflight(&keys).failed("reading the token", "name the file");
    rig.site.write("gone", " \n");
    rig.preflight(&keys).failed("the file is empty", "name the file");
}

#[test]
fn fault_44_a_black_hole_costs_no_more_than_its_limit() {
    let hole = BlackHole::start();
    let rig = with("credentials = { source = \"instance\" }");
    let told = rig.preflight(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &hole.url)]);
    told.failed("asking the instance metadata service", "run on an instance with a role");
    assert_eq!(hole.asked(), 1, "one attempt");
    let slack = Duration::from_millis(500);
    assert!(hole.waited() < Duration::from_secs(2) + slack, "{:?}", hole.waited());

    let hole = BlackHole::start();
    let rig = with("credentials = { source = \"container\" }");
    let told = rig.preflight(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &hole.url)]);
    told.failed("asking the container endpoint", "AWS_CONTAINER_CREDENTIALS_*");
    assert!(hole.waited() < Duration::from_secs(5) + slack, "{:?}", hole.waited());
}

#[test]
fn fault_44_no_metadata_is_asked_when_something_else_is_configured() {
    let hole = BlackHole::start();
    let metadata = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", hole.url.as_str());
    let container = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", hole.url.as_str());
    for (settings, variables, seen) in [
        ("profile = \"gone\"", vec![], "there is no such profile"),
        ("", vec![("AWS_PROFILE", "gone")], "there is no such profile"),
        ("profile = \"p\"", vec![], "IAM Identity Center"),
        ("credentials = { source = \"environment\" }", vec![], "AWS_ACCESS_KEY_ID is not set"),
        ("", vec![("AWS_ACCESS_KEY_ID", "half")], "AWS_SECRET_ACCESS_KEY is not set"),
        ("credentials = { source = \"container\" }", vec![], "asking the container endpoint"),
    ] {
        let rig = with(settings);
        rig.config(SSO);
        let mut all = vec![metadata];
        if !settings.contains("container") {
            all.push(container);
        }
        all.extend(variables);
        rig.preflight(&all).failed(seen, "");
        assert_eq!(hole.asked(), 0, "{settings}");
    }
    let rig = with("");
    let off = [metadata, ("AWS_EC2_METADATA_DISABLED", "true")];
    rig.preflight(&off)
        .failed("instance metadata is switched off", "give the environment a source");
    assert_eq!(hole.asked(), 0);
}
