//! One entry into the text of a kubeconfig. What the new text means is computed first; then the old text is changed line by
//! line, and kept in that form if it means exactly that. Otherwise it is written anew as a whole, and comments are lost.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::lines;
use super::refused;
use crate::error::{Error, ErrorCode};
use crate::model::ContextEntry;

/// The version that answers for every client of Kubernetes from 1.24 on (Kubernetes, "client-go credential plugins").
const EXEC: &str = "client.authentication.k8s.io/v1";

/// A merged text.
#[derive(Debug)]
pub(super) struct MergedText {
    pub(super) text: String,
    pub(super) comments_lost: bool,
}

/// Why a text cannot be merged into.
#[derive(Debug)]
pub(super) enum Bad {
    /// It is not a kubeconfig.
    Malformed(String),
    /// The name is taken.
    Taken(Box<Error>),
}

impl Bad {
    pub(super) fn error(self, path: &Path) -> Error {
        match self {
            Self::Malformed(why) => refused(path, why).next("mend it, or name another path"),
            Self::Taken(error) => *error,
        }
    }
}

/// A list of the file and the word under which its items keep their content.
const LISTS: [(&str, &str); 3] =
    [("clusters", "cluster"), ("contexts", "context"), ("users", "user")];

/// Merges.
pub(super) fn merge(
    text: &str,
    program: &str,
    entry: &ContextEntry,
    set_current: bool,
) -> Result<MergedText, Bad> {
    let old = parse(text)?;
    let items = items(&old, program, entry)?;
    let mut new = old.clone();
    for ((list, _), item) in LISTS.iter().zip(&items) {
        put(&mut new, list, &entry.name, item);
    }
    new.entry("apiVersion").or_insert_with(|| json!("v1"));
    new.entry("kind").or_insert_with(|| json!("Config"));
    if set_current {
        new.insert("current-context".into(), json!(entry.name));
    }
    if new == old {
        return Ok(MergedText { text: text.to_owned(), comments_lost: false });
    }
    let changed = changed(text, &old, &new, &entry.name);
    match changed.filter(|changed| parse(changed).is_ok_and(|meant| meant == new)) {
        Some(text) => Ok(MergedText { text, comments_lost: false }),
        None => Ok(MergedText { text: whole(text, &new)?, comments_lost: text.contains('#') }),
    }
}

pub(super) fn parse(text: &str) -> Result<Map<String, Value>, Bad> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let malformed = |why: String| Bad::Malformed(why);
    let value: Value = serde_saphyr::from_str(text)
        .map_err(|e| malformed(format!("it is not YAML: {}", first_line(&e.to_string()))))?;
    let Value::Object(map) = value else {
        return Err(malformed("it is not a mapping".to_owned()));
    };
    if map.get("kind").is_some_and(|kind| kind != "Config") {
        return Err(malformed("its kind is not Config".to_owned()));
    }
    for (list, _) in LISTS {
        match map.get(list) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) if items.iter().all(|item| named(item).is_some()) => {}
            Some(_) => return Err(malformed(format!("{list} is not a list of named entries"))),
        }
    }
    Ok(map)
}

/// What a parser says, without the text of the file: that may hold a token.
fn first_line(why: &str) -> String {
    why.lines().next().unwrap_or_default().chars().take(120).collect()
}

fn named(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

pub(super) fn find<'v>(map: &'v Map<String, Value>, list: &str, name: &str) -> Option<&'v Value> {
    let items = map.get(list).and_then(Value::as_array)?;
    items.iter().find(|item| named(item) == Some(name))
}

/// The three items as they have to be, with what others may have added to ours.
fn items(old: &Map<String, Value>, program: &str, entry: &ContextEntry) -> Result<[Value; 3], Bad> {
    let name = entry.name.as_str();
    let there = |(list, word): (&str, &str)| {
        find(old, list, name).and_then(|item| item.get(word)).and_then(Value::as_object).cloned()
    };
    let [clusters, contexts, users] = LISTS;
    let (cluster, context, user) = (there(clusters), there(contexts), there(users));
    if !ours(user.as_ref(), entry) {
        taken(entry, cluster.as_ref(), context.as_ref(), user.is_some())?;
    }
    let mut cluster = cluster.unwrap_or_default();
    cluster.retain(|key, _| {
        matches!(key.as_str(), "proxy-url" | "disable-compression" | "extensions")
    });
    cluster.insert("server".into(), json!(entry.server));
    if !entry.certificate_authority.is_empty() {
        cluster.insert("certificate-authority-data".into(), json!(entry.certificate_authority));
    }
    let mut context = context.unwrap_or_default();
    context.retain(|key, _| matches!(key.as_str(), "namespace" | "extensions"));
    context.insert("cluster".into(), json!(name));
    context.insert("user".into(), json!(name));
    let variables: Vec<Value> =
        entry.env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let mut exec = json!({
        "apiVersion": EXEC,
        "command": program,
        "args": entry.args,
        "interactiveMode": "Never",
        "provideClusterInfo": false,
    });
    if let (Some(exec), false) = (exec.as_object_mut(), variables.is_empty()) {
        exec.insert("env".into(), json!(variables));
    }
    Ok([
        json!({ "name": name, "cluster": cluster }),
        json!({ "name": name, "context": context }),
        json!({ "name": name, "user": { "exec": exec } }),
    ])
}

