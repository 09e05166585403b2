//! The values of a chart as a table, made of their schema and their defaults.

use serde_json::{Map, Value};

use crate::manifest::text;

/// Where the table begins in a README, and where it ends.
pub const MARKS: [&str; 2] = ["<!-- BEGIN VALUES -->", "<!-- END VALUES -->"];

/// The README with its table made anew; nothing when it has no place for one.
pub fn readme(old: &str, schema: &Value, defaults: &Value) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = old.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{}{end}{after}", table(schema, defaults)))
}

/// One row for each value, and one for each group of values.
fn table(schema: &Value, defaults: &Value) -> String {
    let mut rows = "| Key | Description | Type | Default |\n|---|---|---|---|\n".to_owned();
    group(schema, defaults, "", &mut rows);
    rows
}

fn group(schema: &Value, defaults: &Value, name: &str, rows: &mut String) {
    for (key, value) in properties(schema).into_iter().flatten() {
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        let about = text(value, "/description").replace('|', "\\|");
        let default = defaults.get(key).unwrap_or(&Value::Null);
        if properties(value).is_some() {
            rows.extend([format!("| **`{name}`** | {about} | | |\n")]);
            group(value, default, &name, rows);
        } else {
            let kind = kind(value);
            let default = if default.is_null() { String::new() } else { format!("`{default}`") };
            rows.extend([format!("| `{name}` | {about} | {kind} | {default} |\n")]);
        }
    }
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// The type in words: what it may be one of, else what it is.
fn kind(schema: &Value) -> String {
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> =
            values.iter().map(|value| format!("`{}`", words(value))).collect();
        return values.join(", ");
    }
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().map(words).collect::<Vec<_>>().join(" or "),
        Some(Value::String(one)) if one == "object" => "map".to_owned(),
        Some(one) => words(one),
        None => "any".to_owned(),
    }
}

/// What makes a schema less than strict or less than described, each with its place. `values` are the
/// chart's own defaults: each key of the schema is among them, so that they show all there is.
pub fn gaps(schema: &Value, values: &Value) -> Vec<String> {
    let mut gaps = Vec::new();
    strict(schema, "", &mut gaps);
    described(schema, values, "", &mut gaps);
    gaps
}

/// A schema of an object that has keys of its own is closed.
fn strict(schema: &Value, place: &str, gaps: &mut Vec<String>) {
    let Some(keys) = schema.as_object() else { return };
    let own = ["properties", "patternProperties"].iter().any(|key| keys.contains_key(*key));
    let is_object = keys.get("type").is_some_and(|kind| kind == "object");
    if is_object && own && keys.get("additionalProperties") != Some(&Value::Bool(false)) {
        gaps.push(format!("{place}: takes any key"));
    }
    for (key, below) in keys {
        match below {
            Value::Array(list) => {
                for one in list {
                    strict(one, &format!("{place}/{key}"), gaps);
                }
            }
            _ => strict(below, &format!("{place}/{key}"), gaps),
        }
    }
}

fn described(schema: &Value, values: &Value, place: &str, gaps: &mut Vec<String>) {
    for (key, below) in properties(schema).into_iter().flatten() {
        let place = format!("{place}/{key}");
        if !text(below, "/description").ends_with(['.', ',']) {
            gaps.push(format!("{place}: is not described"));
        }
        match values.get(key) {
            Some(value) => described(below, value, &place, gaps),
            None if place.starts_with("/resources/") => {}
            None => gaps.push(format!("{place}: is not in values.yaml")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "additionalProperties": false, "properties": {
            "a": {"description": "A | b.", "type": "string", "enum": ["x", "y"]},
            "g": {"description": "Group.", "type": "object", "additionalProperties": false,
                  "properties": {"n": {"description": "Number.", "type": ["integer", "string"]}}},
        }})
    }

    #[test]
    fn the_table_stands_between_its_marks() {
        let old = "top\n<!-- BEGIN VALUES -->\nold\n<!-- END VALUES -->\nend\n";
        let new = readme(old, &schema(), &json!({"a": "x", "g": {"n": 2}})).unwrap();
        let rows = "| `a` | A \\| b. | `x`, `y` | `\"x\"` |\n| **`g`** | Group. | | |\n\
                    | `g.n` | Number. | integer or string | `2` |\n";
        assert!(new.contains(rows), "{new}");
        assert!(new.starts_with("top\n") && new.ends_with("\nend\n") && !new.contains("old"));
        assert_eq!(readme("no marks", &schema(), &json!({})), None);
    }

    #[test]
    fn an_open_or_undescribed_schema_has_gaps() {
        let values = json!({"a": "x", "g": {"n": 2}});
        assert_eq!(gaps(&schema(), &values), [""; 0]);
        assert_eq!(gaps(&schema(), &json!({"a": "x", "g": {}})), ["/g/n: is not in values.yaml"]);
        let mut open = schema();
        open["properties"]["g"]["additionalProperties"] = json!(true);
        assert_eq!(gaps(&open, &values), ["/properties/g: takes any key"]);
        let mut silent = schema();
        silent["properties"]["a"]["description"] = json!("");
        assert_eq!(gaps(&silent, &values), ["/a: is not described"]);
    }
}
