//! The subcommands of tools: one flag a field of the request, and the request from the flags.

use clap::{Arg, ArgMatches, Command as Clap, value_parser};
use serde_json::{Map, Value, json};

use super::DOCUMENT;
use crate::operation::{Tool, catalog};

/// The subcommand of a tool. Its flags are made when it is used: each start would pay for the schemas of all tools.
pub(super) fn of_tool(tool: &'static Tool) -> Clap {
    about(tool).name(tool.name.replace('_', "-")).defer(|command| {
        let tool = command.get_name().replace('-', "_");
        with_flags_of(&tool, command)
    })
}

/// `list_operations`, as a command of `ops`.
pub(super) fn list() -> Clap {
    catalog::find("list_operations")
        .map_or_else(|| Clap::new("list"), |tool| about(tool).name("list"))
        .defer(|command| with_flags_of("list_operations", command))
}

fn about(tool: &'static Tool) -> Clap {
    Clap::new(tool.name).about(tool.title).long_about(tool.about)
}

fn with_flags_of(tool: &str, command: Clap) -> Clap {
    match catalog::find(tool) {
        Some(tool) => flags(tool, command),
        None => command,
    }
}

/// One flag a field.
fn flags(tool: &Tool, mut command: Clap) -> Clap {
    let schema = (tool.input)().to_value();
    for (field, rule) in properties(&schema) {
        let help = rule.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut arg = Arg::new(field.clone()).long(field.replace('_', "-")).help(help);
        arg = match kind(rule) {
            "boolean" => arg
                .value_name("BOOL")
                .value_parser(value_parser!(bool))
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
            "integer" => {
                arg.value_name("N").value_parser(value_parser!(i64)).allow_hyphen_values(true)
            }
            "object" => arg.value_name("JSON"),
            _ => arg.value_name("TEXT"),
        };
        command = command.arg(arg);
    }
    command
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// The JSON type of a field, `null` aside.
fn kind(rule: &Value) -> &str {
    match rule.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("string")
        }
        _ => "string",
    }
}

pub(super) fn request(tool: &Tool, matches: &ArgMatches) -> Value {
    let schema = (tool.input)().to_value();
    let mut request = Map::new();
    for (field, rule) in properties(&schema) {
        let value = match kind(rule) {
            "boolean" => matches.get_one::<bool>(field).map(|v| json!(v)),
            "integer" => matches.get_one::<i64>(field).map(|v| json!(v)),
            "object" => matches.get_one::<String>(field).map(|text| json!({ DOCUMENT: text })),
            _ => matches.get_one::<String>(field).map(|v| json!(v)),
        };
        request.extend(value.map(|value| (field.clone(), value)));
    }
    Value::Object(request)
}
