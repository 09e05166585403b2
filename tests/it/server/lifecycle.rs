//! Both generations of the protocol, and how the server ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::site::Site;

fn tool_names(result: &Value) -> Vec<String> {
    let tools = result["tools"].as_array().unwrap_or_else(|| panic!("{result}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_older_revision_gets_its_own_session() {
    for version in ["2025-11-25", "2025-06-18", "2024-11-05"] {
        let site = Site::new();
        let mut server = site.serve();
        let hello = server.initialize(version);
        assert_eq!(hello["protocolVersion"], version, "{hello}");
        assert_eq!(hello["serverInfo"]["name"], "datamcp");
        assert_eq!(hello["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        let instructions = hello["instructions"].as_str().unwrap();
        let order = ["plan_id", "approval_required", "exactly the reviewed plan runs"];
        let at = order.map(|part| instructions.find(part).unwrap_or_else(|| panic!("{part}")));
        assert!(at.is_sorted(), "plan, approval, apply: {instructions}");
        let tools = server.ask("tools/list", &json!({}));
        assert_eq!(tool_names(&tools["result"])[0], "apply_terraform");
        let listed = server.call("list_environments", &json!({}));
        assert_eq!(listed["isError"], json!(false), "{listed}");
        assert_eq!(listed["structuredContent"]["environments"].as_array().map(Vec::len), Some(2));
        let (status, took) = server.end(true);
        assert!(status.success() && took < Duration::from_secs(5), "{status} {took:?}");
        site.nothing_started(version);
    }
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "wire", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn revision_2026_07_28_needs_no_session() {
    let site = Site::new();
    let mut server = site.serve();
    let found = server.ask("server/discover", &json!({ "_meta": meta() }));
    let versions =
        found["result"]["supportedVersions"].as_array().unwrap_or_else(|| panic!("{found}"));
    assert!(versions.contains(&json!("2026-07-28")), "{found}");
    assert!(found.to_string().contains("\"name\":\"datamcp\""), "{found}");
    assert!(found["result"]["instructions"].is_string(), "{found}");
    let tools = server.ask("tools/list", &json!({ "_meta": meta() }));
    assert_eq!(tool_names(&tools["result"])[0], "apply_terraform");
    let call = json!({ "name": "list_environments", "arguments": {}, "_meta": meta() });
    let listed = server.ask("tools/call", &call);
    assert_eq!(listed["result"]["structuredContent"]["principal"], "agent", "{listed}");
    let (status, _) = server.end(true);
    assert!(status.success(), "{status}");
}

#[test]
fn the_tools_served_are_those_of_the_golden_file() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let tools = server.ask("tools/list", &json!({}))["result"]["tools"].clone();
    let golden = super::site::text(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/tools.json"),
    );
    assert_eq!(tools, serde_json::from_str::<Value>(&golden).unwrap(), "security row 9");
}

#[test]
fn bad_input_107_an_unknown_tool_is_a_protocol_error_with_a_suggestion() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    for (given, meant) in
        [("aply_terraform", "apply_terraform"), ("list_operation", "list_operations")]
    {
        let answer = server.ask("tools/call", &json!({ "name": given, "arguments": {} }));
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(meant), "{answer}");
    }
    for hidden in [
        "approve",
        "reject",
        "reconcile",
        "move-state",
        "move_state",
        "__run",
        "credentials",
        "verify",
    ] {
        let answer = server.ask("tools/call", &json!({ "name": hidden, "arguments": {} }));
        assert_eq!(answer["error"]["code"], -32602, "security row 6: {answer}");
    }
    site.nothing_started("107");
}

#[test]
fn bad_inputs_37_to_40_99_and_108_are_answered_and_the_server_lives_on() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{{"name":"apply_terraform","arguments":{arguments}}}}}"#
        )
    };
    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "1".to_owned() + &"}".repeat(10_000));
    for (number, line, code) in [
        (37, call(r#"{"env":"dev","env":"prod"}"#), -32700),
        (38, call(&deep), -32700),
        (39, call(r#"{"wait_s":NaN}"#), -32700),
        (39, call(r#"{"wait_s":1e999}"#), -32700),
        (40, call(r#"{"env":"\ud800"}"#), -32700),
        (99, format!("[{}]", call("{}")), -32600),
        (108, "this is not JSON".to_owned(), -32700),
        (108, "\u{0}\u{1}".to_owned(), -32700),
    ] {
        server.say(&line);
        let answer = server.hear();
        assert_eq!(answer["error"]["code"], code, "bad input {number}: {answer}");
        assert_eq!(server.ask("ping", &json!({}))["result"], json!({}), "bad input {number}");
    }
    site.nothing_started("37");
}

#[test]
fn fault_5_sigterm_ends_the_server_within_5_s() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let pid = rustix::process::Pid::from_raw(server.pid()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let (status, took) = server.end(false);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn fault_3_a_client_that_leaves_without_a_word_is_no_failure() {
    let site = Site::new();
    let (status, took) = site.serve().end(true);
    assert!(status.success() && took < Duration::from_secs(5), "{status} {took:?}");
}

/// The counters count: preflight starts terraform and calls AWS.
#[test]
fn preflight_is_seen_by_both_counters() {
    let site = Site::new();
    site.takes_providers_from_a_mirror();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    drop(server.call("preflight", &json!({ "cloud": "aws", "env": "dev" })));
    let (terraform, aws) = site.counters();
    assert!(terraform >= 1 && aws >= 1, "{terraform} {aws}");
}
