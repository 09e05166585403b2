//! Where keys come from: each source found, named and used; each failure typed; nothing asked that is not the source, and
//! no secret of a source shown. The program is real; what gives out keys are stand-ins.

mod endpoints;
mod failures;
mod google;
mod mfa;
mod stand_in;
mod tokens;

use std::process::Stdio;

use serde_json::Value;

use self::stand_in::{CANARY, StandIn};
use super::site::{Site, text};
use crate::alone;

/// `~/.aws/sso/cache/` and the SHA-1 of `corp`, as the AWS CLI names the file of a session.
const TOKEN_OF_CORP: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

const STATE: &str = "state = { backend = \"local\", path = \"dev.tfstate\" }";

/// A project, a home folder and the stand-ins.
struct Rig {
    site: Site,
    stand_in: StandIn,
}

/// What `preflight` told.
struct Told {
    checks: Vec<Value>,
    all: String,
}

impl Rig {
    fn new() -> Self {
        let rig = Self { site: Site::new(), stand_in: StandIn::start() };
        rig.endpoint(Some(&rig.stand_in.url));
        rig
    }

    /// Names another endpoint in the settings, or none.
    fn endpoint(&self, url: Option<&str>) {
        let settings = text(&self.site.at("datamcp.toml"));
        let old = settings.lines().find(|line| line.starts_with("endpoint_url")).unwrap();
        let new = url.map_or_else(String::new, |url| format!("endpoint_url = \"{url}\""));
        self.site.configure(old, &new);
    }

    /// Adds lines to the environment.
    fn settings(&self, lines: &str) {
        self.site.configure(STATE, &format!("{STATE}\n{lines}"));
    }

    /// Writes `~/.aws/config`.
    fn config(&self, config: &str) {
        self.site.write(".aws/config", config);
    }

    /// The token file of the SSO session `corp`.
    fn sso_token(&self, token: &str, expires: &str, refresh: &str) {
        let mut file = serde_json::json!({ "accessToken": token, "expiresAt": expires, "clientId": "client", "clientSecret": CANARY,
            "registrationExpiresAt": "2099-01-01T00:00:00Z", "region": "eu-west-1",
            "startUrl": "https://corp.example/start" });
        if !refresh.is_empty() {
            file["refreshToken"] = refresh.into();
        }
        self.site.write(TOKEN_OF_CORP, &file.to_string());
    }

    /// Runs `preflight` with these variables and no other key.
    fn preflight(&self, variables: &[(&str, &str)]) -> Told {
        let words = ["--json", "preflight", "--cloud", "aws", "--env", "dev"];
        let mut command = self.site.command(&words);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        let output = alone::output(&mut command);
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let answer: Value =
            serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
        let checks = answer["checks"].as_array().cloned().unwrap_or_default();
        let all = format!("{out}{err}");
        assert!(!all.contains(CANARY), "security 15: a secret of the source is shown: {all}");
        Told { checks, all }
    }
}

impl Told {
    /// The first check of a name.
    fn check(&self, name: &str) -> &Value {
        let found = self.checks.iter().find(|check| check["name"] == format!("aws/dev {name}"));
        found.unwrap_or_else(|| panic!("{name}: {}", self.all))
    }

    fn of(answer: &Value) -> Self {
        let checks = answer["checks"].as_array().cloned().unwrap_or_default();
        Self { checks, all: answer.to_string() }
    }

    fn found(&self, source: &str, key: &str) {
        let seen = self.check("credentials")["seen"].as_str().unwrap();
        assert!(seen.starts_with(source), "{source}: {}", self.all);
        let arn = format!("arn:aws:iam::123456789012:user/{key} in account 123456789012");
        assert_eq!(self.check("identity")["seen"], arn, "{}", self.all);
    }

    fn warns(&self, of: &str) -> bool {
        let mut warnings = self.checks.iter().filter(|check| check["level"] == "warning");
        warnings.any(|check| check["seen"].as_str().unwrap().contains(of))
    }
}

