//! Schemas as they are served: all that a client checks and a model reads, and little else, since every client pays for
//! them in every session (bar 13). The reference under `docs/` has the whole text.

use serde_json::{Map, Value, json};

/// Which way a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Requests: a model reads what each field means.
    Input,
    /// Answers: the fields' names say it.
    Output,
}

/// The schema without titles, formats, null defaults, and, for answers, descriptions; named constants as one list.
pub(super) fn lean(value: Value, side: Side) -> Value {
    match value {
        Value::Object(map) => Value::Object(object(map, side)),
        Value::Array(items) => items.into_iter().map(|item| lean(item, side)).collect(),
        other => other,
    }
}

fn object(map: Map<String, Value>, side: Side) -> Map<String, Value> {
    let mut lean_map = Map::new();
    for (word, rule) in map {
        match word.as_str() {
            "$schema" | "title" | "format" => {}
            "description" if side == Side::Output => {}
            "default" if rule.is_null() => {}
            // Names of fields and types, not words of the schema language.
            "properties" | "$defs" => {
                let fields = rule.as_object().cloned().unwrap_or_default();
                let fields = fields.into_iter().map(|(name, rule)| (name, lean(rule, side)));
                lean_map.insert(word, Value::Object(fields.collect()));
            }
            "oneOf" => match constants(&rule) {
                Some(words) => {
                    lean_map.insert("type".into(), json!("string"));
                    lean_map.insert("enum".into(), words);
                }
                None => drop(lean_map.insert(word, lean(rule, side))),
            },
            _ => drop(lean_map.insert(word, lean(rule, side))),
        }
    }
    lean_map
}

/// The words of a list of named constants.
fn constants(rule: &Value) -> Option<Value> {
    let words = rule.as_array()?.iter().map(|one| one.get("const").filter(|c| c.is_string()));
    words.map(Option::<&Value>::cloned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_13_a_schema_keeps_what_is_checked_and_loses_what_is_not() {
        let whole = json!({
            "title": "T", "$schema": "x", "description": "d", "type": "object", "required": ["title"],
            "properties": {
                "title": { "type": "string", "description": "kept as a field", "default": null },
                "kind": { "oneOf": [{ "const": "a", "description": "A." }, { "const": "b" }] },
                "either": { "oneOf": [{ "type": "string" }, { "const": "b" }], "default": true },
            },
        });
        assert_eq!(
            lean(whole.clone(), Side::Output),
            json!({
                "type": "object", "required": ["title"],
                "properties": {
                    "title": { "type": "string" },
                    "kind": { "type": "string", "enum": ["a", "b"] },
                    "either": { "oneOf": [{ "type": "string" }, { "const": "b" }], "default": true },
                },
            })
        );
        let input = lean(whole, Side::Input);
        assert_eq!(input["properties"]["title"]["description"], "kept as a field");
    }
}
