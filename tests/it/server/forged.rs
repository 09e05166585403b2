//! What a client could make up: an answer to a question that was never asked, a tool that is not listed, options in the
//! place of names. None has an effect.

use serde_json::{Value, json};

use super::site::{Site, text};
use super::wire::Client;

/// What a request of the newest revision says of itself; it opens no session.
pub(super) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "wire", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A server to which this revision is spoken.
fn speaking(site: &Site, revision: &str) -> Client {
    let mut server = site.serve();
    if revision != "2026-07-28" {
        server.initialize(revision);
    }
    server
}

/// Calls a tool in this revision: the whole answer.
fn call(server: &mut Client, revision: &str, mut params: Value) -> Value {
    if revision == "2026-07-28" {
        params["_meta"] = meta();
    }
    server.ask("tools/call", &params)
}

/// Nothing is ever asked over MCP, so there is no state of a question that could be forged or used again. That an answer
/// which was made up does not approve a plan that waits is shown in the emulator lane, where there is one; that a state
/// of ours is refused once it was changed is shown on the fixture of the conformance suites.
#[test]
fn security_4_bad_input_103_a_request_state_that_we_never_gave_changes_nothing() {
    let site = Site::new();
    let arguments = json!({
        "cloud": "aws", "env": "dev", "vars": { "size": 1 }, "dry_run": false,
        "plan_id": "0198f2c4-0000-7000-8000-000000000000",
    });
    let accept = json!({ "approve": { "action": "accept", "content": { "approve": true } } });
    for revision in ["2025-11-25", "2026-07-28"] {
        let mut server = speaking(&site, revision);
        let params = json!({ "name": "apply_terraform", "arguments": arguments });
        let plain = call(&mut server, revision, params.clone())["result"].clone();
        assert_eq!(plain["structuredContent"]["error"]["field"], "plan_id", "{plain}");
        for state in ["", "forged", "eyJhcHByb3ZlZCI6dHJ1ZX0.AAAA"] {
            let mut forged = params.clone();
            forged["requestState"] = state.into();
            forged["inputResponses"] = accept.clone();
            let answer = call(&mut server, revision, forged);
            let told = &answer["result"]["structuredContent"];
            assert_eq!(told["status"], "refused", "{revision} {state}: {answer}");
            let same = &plain["structuredContent"]["error"];
            assert_eq!(&told["error"], same, "{revision} {state}: {answer}");
        }
    }
    site.nothing_started("security 4");
}

/// Every command that is no tool, whatever commands there will be.
pub(super) fn hidden(site: &Site) -> Vec<String> {
    let help = String::from_utf8(site.run(&["--help"], "").stdout).unwrap();
    let commands = help.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/tools.json");
    let tools: Value = serde_json::from_str(&text(&path)).unwrap();
    let tools: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let hidden: Vec<String> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().replace('-', "_"))
        .filter(|name| !tools.contains(&name.as_str()))
        .collect();
    for known in ["approve", "reject", "reconcile"] {
        assert!(hidden.iter().any(|name| name == known), "{known} is not in {hidden:?}");
    }
    hidden
}

#[test]
fn security_6_no_command_of_people_is_a_tool_in_any_revision() {
    let site = Site::new();
    let hidden = hidden(&site);
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let mut server = speaking(&site, revision);
        for name in &hidden {
            let params = json!({ "name": name, "arguments": {} });
            let answer = call(&mut server, revision, params);
            assert_eq!(answer["error"]["code"], -32602, "{revision} {name}: {answer}");
        }
    }
    site.nothing_started("security 6");
}

#[test]
fn security_12_options_in_the_place_of_names_are_refused() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    for hostile in
        ["--server=https://evil.com", "-sURL", "-Ashttps://evil.com", "-destroy", "_out=x"]
    {
        for (tool, field) in [
            ("apply_terraform", "env"),
            ("apply_terraform", "workspace"),
            ("apply_terraform", "plan_id"),
            ("destroy_terraform", "env"),
            ("destroy_terraform", "workspace"),
            ("terraform_outputs", "workspace"),
            ("detect_drift", "workspace"),
            ("bootstrap_state_backend", "plan_id"),
            ("preflight", "env"),
            ("get_operation", "id"),
            ("cancel_operation", "id"),
            ("list_operations", "cursor"),
        ] {
            let mut request = match tool {
                "get_operation" | "cancel_operation" | "list_operations" => json!({}),
                _ => json!({ "cloud": "aws", "env": "dev" }),
            };
            if tool == "apply_terraform" {
                request["vars"] = json!({ "size": 1 });
            }
            request[field] = hostile.into();
            let answer = server.call(tool, &request);
            assert_eq!(answer["isError"], true, "{tool} {field} {hostile}: {answer}");
            let error = &answer["structuredContent"]["error"];
            assert_eq!(error["field"], field, "{tool} {hostile}: {error}");
        }
    }
    site.nothing_started("security 12");
}
