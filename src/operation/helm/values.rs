//! The values of a call: an object, or YAML as people keep it. Helm's `--set` language is not taken.

use serde_json::{Map, Value};
use serde_saphyr::DuplicateKeyPolicy;

use crate::error::{Error, Result};
use crate::secret::looks_secret;

/// Longest text of values.
const TEXT_MAX: usize = 1024 * 1024;
/// Most events that aliases of a document may stand for.
const ALIASED_MAX: usize = 20_000;

/// Understands the values of a field of another name.
pub(in crate::operation) fn read_field(field: &str, given: &Value) -> Result<Map<String, Value>> {
    read(Some(given)).map_err(|error| error.field(field))
}

/// Understands values.
pub(super) fn read(given: Option<&Value>) -> Result<Map<String, Value>> {
    match given {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(Value::String(text)) => of_text(text),
        Some(other) => Err(refused(&other.to_string(), "are neither an object nor YAML")),
    }
}

fn refused(given: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid("values", "(not shown)", why)
        .allowed("an object, or YAML with a mapping at its root")
        .detail("length", given.len())
}

fn of_text(text: &str) -> Result<Map<String, Value>> {
    if text.len() > TEXT_MAX {
        return Err(refused(text, "are too long").allowed("up to 1 MiB"));
    }
    let mut options = serde_saphyr::Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.alias_limits.max_total_replayed_events = ALIASED_MAX;
    options.with_snippet = false;
    let parsed: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|e| refused(text, format!("are not YAML: {}", first_line(&e.to_string()))))?;
    match parsed {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        Value::Array(_) => Err(refused(text, "have a list at their root")),
        Value::String(given) if given.contains('=') => {
            Err(refused(text, "are in the language of --set, which is not taken")
                .next("write them as an object: {\"image\": {\"tag\": \"1.2\"}}"))
        }
        _ => Err(refused(text, "have no mapping at their root")),
    }
}

/// A message of the parser without what it quotes: values may be secret.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.split(['`', '"', '\''])
        .step_by(2)
        .collect::<Vec<_>>()
        .join("…")
        .chars()
        .take(200)
        .collect()
}

/// Texts whose keys say, or which look as if, they were secret.
pub(in crate::operation) fn secrets(values: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in values {
        collect(key, value, &mut found);
    }
    found
}

fn collect(key: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if looks_secret(key, text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(key, item, found)),
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(key, value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_and_yaml_mean_the_same() {
        let object = json!({ "image": { "tag": "1.2" }, "replicas": 2, "list": ["a"] });
        let text = json!("image: {tag: \"1.2\"}\nreplicas: 2\nlist: [a]\n");
        assert_eq!(read(Some(&object)).unwrap(), read(Some(&text)).unwrap());
        assert!(read(None).unwrap().is_empty() && read(Some(&json!(""))).unwrap().is_empty());
    }

    #[test]
    fn bad_inputs_76_to_79_and_81_values_are_refused_and_not_repeated() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for c in b'b'..=b'i' {
            let (this, all) = (char::from(c), vec![format!("*{}", char::from(c - 1)); 9].join(","));
            bomb = format!("{bomb}{this}: &{this} [{all}]\n");
        }
        for (bad, why) in [
            ("a:\n\tb: hunter22\n", "are not YAML"),
            (bomb.as_str(), "are not YAML"),
            ("password: hunter22\npassword: hunter23\n", "are not YAML"),
            ("a: {b: hunter22, b: 2}\n", "are not YAML"),
            ("- hunter22\n- b\n", "a list at their root"),
            ("image.tag=hunter22,replicas=2", "language of --set"),
            ("hunter22", "no mapping"),
            ("a: 'hunter22\n", "are not YAML"),
        ] {
            let error = read(Some(&json!(bad))).unwrap_err();
            assert!(error.message.contains(why), "{bad}: {error}");
            assert_eq!(error.field.as_deref(), Some("values"));
            assert!(!serde_json::to_string(&error).unwrap().contains("hunter2"), "{error:?}");
        }
        for bad in [json!(["a"]), json!(3), json!(true)] {
            assert!(read(Some(&bad)).unwrap_err().message.contains("neither"), "{bad}");
        }
        let deep = format!("{}{}", "{a: ".repeat(2000), "}".repeat(2000));
        assert!(read(Some(&json!(deep))).is_err());
    }

    #[test]
    fn secrets_are_found_by_their_keys() {
        let values = json!({ "db": { "password": "hunter22", "user": "app" }, "tokens": ["t-1"] });
        assert_eq!(secrets(values.as_object().unwrap()), ["hunter22", "t-1"]);
    }
}