const SSO: &str = "[profile p]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = r\n\
                   [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n";

const IN_VARIABLES: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "KEY-OF-VARIABLES"), ("AWS_SECRET_ACCESS_KEY", CANARY)];

fn printing(key: &str) -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"{CANARY}","SessionToken":"{CANARY}","Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn keys_in_variables_and_profiles() {
    let rig = Rig::new();
    rig.settings("credentials = { source = \"environment\" }");
    let told = rig.preflight(&IN_VARIABLES);
    told.found("environment variables, without a known end", "KEY-OF-VARIABLES");
    assert!(told.warns("long-lived"), "{}", told.all);

    let rig = Rig::new();
    rig.settings("profile = \"p\"");
    rig.config(&format!(
        "[profile p]\naws_access_key_id = KEY-OF-PROFILE\naws_secret_access_key = {CANARY}\n"
    ));
    let told = rig.preflight(&IN_VARIABLES);
    told.found("profile p: access keys", "KEY-OF-PROFILE");
    assert!(told.warns("AWS_ACCESS_KEY_ID is set and not used"), "{}", told.all);
}

#[test]
fn roles_are_chained_under_our_name() {
    let rig = Rig::new();
    rig.settings(
        "profile = \"p\"\nrole_arn = \"arn:aws:iam::123456789012:role/last\"\n\
         external_id = \"right\"\nsession_duration_s = 1800",
    );
    rig.config(&format!(
        "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/first\nsource_profile = base\n\
         duration_seconds = 900\nrole_session_name = somebody\nexternal_id = theirs\n\
         [profile base]\naws_access_key_id = KEY-OF-BASE\naws_secret_access_key = {CANARY}\n"
    ));
    let told = rig.preflight(&[]);
    let source = "role arn:aws:iam::123456789012:role/last by role \
                  arn:aws:iam::123456789012:role/first by profile p (keys of profile base): access keys, until 2099";
    told.found(source, "KEY-OF-ROLE");
    let calls = rig.stand_in.calls("AssumeRole");
    let wanted = [
        ["role%2Ffirst", "DurationSeconds=900", "ExternalId=theirs"],
        ["role%2Flast", "DurationSeconds=1800", "ExternalId=right"],
    ];
    assert_eq!(calls.len(), 2, "{calls:?}");
    for (call, parts) in calls.iter().zip(wanted) {
        assert!(parts.iter().all(|part| call.contains(part)), "{call}");
        assert!(call.contains("RoleSessionName=preflight"), "security 19: {call}");
    }
}

#[test]
fn processes_of_settings_and_profiles() {
    let rig = Rig::new();
    rig.site.write("keys", &printing("KEY-OF-PROCESS"));
    let file = rig.site.at("keys").display().to_string();
    rig.settings(&format!(
        "credentials = {{ source = \"process\", command = [\"/bin/cat\", \"{file}\"] }}"
    ));
    rig.preflight(&[]).found("process /bin/cat, until 2099-01-01", "KEY-OF-PROCESS");

    let rig = Rig::new();
    rig.settings("credentials = { source = \"profile\", profile = \"p\" }");
    rig.site.write("keys", &printing("KEY-OF-LINE"));
    rig.config(&format!(
        "[profile p]\ncredential_process = /bin/cat '{}' | /bin/cat\n",
        rig.site.at("keys").display()
    ));
    rig.preflight(&[]).found("profile p: credential process", "KEY-OF-LINE");
}

#[test]
fn web_identity_is_exchanged_unsigned() {
    let rig = Rig::new();
    rig.settings(
        "credentials = { source = \"web_identity\", token_file = \"token\", role_arn = \
         \"arn:aws:iam::123456789012:role/web\" }\nsession_duration_s = 1200",
    );
    rig.site.write("token", &format!("{CANARY}\n"));
    rig.preflight(&[]).found("web identity as arn:aws:iam::123456789012:role/web", "KEY-OF-WEB");
    let calls = rig.stand_in.calls("AssumeRoleWithWebIdentity");
    assert!(
        calls[0].contains(&format!("WebIdentityToken={CANARY}&")) || calls[0].ends_with(CANARY)
    );
    assert!(calls[0].contains("DurationSeconds=1200") && calls[0].contains("Name=preflight"));
}