/// Whether the user is one that was written here for the same cluster: it makes the same tokens.
fn ours(user: Option<&Map<String, Value>>, entry: &ContextEntry) -> bool {
    let args = user.and_then(|user| user.get("exec")).and_then(|exec| exec.get("args"));
    let Some(args) = args.and_then(Value::as_array) else { return false };
    let own = entry.own_args;
    args.len() >= own && args.iter().zip(&entry.args).take(own).all(|(there, new)| there == new)
}

/// Refuses a name that means another cluster or another way to it.
fn taken(
    entry: &ContextEntry,
    cluster: Option<&Map<String, Value>>,
    context: Option<&Map<String, Value>>,
    user: bool,
) -> Result<(), Bad> {
    let text = |map: Option<&Map<String, Value>>, key: &str| {
        map.and_then(|m| m.get(key)).and_then(Value::as_str).map(str::to_owned)
    };
    let what = if let Some(server) = text(cluster, "server").filter(|s| *s != entry.server) {
        format!("a cluster of this name is at {server}, not at {}", entry.server)
    } else if let Some(other) = text(context, "cluster").filter(|c| *c != entry.name) {
        format!("a context of this name leads to cluster {other}")
    } else if user {
        "a user of this name comes in another way".to_owned()
    } else {
        return Ok(());
    };
    let error = Error::new(
        ErrorCode::InvalidRequest,
        format!("writing context {}: the kubeconfig has that name already: {what}", entry.name),
    )
    .field("context")
    .given(&entry.name)
    .next("set another `cluster.context` in the settings, name another path, or remove that entry by `kubectl config`");
    Err(Bad::Taken(Box::new(error)))
}

fn put(map: &mut Map<String, Value>, list: &str, name: &str, item: &Value) {
    let items = map.entry(list).or_insert_with(|| json!([]));
    if !items.is_array() {
        *items = json!([]);
    }
    let Some(items) = items.as_array_mut() else { return };
    match items.iter_mut().find(|known| named(known) == Some(name)) {
        Some(known) => *known = item.clone(),
        None => items.push(item.clone()),
    }
}

/// The old text with the lines changed that have to be; nothing when its form is not the one that tools write.
fn changed(
    text: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    name: &str,
) -> Option<String> {
    let mut lines = lines::Lines::of(text);
    for key in ["apiVersion", "kind", "current-context"] {
        if old.get(key) != new.get(key) {
            lines.set(key, &yaml(new.get(key)?)?);
        }
    }
    for (list, _) in LISTS {
        let items = new.get(list)?.as_array()?;
        let place = items.iter().position(|item| named(item) == Some(name))?;
        let item = items.get(place)?;
        let before = old.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        if find(old, list, name) != Some(item) {
            lines.put(list, before, (place < before).then_some(place), &yaml(&json!([item]))?)?;
        }
    }
    Some(lines.text())
}

fn yaml(value: &Value) -> Option<String> {
    serde_saphyr::to_string(value).ok().map(|text| text.trim_end().to_owned())
}

/// The whole anew, in the form that the file had: JSON stays JSON.
fn whole(text: &str, new: &Map<String, Value>) -> Result<String, Bad> {
    let failed = |why: String| Bad::Malformed(format!("it cannot be written again: {why}"));
    let whole = Value::Object(new.clone());
    let written = if text.trim_start().starts_with('{') {
        serde_json::to_string_pretty(&whole).map_err(|e| failed(e.to_string()))? + "\n"
    } else {
        serde_saphyr::to_string(&whole).map_err(|e| failed(e.to_string()))?
    };
    match parse(&written) {
        Ok(meant) if meant == *new => Ok(written),
        _ => Err(failed("its form is not one that can be kept".to_owned())),
    }
}
