//! Bad inputs that stand in a request: each has its error, and nothing is started.

use serde_json::{Value, json};

use super::site::Site;

/// Number, tool, arguments, code, field, and what the error has to say.
type Case = (u32, &'static str, Value, &'static str, &'static str, &'static str);

fn environments() -> Vec<Case> {
    let of = |number, env: &str, says| {
        let request = json!({ "cloud": "aws", "env": env });
        (number, "apply_terraform", request, "unknown_environment", "env", says)
    };
    vec![
        of(1, "", "dev, prod"),
        of(2, "prod ", "did you mean prod"),
        of(3, "../prod", "is not a name of an environment"),
        of(4, "prod\n", "did you mean prod"),
        of(5, "-destroy", "is not a name of an environment"),
        of(6, "d\u{435}v", "not ASCII"),
        of(7, &"d".repeat(300), "is not a name of an environment"),
        (
            1,
            "terraform_outputs",
            json!({ "cloud": "aws", "env": "" }),
            "unknown_environment",
            "env",
            "",
        ),
        (1, "preflight", json!({ "cloud": "aws", "env": "x" }), "unknown_environment", "env", ""),
        (
            1,
            "list_operations",
            json!({ "cloud": "aws", "env": "x" }),
            "unknown_environment",
            "env",
            "",
        ),
        (
            1,
            "destroy_terraform",
            json!({ "cloud": "gcp", "env": "dev" }),
            "unknown_environment",
            "env",
            "",
        ),
        (1, "apply_terraform", json!({ "cloud": "aws" }), "invalid_request", "env", "is missing"),
        (1, "apply_terraform", json!({ "env": "dev" }), "invalid_request", "cloud", "is missing"),
    ]
}

