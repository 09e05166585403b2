//! Exchanges held against what their APIs say of themselves: Google's descriptions as the lab's stand-ins have them, and
//! Argo CD's. Each host of Google is the first folder of a path. A host that is not described (the token endpoint, the
//! metadata server) is let through.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use regex_lite::Regex;
use serde_json::{Value, json};

use super::wire::{Answer, Asked};

static GOOGLE: LazyLock<Result<Vec<Value>>> = LazyLock::new(google);
static ARGOCD: LazyLock<Result<Vec<Value>>> =
    LazyLock::new(|| Ok(vec![read(&lab().join("argocd.json"))?]));

fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lab")
}

/// All that the lab's stand-ins for Google go by.
fn google() -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let folder = lab().join("python/additions");
    for entry in std::fs::read_dir(&folder).context("looking for Google's descriptions")? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("google") && path.extension().is_some_and(|kind| kind == "json") {
            found.push(read(&path)?);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
}

/// What of an exchange is not as Google describes it.
pub fn unlike_google(asked: &Asked, answer: &Answer) -> Option<String> {
    // As it was sent: the name of an object is one part of a path, whatever is in it.
    let sent = asked.target.split('?').next()?;
    let (host, path) = sent.strip_prefix('/')?.split_once('/')?;
    let apis = match &*GOOGLE {
        Ok(apis) => apis,
        Err(error) => return Some(format!("{error:#}")),
    };
    let described = methods(apis).any(|(_, method)| word(method, "host") == host);
    described.then(|| misfit(apis, host, &format!("/{path}"), asked, answer))?
}

/// What of an exchange is not as Argo CD describes it.
pub fn unlike_argocd(asked: &Asked, answer: &Answer) -> Option<String> {
    match &*ARGOCD {
        Ok(apis) => misfit(apis, "", &asked.path, asked, answer),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// Every method, with the description that it is in.
fn methods(apis: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    apis.iter().flat_map(|api| {
        let methods = api.get("methods").and_then(Value::as_array);
        methods.into_iter().flatten().map(move |method| (api, method))
    })
}

fn misfit(
    apis: &[Value],
    host: &str,
    path: &str,
    asked: &Asked,
    answer: &Answer,
) -> Option<String> {
    let found = methods(apis).find(|(_, method)| {
        (word(method, "host"), word(method, "verb")) == (host, &asked.method)
            && is_at(word(method, "path"), path)
    });
    let Some((api, method)) = found else {
        return Some(format!("{host} has no {} {path}", asked.method));
    };
    let schemas = api.get("schemas").unwrap_or(&Value::Null);
    let judged = |name: &str, value: &Value, at: &str| {
        let name = word(method, name);
        if name.is_empty() { None } else { unlike(schemas, &json!({ "$ref": name }), value, at) }
    };
    // What is refused may have been wrong on purpose.
    if answer.status < 400 && !word(method, "request").is_empty() {
        let Ok(body) = serde_json::from_slice(&asked.body) else {
            return Some(format!("{path} takes JSON"));
        };
        if let Some(wrong) = judged("request", &body, "request") {
            return Some(wrong);
        }
    }
    let content = asked.target.contains("alt=media") && answer.status < 300;
    if content || answer.fault.is_some() || (300..400).contains(&answer.status) {
        return None;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return (answer.status < 300).then(|| format!("{path} answers JSON"));
    };
    match answer.status {
        400.. if word(method, "refusal").is_empty() => refusal(answer.status, &body),
        400.. => judged("refusal", &body, "refusal"),
        _ => judged("response", &body, "answer"),
    }
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The form of Google's refusals: the page "Errors" of the guide to the design of its APIs; the token service answers as
/// RFC 6749 says.
fn refusal(status: u16, body: &Value) -> Option<String> {
    let error = body.get("error")?;
    if error.is_string() {
        return None;
    }
    for name in error.as_object()?.keys() {
        if !["code", "message", "status", "details", "errors"].contains(&name.as_str()) {
            return Some(format!("an error of Google has no {name}"));
        }
    }
    let code = error.get("code").and_then(Value::as_u64);
    (code != Some(status.into())).then(|| format!("status {status} tells {code:?}"))
}

/// Whether a path is of a pattern whose open parts are `{}`.
fn is_at(pattern: &str, path: &str) -> bool {
    let parts: Vec<String> = pattern.split("{}").map(regex_lite::escape).collect();
    Regex::new(&format!("^{}$", parts.join("[^/]+"))).is_ok_and(|wanted| wanted.is_match(path))
}

fn unlike(schemas: &Value, rule: &Value, value: &Value, at: &str) -> Option<String> {
    let name = word(rule, "$ref");
    let rule = if name.is_empty() { rule } else { schemas.get(name)? };
    let allowed = rule.get("enum").and_then(Value::as_array);
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        return Some(format!("{at}: {value} is none of its values"));
    }
    match (word(rule, "type"), value) {
        ("object", Value::Object(map)) => {
            let known = rule.get("properties").and_then(Value::as_object)?;
            map.iter().find_map(|(name, inner)| match known.get(name) {
                Some(rule) => unlike(schemas, rule, inner, &format!("{at}.{name}")),
                None => Some(format!("{at} has no {name}")),
            })
        }
        ("array", Value::Array(all)) => {
            let rule = rule.get("items")?;
            all.iter().find_map(|inner| unlike(schemas, rule, inner, &format!("{at}[]")))
        }
        ("" | "any", _)
        | ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("integer" | "number", Value::Number(_)) => None,
        (kind, value) => Some(format!("{at} is no {kind}: {value}")),
    }
}