#[test]
fn sso_tokens_are_used_and_renewed() {
    let rig = Rig::new();
    rig.settings("profile = \"p\"");
    rig.config(SSO);
    rig.sso_token(CANARY, "2099-01-01T00:00:00Z", "");
    rig.preflight(&[]).found("profile p: IAM Identity Center, until 2099", "KEY-OF-SSO");
    assert!(!rig.stand_in.asked().iter().any(|asked| asked.target.contains("/token")));

    // Ended, but the token service renews it; the file is the AWS CLI's and gets the new one.
    rig.sso_token(CANARY, "2020-01-01T00:00:00Z", CANARY);
    rig.preflight(&[]).found("profile p: IAM Identity Center", "KEY-OF-SSO");
    assert!(text(&rig.site.at(TOKEN_OF_CORP)).contains(&format!("{CANARY}-renewed")));
}

#[test]
fn container_and_instance_are_asked_when_named() {
    let rig = Rig::new();
    rig.settings("credentials = { source = \"container\" }");
    let url = format!("{}/container", rig.stand_in.url);
    let mut variables = vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())];
    variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN", CANARY));
    rig.preflight(&variables).found("container credentials, until 2099", "KEY-OF-CONTAINER");

    let rig = Rig::new();
    rig.settings("credentials = { source = \"instance\" }");
    let metadata = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.stand_in.url.as_str())];
    rig.preflight(&metadata).found("instance metadata, until 2099", "KEY-OF-INSTANCE");
}

#[test]
fn ambient_credentials_are_taken_in_the_order_of_the_sdks() {
    let rig = Rig::new();
    rig.site.write("token", CANARY);
    let (token, container) = (rig.site.at("token"), format!("{}/container", rig.stand_in.url));
    let all = [
        vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.stand_in.url.as_str())],
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", CANARY),
        ],
        vec![
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
        ],
        vec![("AWS_PROFILE", "p")],
        IN_VARIABLES.to_vec(),
    ];
    rig.config(&format!(
        "[profile p]\naws_access_key_id = KEY-OF-PROFILE\naws_secret_access_key = {CANARY}\n"
    ));
    let mut variables = Vec::new();
    let sources = [
        ("instance metadata", "KEY-OF-INSTANCE"),
        ("container credentials", "KEY-OF-CONTAINER"),
        ("web identity", "KEY-OF-WEB"),
        ("profile p: access keys", "KEY-OF-PROFILE"),
        ("environment variables", "KEY-OF-VARIABLES"),
    ];
    for (more, (source, key)) in all.into_iter().zip(sources) {
        variables.extend(more);
        rig.preflight(&variables).found(source, key);
    }
    let asked = rig.stand_in.asked();
    let of = |part: &str| asked.iter().filter(|asked| asked.target.contains(part)).count();
    assert_eq!((of("/latest/"), of("/container")), (3, 1), "only where nothing came before it");
}

#[test]
fn a_server_sees_keys_that_were_replaced_meanwhile() {
    let rig = Rig::new();
    rig.settings("profile = \"p\"");
    let mut server = rig.site.serve();
    server.initialize("2025-11-25");
    for key in ["KEY-OF-YESTERDAY", "KEY-OF-TODAY"] {
        rig.config(&format!(
            "[profile p]\naws_access_key_id = {key}\naws_secret_access_key = {CANARY}\n"
        ));
        let target = serde_json::json!({ "cloud": "aws", "env": "dev" });
        let answer = server.call("preflight", &target);
        Told::of(&answer["structuredContent"]).found("profile p: access keys", key);
    }
}
