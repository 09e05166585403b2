//! Kubernetes manifests and values files, read for checking. Nothing is sent anywhere.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The documents of a YAML text, empty ones left out. A repeated key is an error.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("reading YAML")?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// The one document of a file.
pub fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut found = documents(&text).with_context(|| format!("in {}", path.display()))?;
    ensure!(found.len() == 1, "{} has {} documents, not one", path.display(), found.len());
    found.pop().context("no document")
}

/// The text at a JSON pointer; empty where there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer; empty where there is none.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The dotted names of all leaves: what is no mapping, or an empty one.
pub fn leaves(value: &Value) -> Vec<String> {
    fn walk(value: &Value, name: &str, into: &mut Vec<String>) {
        match value.as_object().filter(|keys| !keys.is_empty()) {
            Some(keys) => {
                for (key, below) in keys {
                    // A key may hold dots itself, as those of Argo CD's settings do.
                    let key = if key.contains('.') { format!("{key:?}") } else { key.clone() };
                    let dot = if name.is_empty() { "" } else { "." };
                    walk(below, &format!("{name}{dot}{key}"), into);
                }
            }
            None => into.push(name.to_owned()),
        }
    }
    let mut into = Vec::new();
    walk(value, "", &mut into);
    into
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_repeated_keys_refused() {
        let read = documents("---\n# only words\n---\na: 1\n---\nb: [x]\n").unwrap();
        assert_eq!(read, [serde_json::json!({"a": 1}), serde_json::json!({"b": ["x"]})]);
        documents("a: 1\na: 2\n").unwrap_err();
    }

    #[test]
    fn leaves_have_dotted_names() {
        let value = serde_json::json!({"a": {"b": 1, "c.d": {"e": []}}, "f": {}});
        assert_eq!(leaves(&value), ["a.b", "a.\"c.d\".e", "f"]);
    }
}
