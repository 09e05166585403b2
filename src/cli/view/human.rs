//! Answers as short text.

use std::io::IsTerminal;

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

use crate::error::Error;

/// An answer as text.
pub(super) fn answer(kind: &str, answer: &Value, colour: bool) -> String {
    let list =
        |field: &str| answer.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    if let (Some(error), None) =
        (answer.get("error").filter(|e| e.is_object()), answer.get("operation_id"))
    {
        return refused(error);
    }
    match kind {
        "approvals" => table(
            &list("approvals"),
            &["id", "target", "tool", "requester", "state", "expires"],
            "no approval waits",
        ),
        "locks" => table(
            &list("locks"),
            &["target", "state", "operation", "why", "since"],
            "nothing is held or blocked",
        ),
        "list_operations" => table(
            &list("operations"),
            &["id", "target", "tool", "user", "status", "start", "summary"],
            "no operations",
        ),
        "list_environments" => environments(answer, &list("environments")),
        "init" => initial(answer),
        "preflight" => checks(answer, &list("checks"), colour),
        "terraform_outputs" => outputs(answer),
        "verify" => verified(answer, &list("faults")),
        "operation" => serde_json::to_string_pretty(answer).unwrap_or_default(),
        "apply_terraform" | "destroy_terraform" | "detect_drift" | "bootstrap_state_backend" => {
            change(answer, colour)
        }
        "get_operation" => operation(answer, colour),
        _ => lines(answer),
    }
}

