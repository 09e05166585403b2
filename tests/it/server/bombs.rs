//! Requests that are too much: refused with a clear error, in bounded memory, by a server that lives on.

use datamcp::operation::catalog;
use serde_json::{Value, json};

use super::site::Site;
use super::wire::Client;

const MB: usize = 1_000_000;

/// Memory that a server may keep after all of them. A debug build at rest has about 20 MB; the C library keeps some of
/// what every thread has used, on a busy machine up to 96 MB. Without bounds it is several hundred.
const KEPT_MB: usize = 128;

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{{"name":"apply_terraform","arguments":{arguments}}}}}"#
    )
}

/// An object with so many keys.
fn keys(count: usize) -> String {
    let all: Vec<String> = (0..count).map(|n| format!("\"{n}\":1")).collect();
    format!("{{{}}}", all.join(","))
}

/// A line that is no message to this server: one answer, which says why, and then it goes on.
fn refused(server: &mut Client, what: &str, line: &str, says: &str) {
    let before = server.seen.len();
    server.say(line);
    let answer = server.hear();
    assert_eq!(answer["error"]["code"], -32700, "{what}: {answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(says), "{what}: {message}");
    assert!(answer.to_string().len() <= 4_000, "bar 11: {what}");
    assert_eq!(server.ask("ping", &json!({}))["result"], json!({}), "{what}");
    assert_eq!(server.seen.len(), before + 2, "{what}: one line, one answer");
}

#[test]
fn security_10_a_message_that_is_too_much_is_refused_in_bounded_memory() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let text = |n: usize| "x".repeat(n);
    for round in 0..3 {
        for (what, arguments, says) in [
            ("10 MB", format!(r#"{{"env":"{}"}}"#, text(10 * MB)), "4 MiB"),
            ("10 MB key", format!(r#"{{"{}":1}}"#, text(10 * MB)), "4 MiB"),
            ("10,000 deep", "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000), "recursion"),
            ("10,000 lists deep", "[".repeat(10_000) + &"]".repeat(10_000), "recursion"),
            ("2,000,000 numbers", format!("[{}1]", "1,".repeat(2 * MB)), "values"),
            ("1,000,000 lists", format!("[{}[]]", "[],".repeat(MB)), "values"),
            ("300,000 keys", keys(300_000), "values"),
        ] {
            refused(&mut server, &format!("{what}, round {round}"), &call(&arguments), says);
        }
    }
    site.nothing_started("bombs");
    let kept = resident(server.pid());
    assert!(kept < KEPT_MB, "{kept} MB after it");
}

/// What stands behind the part of a line that is read must not be taken for a message of its own.
#[test]
fn security_10_nothing_hides_in_the_rest_of_a_line_that_is_too_long() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let hidden = r#"{"jsonrpc":"2.0","id":"hidden","method":"ping"}"#;
    for length in [4 << 20, (4 << 20) + 1, (4 << 20) + 2, (4 << 20) + 3, 9 * MB] {
        let line = format!("{}{hidden}", " ".repeat(length));
        refused(&mut server, &format!("{length} blanks"), &line, "4 MiB");
    }
    assert!(server.seen.iter().all(|message| message["id"] != "hidden"));
}

/// As large as a message may be: understood, refused for what it says, and the answer is small.
#[test]
fn security_10_large_values_of_fields_get_small_answers() {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    let text = "x".repeat(3_900_000);
    let many: Vec<u8> = vec![1; 90_000];
    let keys: serde_json::Map<String, Value> =
        (0..90_000).map(|n| (format!("k{n}"), json!(1))).collect();
    for (what, request) in [
        ("a text", json!({ "cloud": "aws", "env": text })),
        ("a key", json!({ "cloud": "aws", "env": "dev", text.as_str(): 1 })),
        ("a list", json!({ "cloud": "aws", "env": many })),
        ("fields", Value::Object(keys.clone())),
        ("a plan id", json!({ "plan_id": text, "dry_run": false })),
        ("variables", json!({ "cloud": "aws", "env": "dev", "vars": { "size": text } })),
        ("names of variables", json!({ "cloud": "aws", "env": "dev", "vars": keys })),
    ] {
        let answer = server.call("apply_terraform", &request);
        assert_eq!(answer["isError"], true, "{what}: {answer}");
        let error = &answer["structuredContent"]["error"];
        assert!(
            ["invalid_request", "unknown_environment"].contains(&error["code"].as_str().unwrap()),
            "{what}: {error}"
        );
        assert!(error["field"].is_string(), "{what}: {error}");
        let length = answer.to_string().chars().count();
        assert!(length <= 8_000, "bar 11: {what}: {length} characters");
    }
    site.nothing_started("large values");
    let log = std::fs::metadata(site.at("state/log.db")).unwrap().len();
    let ahead = std::fs::metadata(site.at("state/log.db-wal")).map_or(0, |about| about.len());
    assert!(log + ahead < 2_000_000, "refusals fill the log: {log} + {ahead} bytes");
    let kept = resident(server.pid());
    assert!(kept < KEPT_MB, "{kept} MB after it");
}

#[test]
fn security_10_the_command_line_is_as_strict() {
    let site = Site::new();
    for (what, bomb, says) in [
        ("10 MB", format!(r#"{{"env":"{}"}}"#, "x".repeat(10 * MB)), "4 MiB"),
        ("10,000 deep", "[".repeat(10_000), "recursion"),
        ("2,000,000 numbers", format!("[{}1]", "1,".repeat(2 * MB)), "values"),
    ] {
        let output = site.run(&["--json", "call", "apply_terraform", "--request", "-"], &bomb);
        assert_eq!(output.status.code(), Some(1), "{what}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["error"]["field"], "json", "{what}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(says), "{what}: {answer}");
        assert!(output.stdout.len() <= 4_000, "bar 11: {what}");
        let output = site.run(&["apply-terraform", "--cloud=aws", "--env=dev", "--vars=-"], &bomb);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains(says) && said.len() <= 4_000, "{what}: {said}");
    }
    site.nothing_started("command line");
}

/// A schema is read by whoever serves or calls a tool: it must not make them fetch anything.
#[test]
fn security_10_no_schema_refers_to_anything_outside_itself() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match (key.as_str(), value) {
                        ("$ref" | "$dynamicRef" | "$id", Value::String(to)) => {
                            found.push(to.clone());
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut inside = 0;
    for tool in catalog::TOOLS {
        for schema in [(tool.input)().to_value(), (tool.output)().to_value()] {
            let mut found = Vec::new();
            references(&schema, &mut found);
            for reference in found {
                let target = reference.strip_prefix('#').unwrap_or_else(|| {
                    panic!("{}: {reference} is outside of the schema", tool.name)
                });
                assert!(schema.pointer(target).is_some(), "{}: {reference}", tool.name);
                inside += 1;
            }
        }
    }
    assert!(inside > 0, "references are found at all");
    let mut served = Vec::new();
    references(&serde_json::to_value(datamcp::mcp::listing()).unwrap(), &mut served);
    assert_eq!(served, Vec::<String>::new(), "what is served has them resolved");
}

/// Resident megabytes of a process.
fn resident(pid: i32) -> usize {
    let status = super::site::text(format!("/proc/{pid}/status").as_ref());
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1_000
}
