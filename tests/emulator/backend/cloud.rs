//! State in HCP Terraform: real terraform on a stand-in of the calls it makes, over TLS, with a token by reference.

use serde_json::json;
use xtask::lab::Hcp;

use crate::harness::{Project, step};

const TOKEN: &str = "lab0000000.atlasv1.canary00000000000000";

fn module(project: &Project, more: &str) {
    let step = step("a", None, &project.effects().command("a"));
    project.module(&format!(
        "terraform {{\n  cloud {{{more}}}\n}}\n\nvariable \"turn\" {{\n  type    = string\n  default = \"0\"\n}}\n\n{step}\n\
         output \"turn\" {{\n  value = var.turn\n}}\n"
    ));
}

fn in_hcp(token: &str) -> (Project, Hcp) {
    let mut project = Project::new();
    let hcp = Hcp::start(&project.folder().join("hcp"), TOKEN).unwrap();
    with_token(&mut project, &hcp, token);
    project.variables.push(("SSL_CERT_FILE".into(), hcp.ca_bundle().display().to_string()));
    module(&project, "");
    (project, hcp)
}

fn with_token(project: &mut Project, hcp: &Hcp, token: &str) {
    let host = hcp.host();
    project.set(|s| {
        s.state = format!(
            "{{ backend = \"cloud\", organization = \"acme\", workspace = \"dev\", hostname = \"{host}\", token = \"{token}\" }}"
        );
    });
}

/// A secret of the emulator with the token in one of its entries; the reference to it.
fn in_a_secret_manager(project: &Project) -> String {
    let name = format!("datamcp/hcp-{}", std::process::id());
    let secret = json!({ "Name": name, "SecretString": json!({ "token": TOKEN }).to_string() });
    let emulator = project.lab.emulator();
    emulator.json_call("secretsmanager.CreateSecret", &secret).unwrap();
    format!("aws-secretsmanager:{name}#token")
}

#[test]
fn state_in_hcp_terraform_is_planned_applied_locked_and_the_token_stays_inside() {
    let (mut project, hcp) = in_hcp("env:LAB_TOKEN");
    let without = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    assert_eq!(without.at("/error/field"), "state.token", "{:#}", without.value);
    project.variables.push(("LAB_TOKEN".into(), TOKEN.into()));
    assert_eq!(project.plan(&json!({ "turn": "1" })).at("/summary/add"), "1");
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    let outputs = project.call("terraform_outputs", &json!({ "cloud": "aws", "env": "dev" }));
    assert_eq!(outputs.at("/outputs/turn/value"), "1", "{:#}", outputs.value);
    assert_eq!(project.plan(&json!({ "turn": "1" })).at("/summary/text"), "no changes");
    let requests = hcp.requests().unwrap();
    assert!(requests.iter().any(|r| r.starts_with("POST") && r.contains("/state-versions 201")));
    assert!(requests.iter().all(|r| !r.contains("/runs")), "carried out here: {requests:?}");

    hcp.lock(true).unwrap();
    let held = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    let held = held.refused("lock_held");
    assert_eq!(held.at("/error/details/state_lock"), "", "terraform names itself as the holder");
    assert!(held.at("/error/message").contains("the workspace is locked"), "{:#}", held.value);
    hcp.lock(false).unwrap();

    project.variables.retain(|(name, _)| name != "LAB_TOKEN");
    let reference = in_a_secret_manager(&project);
    with_token(&mut project, &hcp, &reference);
    assert_eq!(project.plan(&json!({ "turn": "1" })).at("/summary/text"), "no changes");

    for entry in walkdir::WalkDir::new(project.state()).into_iter().filter_map(Result::ok) {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let leaked = bytes.windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes());
        assert!(!leaked, "promise 7: the token is in {}", entry.path().display());
    }
    project.log_is_whole();
}

/// A token in a file that only we may read.
fn keep_token(project: &Project, text: impl AsRef<[u8]>) {
    use std::os::unix::fs::PermissionsExt;
    let file = project.folder().join("token");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_workspace_whose_runs_are_carried_out_elsewhere_is_refused_before_anything_runs() {
    let (project, hcp) = in_hcp("file:token");
    keep_token(&project, TOKEN);
    for mode in ["remote", "agent"] {
        hcp.execution_mode(mode).unwrap();
        for tool in ["apply_terraform", "detect_drift", "terraform_outputs"] {
            let request = json!({ "cloud": "aws", "env": "dev" });
            let refused = project.call(tool, &request).refused("invalid_request");
            assert_eq!(refused.at("/error/field"), "state.workspace", "{:#}", refused.value);
            assert_eq!(refused.at("/error/given"), mode);
            assert_eq!(refused.at("/error/allowed"), "local");
            assert!(refused.at("/error/next").contains("to Local"), "{:#}", refused.value);
        }
    }
    // Terraform would ask for the organization's rights and for the state: only the workspace was looked at.
    let asked = hcp.requests().unwrap();
    let looked = |line: &String| {
        line.contains("/.well-known/") || line.contains("/organizations/acme/workspaces/dev ")
    };
    assert!(asked.iter().all(looked), "{asked:#?}");
    project.lock_is_free();

    hcp.execution_mode("local").unwrap();
    project.plan(&json!({ "turn": "1" }));
    keep_token(&project, "another");
    let request = json!({ "cloud": "aws", "env": "dev" });
    let refused = project.call("apply_terraform", &request).refused("upstream_denied");
    assert_eq!(refused.at("/error/field"), "state.token", "{:#}", refused.value);
    project.log_is_whole();
}

#[test]
fn bad_input_52_what_does_not_fit_is_refused_with_guidance() {
    let (project, hcp) = in_hcp("file:token");
    keep_token(&project, format!("{TOKEN}\n"));
    let call = |request| project.call("apply_terraform", &request);
    let other = call(json!({ "cloud": "aws", "env": "dev", "workspace": "other" }));
    assert_eq!(other.at("/error/field"), "workspace", "{:#}", other.value);
    module(&project, "\n    workspaces {\n      tags = [\"a\"]\n    }\n  ");
    let tags = call(json!({ "cloud": "aws", "env": "dev" })).refused("policy_denied");
    assert!(tags.at("/error/next").contains("one workspace an environment"), "{:#}", tags.value);
    assert!(hcp.requests().is_err(), "nobody was asked");
    module(&project, "");
    project.plan(&json!({ "turn": "1" }));
}