/// An error as text.
pub(super) fn error(error: &Error) -> String {
    refused(&serde_json::to_value(error).unwrap_or_default())
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn refused(error: &Value) -> String {
    let mut lines = vec![format!("{}: {}", text(error, "code"), text(error, "message"))];
    for (label, field) in [("given", "given"), ("allowed", "allowed"), ("next", "next")] {
        if !text(error, field).is_empty() {
            lines.push(format!("  {label:<8}{}", text(error, field)));
        }
    }
    lines.join("\n") + "\n"
}

fn paint(word: &str, colour: bool) -> String {
    let code = match word {
        "ok" | "succeeded" | "planned" => "32",
        "warning" | "approval_required" | "running" | "queued" | "partial" | "cancelled" => "33",
        _ => "31",
    };
    if colour { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
}

fn change(answer: &Value, colour: bool) -> String {
    let mut lines = Vec::new();
    for field in ["plan_stdout", "apply_stdout"] {
        if !text(answer, field).is_empty() {
            lines.push(text(answer, field).trim_end().to_owned());
            lines.push(String::new());
        }
    }
    let summary = answer.get("summary").map_or("", |s| text(s, "text"));
    lines.push(format!("{}  {summary}", paint(text(answer, "status"), colour)));
    for (label, value) in
        [("operation", text(answer, "operation_id")), ("plan", text(answer, "plan_id"))]
    {
        if !value.is_empty() {
            lines.push(format!("  {label:<10}{value}"));
        }
    }
    for warning in answer.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        lines.push(format!("  warning   {}", warning.as_str().unwrap_or_default()));
    }
    if let Some(approval) = answer.get("approval") {
        for reason in approval.get("reasons").and_then(Value::as_array).into_iter().flatten() {
            lines.push(format!("  approval  {}", reason.as_str().unwrap_or_default()));
        }
    }
    if let Some(error) = answer.get("error").filter(|e| e.is_object()) {
        lines.push(refused(error));
    } else if !text(answer, "next").is_empty() {
        lines.push(format!("  next      {}", text(answer, "next")));
    }
    lines.join("\n")
}

fn operation(answer: &Value, colour: bool) -> String {
    if let Some(log) = answer.get("log").and_then(Value::as_str) {
        return format!("{log}\n(log_cursor {})", answer.get("log_cursor").unwrap_or(&Value::Null));
    }
    let head = format!(
        "{} {} on {}",
        text(answer, "tool"),
        paint(text(answer, "status"), colour),
        text(answer, "target")
    );
    match answer.get("result").filter(|r| r.is_object()) {
        Some(result) => format!("{head}\n{}", change(result, colour)),
        None => format!("{head}\n{}", text(answer, "progress")),
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn table(rows: &[Value], columns: &[&str], none: &str) -> String {
    if rows.is_empty() {
        return none.to_owned();
    }
    let mut table = Table::new();
    // On a terminal it fits the window. Elsewhere it is one line a row, as short as it gets: nothing wraps an id.
    if std::io::stdout().is_terminal() {
        table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.load_style(NOTHING);
    }
    table.set_header(columns.iter().copied());
    for row in rows {
        table.add_row(columns.iter().map(|column| moment(cell(row.get(*column)))));
    }
    let lines: Vec<String> =
        table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// A moment to the second; any other text as it is.
fn moment(text: String) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(ts) => ts.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => text,
    }
}

/// A number and what it counts.
fn counted(count: &str, what: &str) -> String {
    let many = if count == "1" { "" } else { "s" };
    format!("{count} {what}{many}")
}

fn environments(answer: &Value, rows: &[Value]) -> String {
    let roles = answer
        .get("roles")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let who =
        format!("you are {} ({})", text(answer, "principal"), roles.collect::<Vec<_>>().join(", "));
    let all = table(
        rows,
        &["cloud", "env", "tier", "account", "region", "state", "identity"],
        "no environments are configured",
    );
    let organizations = answer.get("organizations").and_then(Value::as_array);
    let organizations = organizations.map_or_else(String::new, |rows| {
        let columns = ["organization", "tier", "account", "region", "identity"];
        format!("\n{}", table(rows, &columns, ""))
    });
    format!("{all}{organizations}\n{who}")
}

fn checks(answer: &Value, rows: &[Value], colour: bool) -> String {
    let mut lines = Vec::new();
    for row in rows {
        lines.push(format!(
            "{:<8} {:<20} {}",
            paint(text(row, "level"), colour),
            text(row, "name"),
            text(row, "seen")
        ));
        if !text(row, "fix").is_empty() {
            lines.push(format!("{:<8} {:<20} fix: {}", "", "", text(row, "fix")));
        }
    }
    if let Some(number) = answer.get("left_out") {
        lines.push(format!("{number} more checks have no fault"));
    }
    if let Some(server) = answer.get("mcp_server") {
        lines.push(format!(
            "\nfor an MCP client: {{ \"mcpServers\": {{ \"datamcp\": {server} }} }}"
        ));
    }
    lines.join("\n")
}

fn initial(answer: &Value) -> String {
    let dry = answer.get("dry_run") == Some(&Value::Bool(true));
    let kinds = [
        ("written", if dry { "would be written" } else { "written" }),
        ("extended", if dry { "would get lines at its end" } else { "lines added at its end" }),
        ("there", "was there, the same"),
        ("kept", "was there, is different: left alone"),
    ];
    let mut lines = Vec::new();
    for (field, words) in kinds {
        let files: Vec<&str> = answer
            .get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        // Of what is alright a number is enough.
        if field == "there" && !files.is_empty() {
            lines.push(format!("{} files: {words}", files.len()));
        } else {
            lines.extend(files.iter().map(|file| format!("{file:<50} {words}")));
        }
    }
    lines.push(format!("next: {}", text(answer, "next")));
    lines.join("\n")
}

fn outputs(answer: &Value) -> String {
    let outputs = answer.get("outputs").and_then(Value::as_object).into_iter().flatten();
    outputs
        .map(|(name, output)| match output.get("value") {
            Some(value) => format!("{name} = {value}"),
            None => format!("{name} = (sensitive)"),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn verified(answer: &Value, faults: &[Value]) -> String {
    let count = |field: &str| cell(answer.get(field));
    if faults.is_empty() {
        return format!(
            "the log holds: {} in {}, {}",
            counted(&count("events"), "event"),
            counted(&count("chains"), "chain"),
            counted(&count("operations"), "operation")
        );
    }
    table(faults, &["chain", "seq", "operation", "what"], "")
}

fn lines(answer: &Value) -> String {
    let fields = answer.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| format!("{name:<14}{}", cell(Some(value))))
        .collect::<Vec<_>>()
        .join("\n")
}
