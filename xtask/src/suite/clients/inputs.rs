//! Bad inputs that stand in a request, by each client: an answer with code and field that a model can act on, and no run.
//!
//! That no child and no connection comes of them is counted in the hermetic lane; here is shown that the answer arrives.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::site::Site;
use super::walk::Walker;

/// Number, tool, arguments, code, field.
type Case = (u32, &'static str, Value, &'static str, &'static str);

const APPLY: &str = "apply_terraform";

fn environments() -> impl Iterator<Item = Case> {
    let long = "d".repeat(300);
    let names =
        ["", "slow ", "../slow", "slow\n", "-destroy", "sl\u{43e}w", &long].map(str::to_owned);
    (1..).zip(names).map(|(number, env)| {
        (number, APPLY, json!({ "cloud": "aws", "env": env }), "unknown_environment", "env")
    })
}

fn requests() -> impl Iterator<Item = Case> {
    let unknown = "01890000-0000-7000-8000-000000000000";
    [
        (8, json!({ "enviroment": "slow" }), "enviroment"),
        (8, json!({ "dry_rum": false }), "dry_rum"),
        (18, json!({ "plan_id": unknown }), "plan_id"),
        (19, json!({ "plan_id": "../../x" }), "plan_id"),
        (20, json!({ "plan_id": "x".repeat(10_000) }), "plan_id"),
        (29, json!({ "vars": { "foo bar": 1 } }), "vars"),
        (30, json!({ "vars": { "-out=x": 1 } }), "vars"),
        (31, json!({ "vars": { "undeclared": "${file(\"x\")}" } }), "vars"),
        (41, json!({ "target": "module.a[0" }), "target"),
        (42, json!({ "targets": ["-destroy"] }), "targets"),
        (43, json!({ "parallelism": 0 }), "parallelism"),
        (44, json!({ "parallelism": -1 }), "parallelism"),
        (45, json!({ "parallelism": 1_000_000_000 }), "parallelism"),
        (46, json!({ "workspace": "../../x" }), "workspace"),
    ]
    .into_iter()
    .map(|(number, more, field)| {
        let mut request = json!({ "cloud": "aws", "env": "slow" });
        if let (Some(fields), Value::Object(more)) = (request.as_object_mut(), more) {
            fields.extend(more);
        }
        (number, APPLY, request, "invalid_request", field)
    })
}

fn queries() -> impl Iterator<Item = Case> {
    let list = "list_operations";
    let unknown = json!({ "id": "01890000-0000-7000-8000-000000000000" });
    [
        (18, "get_operation", unknown.clone(), "invalid_request", "id"),
        (18, "cancel_operation", unknown, "invalid_request", "id"),
        (19, "get_operation", json!({ "id": "../../x" }), "invalid_request", "id"),
        (93, list, json!({ "since": "yesterday" }), "invalid_request", "since"),
        (94, list, json!({ "limit": 0 }), "invalid_request", "limit"),
        (94, list, json!({ "limit": 1_000_000_000 }), "invalid_request", "limit"),
        (95, list, json!({ "cursor": "forged" }), "invalid_request", "cursor"),
        (96, list, json!({ "since": "2001-01-01T00:00:00Z" }), "invalid_request", "since"),
        (97, list, json!({ "user": "boss" }), "policy_denied", "user"),
    ]
    .into_iter()
}

/// Inputs whose type is wrong, which a client that knows the schema may mend or refuse by itself.
fn typed() -> [Case; 3] {
    let of = |number, dry_run: Value| {
        let request = json!({ "cloud": "aws", "env": "slow", "dry_run": dry_run });
        (number, APPLY, request, "invalid_request", "dry_run")
    };
    let limit = json!({ "limit": -1 });
    [
        of(9, json!("false")),
        of(11, json!(0)),
        (94, "list_operations", limit, "invalid_request", "limit"),
    ]
}

/// All of them, one after the other.
pub(super) fn walk(walker: &mut Walker, site: &Site) -> Result<String> {
    let before = runs(site);
    let mut cases: Vec<Case> = environments().chain(requests()).chain(queries()).collect();
    if matches!(walker, Walker::Bridge(_)) {
        cases.extend(typed());
    }
    for (number, tool, request, code, field) in &cases {
        let (answer, _) = walker.call(tool, request)?;
        let shown: String = request.to_string().chars().take(200).collect();
        let seen = [answer.text_at("/error/code"), answer.text_at("/error/field")];
        ensure!(
            answer.is_error && seen == [Some(*code), Some(*field)],
            "bad input {number}, {tool} {shown}: expected {code} for {field}, got {}",
            answer.brief()
        );
    }
    ensure!(runs(site) == before, "a bad input left a run");
    Ok(format!("{} inputs, each its answer", cases.len()))
}

/// How many operations have a folder of their own.
fn runs(site: &Site) -> usize {
    let folder = site.folder.join("xdg/datamcp/clients/runs");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
