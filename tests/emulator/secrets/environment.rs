//! Security row 14: what the server inherits does not reach terraform.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{Project, chain, feed, for_real, structured, terraform_apply, until};

/// Everything that terraform, its provider or a credential chain would listen to.
const INHERITED: [(&str, &str); 14] = [
    ("TF_VAR_turn", "planted"),
    ("TF_CLI_ARGS", "-no-such-flag"),
    ("TF_CLI_ARGS_plan", "-destroy"),
    ("TF_CLI_ARGS_apply", "-no-such-flag"),
    ("TF_CLI_ARGS_init", "-no-such-flag"),
    ("TF_LOG", "trace"),
    ("TF_LOG_PATH", "planted.log"),
    ("TF_DATA_DIR", "planted"),
    ("TF_WORKSPACE", "planted"),
    ("TF_CLI_CONFIG_FILE", "planted.rc"),
    ("TF_REATTACH_PROVIDERS", "{\"planted\":{}}"),
    ("AWS_SESSION_TOKEN", "planted"),
    ("LD_LIBRARY_PATH", "/planted"),
    ("BASH_ENV", "/planted"),
];

/// All that terraform's environment may name.
const ALLOWED: [&str; 16] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "CHECKPOINT_DISABLE",
    "TF_IN_AUTOMATION",
    "TF_INPUT",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_PROFILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

#[test]
fn security_14_inherited_variables_have_no_effect() {
    let project = Project::with(|effects| chain(effects, 1, 1.0));
    let mut client = project.serve_with(&INHERITED);
    let mut request = for_real(&json!({}));
    request["wait_s"] = json!(0);
    let answer = structured(client.call("apply_terraform", &request, &mut |_| {}).unwrap());
    let id = answer.expect("running").operation();
    until("terraform", 20, || !terraform_apply(&project.state()).is_empty());
    let pid = terraform_apply(&project.state())[0].pid;
    let environ =
        String::from_utf8(std::fs::read(format!("/proc/{pid}/environ")).unwrap()).unwrap();
    let pairs: Vec<(&str, &str)> =
        environ.split('\0').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap()).collect();
    let names: BTreeSet<&str> = pairs.iter().map(|(name, _)| *name).collect();
    let more: Vec<_> = names.iter().filter(|n| !ALLOWED.contains(n)).collect();
    assert!(more.is_empty(), "{more:?}");
    assert!(!environ.contains("planted"), "{environ}");
    let aws = &project.lab.aws;
    for key in [&aws.access_key_id, &aws.secret_access_key] {
        assert!(!environ.contains(key.as_str()), "security 15: a key in the environment");
    }

    let answer = project.operation(&id, 20).expect("succeeded");
    assert_eq!(answer.at("/result/summary/add"), "1", "not a destruction");
    let state = std::fs::read_to_string(project.tfstate()).unwrap();
    assert!(!state.contains("planted"), "{state}");
    let log = std::fs::read_to_string(project.run(&id).join("log.txt")).unwrap();
    assert!(!log.contains("[TRACE]") && !log.contains("[DEBUG]"), "{log}");
}

#[test]
fn security_14_19_an_inherited_endpoint_is_refused_where_the_settings_name_none() {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    let text = project.settings.text(&project.lab);
    let without: Vec<&str> = text.lines().filter(|l| !l.starts_with("endpoint_url")).collect();
    std::fs::write(project.config(), without.join("\n")).unwrap();
    let mut command = project.command(&["--json", "call", "apply_terraform", "--request", "-"]);
    command.env("AWS_ENDPOINT_URL", &project.lab.aws.endpoint);
    let answer = feed(&mut command, &for_real(&json!({})).to_string());
    assert_ne!(answer.status(), "succeeded", "{:#}", answer.value);
    assert_eq!(project.effects().count(), 0);
}
