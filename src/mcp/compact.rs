//! Schemas as small as a model can use them: every token of `tools/list` is paid in every conversation. The whole
//! schemas are in the reference.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::Schema;
use serde_json::{Map, Value, json};

/// A request's schema: types and meanings, references resolved, `null` left out (a field that is left out means it).
pub(super) fn input(schema: &Schema) -> Arc<JsonObject> {
    object(schema, &["required", "additionalProperties"], |rule, definitions| {
        let mut small = shape(rule, definitions);
        small.extend(rule.get("description").and_then(Value::as_str).map(gist));
        if let Some(value) = rule.get("default").filter(|v| !v.is_null()) {
            small.insert("default".to_owned(), value.clone());
        }
        small
    })
}

/// An answer's schema: names of the fields that somebody acts on. Their types, and the fields marked `x-told`, are left to
/// the reference: whoever reads an answer sees them. None is required: a tool may answer with an error alone, and there
/// are clients that hold errors against this schema, too.
pub(super) fn output(schema: &Schema) -> Arc<JsonObject> {
    let mut schema = schema.clone();
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        fields.retain(|_, rule| rule.get("x-told").is_none());
    }
    object(&schema, &[], |_, _| Map::new())
}

fn object(
    schema: &Schema,
    keys: &[&str],
    field: impl Fn(&Value, &Value) -> Map<String, Value>,
) -> Arc<JsonObject> {
    let schema = schema.as_value();
    let definitions = schema.get("$defs").unwrap_or(&Value::Null);
    let fields = schema.get("properties").and_then(Value::as_object);
    let properties: Map<String, Value> = fields
        .into_iter()
        .flatten()
        .map(|(name, rule)| (name.clone(), Value::Object(field(rule, definitions))))
        .collect();
    let mut whole = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
    ]);
    for key in keys {
        whole.extend(schema.get(key).map(|value| ((*key).to_owned(), value.clone())));
    }
    Arc::new(whole)
}

/// The first sentence of a description: the rest is for people, in help and reference.
fn gist(description: &str) -> (String, Value) {
    let text = description.split(". ").next().unwrap_or(description).trim_end_matches('.');
    ("description".to_owned(), json!(text))
}

/// Type and allowed words of a field; what is inside objects and lists is left to the reference.
fn shape(rule: &Value, definitions: &Value) -> Map<String, Value> {
    let rule = resolve(rule, definitions);
    let mut small = Map::new();
    if let Some(words) = words(rule) {
        small.insert("enum".to_owned(), words);
        return small;
    }
    let kind = match rule.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|k| *k != "null").cloned(),
        other => other.cloned(),
    };
    small.extend(kind.map(|kind| ("type".to_owned(), kind)));
    for key in ["minimum", "maximum"] {
        if let Some(value) = rule.get(key).filter(|v| **v != 0) {
            small.insert(key.to_owned(), value.clone());
        }
    }
    small
}

/// Follows a reference and takes the part of an `anyOf` that is not `null`.
fn resolve<'a>(rule: &'a Value, definitions: &'a Value) -> &'a Value {
    let not_null = |part: &&Value| part.get("type") != Some(&json!("null"));
    let part =
        rule.get("anyOf").and_then(Value::as_array).and_then(|parts| parts.iter().find(not_null));
    if let Some(part) = part {
        return resolve(part, definitions);
    }
    let name = rule.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    match name.and_then(|name| definitions.get(name)) {
        Some(definition) => resolve(definition, definitions),
        None => rule,
    }
}

/// The words of an enumeration.
fn words(rule: &Value) -> Option<Value> {
    if let Some(words) = rule.get("enum") {
        return Some(words.clone());
    }
    let parts = rule.get("oneOf")?.as_array()?;
    let words: Option<Vec<Value>> = parts.iter().map(|part| part.get("const").cloned()).collect();
    words.map(Value::Array)
}

#[cfg(test)]
mod tests {
    use crate::mcp::listing;

    #[test]
    fn an_error_alone_is_in_the_schema_of_every_answer() {
        for tool in listing() {
            let schema = tool.output_schema.as_ref().unwrap();
            assert!(!schema.contains_key("required"), "{}", tool.name);
            assert!(!schema.contains_key("additionalProperties"), "{}", tool.name);
        }
    }
}
