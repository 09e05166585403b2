//! Exchanges held against what their APIs say of themselves: Google's descriptions as the lab's stand-ins have them, and
//! Argo CD's. Each host of Google is the first folder of a path. A host that is not described (the token endpoint, the
//! metadata server) is let through, and so is a page of HTML: whoever stands before an API answers with one, no API does.

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
    if answer.fault.is_some() || is_page(answer) {
        return None;
    }
    if let Some(wrong) = parameters(api, method, host, asked) {
        return Some(wrong);
    }
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
    if content || (300..400).contains(&answer.status) {
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

fn is_page(answer: &Answer) -> bool {
    let mut kinds =
        answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    kinds.any(|(_, kind)| kind.starts_with("text/html"))
}

/// What of the query is not as described; some parameters are an API's own, for all its methods.
fn parameters(api: &Value, method: &Value, host: &str, asked: &Asked) -> Option<String> {
    let general = api.pointer(&format!("/general/{host}")).and_then(Value::as_array);
    asked.query.iter().find_map(|(name, given)| {
        let Some(rule) = method.get("query")?.get(name) else {
            let known = general.is_some_and(|all| all.iter().any(|known| known == name));
            return (!known).then(|| format!("{} has no parameter {name}", asked.method));
        };
        let allowed = rule.get("enum").and_then(Value::as_array);
        let number = word(rule, "type") == "integer" || word(rule, "format").ends_with("int64");
        let wrong = allowed.is_some_and(|allowed| !allowed.iter().any(|allowed| allowed == given))
            || word(rule, "type") == "boolean" && !["true", "false"].contains(&given.as_str())
            || number && given.parse::<i64>().is_err();
        wrong.then(|| format!("the parameter {name} is not {given}"))
    })
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
    if code != Some(status.into()) {
        return Some(format!("status {status} tells {code:?}"));
    }
    let named = word(error, "status");
    let fits = named.is_empty() || CODES.contains(&(named, status));
    (!fits).then(|| format!("status {status} is no {named}"))
}

/// The names of `google.rpc.Code`, and the statuses that they come with.
const CODES: [(&str, u16); 16] = [
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("ABORTED", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INTERNAL", 500),
    ("DATA_LOSS", 500),
    ("UNIMPLEMENTED", 501),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

/// Whether a path is of a pattern whose open parts are `{}`.
fn is_at(pattern: &str, path: &str) -> bool {
    let parts: Vec<String> = pattern.split("{}").map(regex_lite::escape).collect();
    Regex::new(&format!("^{}$", parts.join("[^/]+"))).is_ok_and(|wanted| wanted.is_match(path))
}

/// Forms of texts, by their names in Google's descriptions.
const FORMATS: [(&str, &str); 4] = [
    ("int64", "^-?[0-9]+$"),
    ("uint64", "^[0-9]+$"),
    ("google-datetime", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"),
    ("google-duration", r"^-?\d+(\.\d+)?s$"),
];

fn unlike(schemas: &Value, rule: &Value, value: &Value, at: &str) -> Option<String> {
    let name = word(rule, "$ref");
    let rule = if name.is_empty() { rule } else { schemas.get(name)? };
    let allowed = rule.get("enum").and_then(Value::as_array);
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        return Some(format!("{at}: {value} is none of its values"));
    }
    match (word(rule, "type"), value) {
        ("object", Value::Object(map)) => {
            let (known, rest) = (rule.get("properties"), rule.get("additionalProperties"));
            if known.is_none() && rest.is_none() {
                return None;
            }
            map.iter().find_map(|(name, inner)| match known.and_then(|k| k.get(name)).or(rest) {
                Some(rule) => unlike(schemas, rule, inner, &format!("{at}.{name}")),
                None => Some(format!("{at} has no {name}")),
            })
        }
        ("array", Value::Array(all)) => {
            let rule = rule.get("items")?;
            all.iter().find_map(|inner| unlike(schemas, rule, inner, &format!("{at}[]")))
        }
        ("string", Value::String(text)) => {
            let form = FORMATS.iter().find(|(name, _)| *name == word(rule, "format"));
            let fits =
                form.is_none_or(|(_, form)| Regex::new(form).is_ok_and(|f| f.is_match(text)));
            (!fits).then(|| format!("{at} is no {}: {text}", word(rule, "format")))
        }
        ("" | "any", _)
        | ("boolean", Value::Bool(_))
        | ("integer" | "number", Value::Number(_)) => None,
        (kind, value) => Some(format!("{at} is no {kind}: {value}")),
    }
}
