//! The same tools on the command line: JSON, exit codes, standard input, and what only people do.

use datamcp::exec::{Invocation, Sink};
use serde_json::json;

use super::site::Site;

#[test]
fn a_tool_answers_the_same_here_and_over_mcp() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let over_mcp = server.call("list_environments", &json!({}))["structuredContent"].clone();
    assert_eq!(site.json(&["list-environments"]), (0, over_mcp.clone()));
    assert_eq!(site.json(&["call", "list_environments"]), (0, over_mcp));
}

#[test]
fn exit_codes_tell_done_refused_and_usage() {
    let site = Site::new();
    assert_eq!(site.run(&["list-environments"], "").status.code(), Some(0));
    assert_eq!(
        site.run(&["apply-terraform", "--cloud=aws", "--env=nowhere"], "").status.code(),
        Some(1)
    );
    assert_eq!(site.run(&["call", "no_such_tool"], "").status.code(), Some(1));
    for usage in [&["nonsense"][..], &[], &["apply-terraform", "--target=x"], &["approve"]] {
        let output = site.run(usage, "");
        assert_eq!(output.status.code(), Some(2), "{usage:?}");
        assert!(output.stdout.is_empty(), "{usage:?}");
    }
    site.nothing_started("exit codes");
}

/// AWS hangs up, so the operation fails: whoever asks about it hears the same as who waited for it.
#[test]
fn exit_codes_tell_how_the_operation_stands_whichever_command_asks() {
    let site = Site::new();
    let plan = ["apply-terraform", "--cloud=aws", "--env=dev", "--vars={\"size\":1}"];
    let (code, answer) = site.json(&plan);
    assert_eq!((code, &answer["status"]), (1, &serde_json::json!("failed")), "{answer}");
    let id = answer["operation_id"].as_str().unwrap();
    for asks in [
        &["get-operation", "--id", id][..],
        &["get-operation", "--id", id, "--log-cursor=0"],
        &["get-operation", "--id", id, "--wait-s=5"],
        &["ops", "show", id],
        &["ops", "tail", id],
        &["ops", "cancel", id],
    ] {
        let output = site.run(asks, "");
        assert_eq!(output.status.code(), Some(1), "{asks:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{asks:?}: it is an answer, not an error");
    }
    assert_eq!(site.run(&["ops", "list"], "").status.code(), Some(0), "a list has no status");
    assert_eq!(site.run(&["ops", "verify"], "").status.code(), Some(0));
}

#[test]
fn bad_inputs_37_to_40_a_request_from_standard_input_is_read_as_carefully() {
    let site = Site::new();
    let request = r#"{ "cloud": "aws", "env": "nowhere" }"#;
    let output = site.run(&["--json", "call", "apply_terraform", "--request", "-"], request);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["error"]["code"], "unknown_environment");
    let deep = "[".repeat(10_000);
    for bad in
        [r#"{"env":"dev","env":"prod"}"#, &deep, "{\"wait_s\":1e999}", r#"{"env":"\ud800"}"#, ""]
    {
        let output = site.run(&["--json", "call", "apply_terraform", "--request", "-"], bad);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["error"]["field"], "json", "{answer}");
        assert_eq!(output.status.code(), Some(1));
    }
    site.nothing_started("standard input");
}

/// In a session of its own, as under a server that is not somebody's terminal.
#[tokio::test]
async fn promise_3_approve_needs_a_terminal() {
    let site = Site::new();
    let id = "0198f2c4-0000-7000-8000-000000000000";
    for people in
        [&["approve", id][..], &["reject", id], &["reconcile", id, "--as=failed", "--note=x"]]
    {
        let (out, err) = (site.at("out"), site.at("err"));
        let invocation = Invocation::new(env!("CARGO_BIN_EXE_datamcp"), site.at(""))
            .args(people)
            .env([("HOME", site.at("").display().to_string())])
            .output(Sink::File(out.clone()), Sink::File(err.clone()))
            .own_session();
        let mut running = crate::alone::start(|| invocation.spawn()).unwrap();
        let end = running.wait().await.unwrap();
        let said = super::site::text(&err);
        assert_eq!(end.code, Some(1), "{people:?}: {said}");
        assert!(said.contains("policy_denied") && said.contains("terminal"), "{people:?}: {said}");
        assert_eq!(super::site::text(&out), "", "{people:?}");
        for file in [out, err] {
            std::fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn completion_knows_every_tool_and_needs_no_project() {
    let empty = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let mut command = Site::new().command(&["completion", shell]);
        let output = crate::alone::output(command.current_dir(empty.path()));
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("apply-terraform"), "{shell}");
    }
}

#[test]
fn answers_that_nobody_looks_at_have_no_colours() {
    let site = Site::new();
    site.takes_providers_from_a_mirror();
    for no_color in [None, Some("1")] {
        let mut command = site.command(&["preflight"]);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = crate::alone::output(&mut command);
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{no_color:?}");
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn a_project_without_settings_says_where_it_looked() {
    let site = Site::new();
    std::fs::remove_file(site.at("datamcp.toml")).unwrap();
    let output = site.run(&["list-environments"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("datamcp.toml") && said.contains("DATAMCP_CONFIG"), "{said}");
}

#[test]
fn doctor_says_what_is_wrong_with_the_settings_and_how_a_client_is_told() {
    let site = Site::new();
    site.takes_providers_from_a_mirror();
    let (code, answer) = site.json(&["doctor"]);
    assert_eq!(code, 1, "the listener is no AWS: {answer:#}");
    let find = |name: &str| {
        let checks = answer["checks"].as_array().unwrap();
        checks
            .iter()
            .find(|c| c["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {answer:#}"))
            .clone()
    };
    assert_eq!(find("providers")["level"], "ok");
    assert_eq!(find("aws/dev identity")["level"], "failed");
    assert_eq!(find("aws/dev state")["level"], "warning", "a local file");
    let server = &answer["mcp_server"];
    assert!(server["command"].as_str().unwrap().ends_with("/datamcp"));
    assert_eq!(server["args"][2], "serve");
    let args: Vec<&str> =
        server["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    assert_eq!(site.json(&[&args[..2], &["list-environments"]].concat()).0, 0, "{args:?}");

    site.configure("region = \"eu-west-1\"", "regoin = \"eu-west-1\"");
    let (code, answer) = site.json(&["doctor"]);
    assert_eq!((code, &answer["ok"]), (1, &serde_json::json!(false)));
    assert_eq!(answer["checks"][0]["name"], "settings");
    assert_eq!(answer["checks"][0]["fix"], "write `region` instead of `regoin`");
}