fn with(more: &Value) -> Value {
    let mut request = json!({ "cloud": "aws", "env": "dev", "vars": { "size": 1 } });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn types_and_terms() -> Vec<Case> {
    let of = |number, more: Value, field, says| {
        (number, "apply_terraform", with(&more), "invalid_request", field, says)
    };
    vec![
        of(8, json!({ "enviroment": "dev" }), "enviroment", "did you mean env"),
        of(8, json!({ "dry_rum": false }), "dry_rum", "did you mean dry_run"),
        of(9, json!({ "dry_run": "false" }), "dry_run", "wrong type"),
        of(11, json!({ "dry_run": 0 }), "dry_run", "wrong type"),
        of(11, json!({ "auto_approve": "yes" }), "auto_approve", "wrong type"),
        of(
            18,
            json!({ "plan_id": "0198f2c4-0000-7000-8000-000000000000" }),
            "plan_id",
            "not a plan of yours",
        ),
        of(19, json!({ "plan_id": "../../x" }), "plan_id", "is not a plan id"),
        of(20, json!({ "plan_id": "x".repeat(10_000) }), "plan_id", "is not a plan id"),
        of(41, json!({ "target": "module.a[0" }), "target", "is not a field"),
        of(42, json!({ "targets": ["-destroy"] }), "targets", "is not a field"),
        of(43, json!({ "parallelism": 0 }), "parallelism", "is not a field"),
        of(44, json!({ "parallelism": -1 }), "parallelism", "is not a field"),
        of(45, json!({ "parallelism": 1e9 }), "parallelism", "is not a field"),
        of(46, json!({ "workspace": "../../x" }), "workspace", "is not a name of a workspace"),
        of(47, json!({ "env": "prod", "workspace": "default" }), "workspace", "blue"),
        of(43, json!({ "wait_s": 601 }), "wait_s", "0 to 600"),
        of(44, json!({ "wait_s": -1 }), "wait_s", "wrong type"),
        of(20, json!({ "idempotency_key": "k".repeat(10_000) }), "idempotency_key", "1 to 128"),
        (
            5,
            "apply_terraform",
            with(&json!({ "cloud": "azure" })),
            "invalid_request",
            "cloud",
            "wrong type",
        ),
    ]
}

fn variables() -> Vec<Case> {
    let of = |number, vars: Value, field, says| {
        (number, "apply_terraform", with(&json!({ "vars": vars })), "invalid_request", field, says)
    };
    vec![
        of(29, json!({ "size": 1, "foo bar": 1 }), "vars", "is not a name of a variable"),
        of(30, json!({ "size": 1, "-out=x": 1 }), "vars", "is not a name of a variable"),
        of(31, json!({ "size": 1, "tagz": {} }), "vars", "did you mean tags"),
        of(32, json!({}), "vars", "size"),
        of(33, json!({ "size": "many" }), "vars.size", "number"),
        of(
            36,
            json!({ "size": 1, "tags": { "a": "aws-secretsmanager:db" } }),
            "vars.tags",
            "cannot choose which secret",
        ),
        of(33, json!({ "size": 1, "tags": "a=b" }), "vars.tags", "map(string)"),
        of(
            34,
            json!({ "size": 1, "tags": { "a": "x".repeat(2 << 20) } }),
            "vars.tags",
            "larger than",
        ),
        of(33, json!("size=1"), "vars", "wrong type"),
    ]
}

fn queries() -> Vec<Case> {
    let of = |number, request: Value, field, says| {
        (number, "list_operations", request, "invalid_request", field, says)
    };
    let unknown = json!({ "id": "0198f2c4-0000-7000-8000-000000000000" });
    vec![
        of(93, json!({ "since": "yesterday" }), "since", "2026-01-31"),
        of(96, json!({ "since": "2001-01-01T00:00:00Z" }), "since", "at most 366 days before now"),
        of(94, json!({ "limit": 0 }), "limit", "1 to 100"),
        of(94, json!({ "limit": -1 }), "limit", "1 to 100"),
        of(94, json!({ "limit": 1_000_000_000 }), "limit", "1 to 100"),
        of(95, json!({ "cursor": "forged" }), "cursor", "is not a cursor"),
        of(9, json!({ "status": "done" }), "status", "wrong type"),
        (97, "list_operations", json!({ "user": "boss" }), "policy_denied", "user", "its own only"),
        (
            18,
            "get_operation",
            unknown.clone(),
            "invalid_request",
            "id",
            "not an operation of yours",
        ),
        (18, "cancel_operation", unknown, "invalid_request", "id", "not an operation of yours"),
        (
            19,
            "get_operation",
            json!({ "id": "../../x" }),
            "invalid_request",
            "id",
            "not an operation of yours",
        ),
    ]
}

fn check(cases: Vec<Case>) {
    let site = Site::new();
    let mut server = site.serve();
    server.initialize("2025-11-25");
    for (number, tool, request, code, field, says) in cases {
        let shown: String = request.to_string().chars().take(200).collect();
        let answer = server.call(tool, &request);
        assert_eq!(answer["isError"], true, "bad input {number} {tool} {shown}: {answer}");
        let error = &answer["structuredContent"]["error"];
        assert_eq!(error["code"], code, "bad input {number} {tool} {shown}: {error}");
        assert_eq!(error["field"], field, "bad input {number} {tool} {shown}: {error}");
        assert!(error.to_string().contains(says), "bad input {number}: {says} is not in {error}");
        let given = error["given"].as_str().unwrap_or_default();
        assert!(
            given.chars().count() <= 201 && !given.contains(char::is_control),
            "{number}: {given}"
        );
        assert!(answer.to_string().chars().count() <= 8_000, "bar 11");
        site.nothing_started(&format!("bad input {number} {tool} {shown}"));
    }
}

#[test]
fn bad_inputs_1_to_7_environments() {
    check(environments());
}

#[test]
fn bad_inputs_8_to_20_and_41_to_47_types_terms_and_options() {
    check(types_and_terms());
}

#[test]
fn bad_inputs_29_to_34_and_36_variables() {
    check(variables());
}

#[test]
fn bad_inputs_93_to_97_queries() {
    check(queries());
}
