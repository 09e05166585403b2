//! Terraform's JSON syntax into the neutral form. JSON has no places: a line is where the name is first written.

mod unique;

use serde_json::{Map, Value as Json};

use super::block::{Block, Place, Value};
use crate::error::{Error, Result};

/// How many labels each kind of block has, by where it may stand. Any other key is an attribute.
fn labels(kind: &str, inside: &str) -> Option<usize> {
    match (inside, kind) {
        ("" | "check", "data")
        | ("", "resource" | "ephemeral" | "action")
        | ("encryption", "key_provider" | "method") => Some(2),
        ("", "module" | "provider" | "variable" | "output" | "check")
        | ("terraform", "backend" | "provider_meta")
        | ("resource" | "removed", "provisioner") => Some(1),
        ("", "terraform" | "removed" | "import" | "moved")
        | ("terraform", "required_providers" | "cloud" | "encryption") => Some(0),
        _ => None,
    }
}

pub(super) fn parse(text: &str, file: &str) -> Result<Vec<Block>> {
    let mut out = Vec::new();
    let tops = match read(text, file)? {
        Json::Array(items) => items,
        other => vec![other],
    };
    let source = Source { text, file };
    for top in &tops {
        let Json::Object(map) = top else {
            return Err(bad(file, "is not a JSON object"));
        };
        out.append(&mut source.body(map, "").1);
    }
    Ok(out)
}

/// Keys of the object at the top: the variables that a tfvars file assigns.
pub(super) fn keys(text: &str, file: &str) -> Result<Vec<String>> {
    match read(text, file)? {
        Json::Object(map) => Ok(map.keys().cloned().collect()),
        _ => Err(bad(file, "is not a JSON object")),
    }
}

fn read(text: &str, file: &str) -> Result<Json> {
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str::<unique::Unique>(text).and_then(|_| serde_json::from_str(text)).map_err(
        |e| {
            let place = format!("{file}:{}", e.line());
            Error::invalid("environment.tree", &place, "cannot be read as JSON")
                .detail("cause", e.to_string())
                .detail("place", place)
        },
    )
}

fn bad(file: &str, why: &str) -> Error {
    Error::invalid("environment.tree", file, why)
}

struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

impl Source<'_> {
    fn place(&self, name: &str) -> Place {
        let at = self.text.find(&format!("\"{name}\"")).unwrap_or(0);
        let before = self.text.get(..at).unwrap_or("");
        Place {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            overrides: false,
        }
    }

    fn body(
        &self,
        map: &Map<String, Json>,
        inside: &str,
    ) -> (std::collections::BTreeMap<String, Value>, Vec<Block>) {
        let (mut attributes, mut blocks) = (std::collections::BTreeMap::new(), Vec::new());
        for (key, json) in map {
            match labels(key, inside) {
                Some(count) => self.descend(key, json, count, &[], &mut blocks),
                None => {
                    attributes.insert(key.clone(), value(json));
                }
            }
        }
        (attributes, blocks)
    }

    fn descend(
        &self,
        kind: &str,
        json: &Json,
        count: usize,
        labels: &[String],
        out: &mut Vec<Block>,
    ) {
        match json {
            Json::Array(items) => {
                for item in items {
                    self.descend(kind, item, count, labels, out);
                }
            }
            Json::Object(map) if count > 0 => {
                for (label, inner) in map {
                    let mut labels = labels.to_vec();
                    labels.push(label.clone());
                    self.descend(kind, inner, count - 1, &labels, out);
                }
            }
            Json::Object(map) => {
                let (attributes, blocks) = self.body(map, kind);
                out.push(Block {
                    kind: kind.to_owned(),
                    labels: labels.to_vec(),
                    attributes,
                    blocks,
                    place: self.place(labels.last().map_or(kind, String::as_str)),
                });
            }
            _ => {}
        }
    }
}

/// Texts in JSON are templates: one with `${` is not a literal.
fn value(json: &Json) -> Value {
    match json {
        Json::String(text) if text.contains("${") || text.contains("%{") => {
            Value::Other(text.clone())
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), value(v))).collect())
        }
        other => Value::Other(other.to_string()),
    }
}
