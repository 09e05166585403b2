//! What would change, object by object and field by field, between what is there and what is wanted. Secrets are
//! compared and never shown.

use serde_json::Value;

use super::manifest::Object;
use crate::model::Action;
use crate::secret::looks_secret;

/// Longest value that is shown.
const SHOWN: usize = 160;

/// What happens to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operation) struct Delta {
    /// Which.
    pub(in crate::operation) address: String,
    /// Its kind.
    pub(in crate::operation) kind: String,
    /// What happens to it.
    pub(in crate::operation) action: Action,
    /// How, in lines.
    pub(in crate::operation) lines: Vec<String>,
}

/// What is there.
#[derive(Debug, Clone, Copy)]
pub(in crate::operation) struct There<'a> {
    /// What the release says that it made.
    pub(in crate::operation) release: &'a [Object],
    /// What is in the cluster of it; `None` when that was not looked at.
    pub(in crate::operation) live: Option<&'a [Object]>,
    /// Whether the release got to its end: else nobody knows which of its objects are as it says.
    pub(in crate::operation) settled: bool,
}

/// What would change.
pub(in crate::operation) fn diff(
    there: There<'_>,
    wanted: &[Object],
    namespace: &str,
) -> Vec<Delta> {
    let mut deltas = Vec::new();
    for new in wanted {
        let old = there.release.iter().find(|old| old.is(new, namespace));
        let live = there.live.map(|all| all.iter().find(|live| live.is(new, namespace)));
        let mut lines = Lines::of(new);
        let action = match (old, live) {
            (None, _) => {
                lines.walk("", None, Some(&new.body));
                Some(Action::Create)
            }
            (Some(_), Some(None)) => {
                lines.say("it is gone from the cluster and is made again");
                Some(Action::Create)
            }
            (Some(old), live) => {
                lines.walk("", Some(&old.body), Some(&new.body));
                if let Some(Some(live)) = live {
                    lines.drifted("", &new.body, &old.body, &live.body);
                }
                if !there.settled && lines.out.is_empty() {
                    lines.say("the last revision did not get to its end: it is applied again");
                }
                (!lines.out.is_empty()).then_some(Action::Update)
            }
        };
        deltas.extend(action.map(|action| delta(new, namespace, action, lines.out)));
    }
    for old in there.release.iter().filter(|o| !wanted.iter().any(|new| new.is(o, namespace))) {
        let gone = there.live.is_some_and(|all| !all.iter().any(|live| live.is(old, namespace)));
        if !old.is_kept() && !gone {
            deltas.push(delta(old, namespace, Action::Delete, Vec::new()));
        }
    }
    deltas
}

fn delta(object: &Object, namespace: &str, action: Action, lines: Vec<String>) -> Delta {
    let address = object.address(namespace);
    Delta { address, kind: object.kind.clone(), action, lines }
}

/// Collects the lines of one object.
struct Lines<'a> {
    object: &'a Object,
    out: Vec<String>,
}

impl<'a> Lines<'a> {
    fn of(object: &'a Object) -> Self {
        Self { object, out: Vec::new() }
    }

    fn say(&mut self, text: &str) {
        self.out.push(format!("({text})"));
    }

    /// Whether the value at a path must not be shown.
    fn is_secret(&self, path: &str, value: &Value) -> bool {
        let top = path.split(['.', '[']).next().unwrap_or_default();
        let data = matches!(top, "data" | "stringData" | "binaryData");
        let text = value.as_str().unwrap_or_default();
        if self.object.kind == "Secret" && data {
            return true;
        }
        // The value of a variable that a container is given: its name stands in brackets before it.
        let named = path.strip_suffix(".value").and_then(|p| p.rsplit('[').next());
        let name = match named {
            Some(name) if path.contains("env[") => name.trim_end_matches(']'),
            _ if data => path.rsplit('.').next().unwrap_or_default(),
            _ => "",
        };
        looks_secret(name, text)
    }

    fn show(&self, path: &str, value: &Value) -> String {
        if self.is_secret(path, value) {
            return "(secret)".to_owned();
        }
        let text = value.to_string();
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }

    fn walk(&mut self, path: &str, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        match (old, new) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let added = b.keys().filter(|key| !a.contains_key(*key));
                for key in a.keys().chain(added) {
                    self.walk(&join(path, key), a.get(key), b.get(key));
                }
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                for (key, a, b) in pairs(a, b) {
                    self.walk(&format!("{path}[{key}]"), a, b);
                }
            }
            (None, Some(Value::Object(b))) if !b.is_empty() => {
                b.iter().for_each(|(key, b)| self.walk(&join(path, key), None, Some(b)));
            }
            (None, Some(Value::Array(b))) if !b.is_empty() => {
                for (key, _, b) in pairs(&[], b) {
                    self.walk(&format!("{path}[{key}]"), None, b);
                }
            }
            (Some(Value::String(a)), Some(Value::String(b)))
                if (a.contains('\n') || b.contains('\n'))
                    && !self.is_secret(path, &Value::String(a.clone()))
                    && !self.is_secret(path, &Value::String(b.clone())) =>
            {
                self.text(path, a, b);
            }
            (None, Some(b)) => self.out.push(format!("+ {path}: {}", self.show(path, b))),
            (Some(a), None) => self.out.push(format!("- {path}: {}", self.show(path, a))),
            (Some(a), Some(b)) => {
                let (a, mut b) = (self.show(path, a), self.show(path, b));
                if a == b {
                    "(another secret)".clone_into(&mut b);
                }
                self.out.push(format!("  {path}: {a} -> {b}"));
            }
            (None, None) => {}
        }
    }

    /// A text of several lines: what differs between its equal head and tail.
    fn text(&mut self, path: &str, old: &str, new: &str) {
        let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        let rest = a.len().min(b.len()) - head;
        let tail =
            a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
        self.out.push(format!("  {path}: from line {}", head + 1));
        let middle = |lines: &[&str]| {
            lines
                .get(head..lines.len() - tail)
                .unwrap_or_default()
                .iter()
                .map(|l| (*l).to_owned())
                .collect::<Vec<_>>()
        };
        for (sign, lines) in [('-', middle(&a)), ('+', middle(&b))] {
            for line in lines {
                let shown = self.show(path, &Value::String(line));
                self.out.push(format!("    {sign} {shown}"));
            }
        }
    }

    /// Fields that the release sets and that somebody has changed in the cluster since. Amounts are written in other
    /// words there, so they are left out.
    fn drifted(&mut self, path: &str, new: &Value, old: &Value, live: &Value) {
        match (new, old, live) {
            (Value::Object(new), Value::Object(old), Value::Object(live)) => {
                for (key, new) in new {
                    if let (Some(old), Some(live)) = (old.get(key), live.get(key))
                        && !matches!(key.as_str(), "resources" | "requests" | "limits" | "status")
                    {
                        self.drifted(&join(path, key), new, old, live);
                    }
                }
            }
            (Value::Array(new), Value::Array(old), Value::Array(live)) => {
                for (key, new, old) in pairs(new, old) {
                    let at = pairs(new.map_or(&[], std::slice::from_ref), live);
                    let named = at.into_iter().find(|(k, ..)| *k == key && k.contains('='));
                    if let (Some(new), Some(old), Some((_, _, Some(live)))) = (new, old, named) {
                        self.drifted(&format!("{path}[{key}]"), new, old, live);
                    }
                }
            }
            (new, old, live) if new == old && same_kind(old, live) && old != live => {
                let (a, mut b) = (self.show(path, live), self.show(path, new));
                if a == b {
                    "(another secret)".clone_into(&mut b);
                }
                self.out.push(format!("  {path}: {a} -> {b} (somebody changed it in the cluster)"));
            }
            _ => {}
        }
    }
}

fn same_kind(a: &Value, b: &Value) -> bool {
    matches!(
        (a, b),
        (Value::String(_), Value::String(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::Bool(_), Value::Bool(_))
    )
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

type Pair<'v> = (String, Option<&'v Value>, Option<&'v Value>);

/// Elements of two lists that belong together: by their names where all of them have one, else by their place.
fn pairs<'v>(a: &'v [Value], b: &'v [Value]) -> Vec<Pair<'v>> {
    let name = |v: &Value| v.get("name").and_then(Value::as_str).map(|n| format!("name={n}"));
    let names = |list: &[Value]| list.iter().map(name).collect::<Option<Vec<String>>>();
    let distinct = |names: &[String]| {
        names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len()
    };
    match (names(a), names(b)) {
        (Some(of_a), Some(of_b)) if distinct(&of_a) && distinct(&of_b) => {
            let find = |names: &[String], list: &'v [Value], name: &String| {
                names.iter().position(|n| n == name).and_then(|at| list.get(at))
            };
            let added = of_b.iter().filter(|name| !of_a.contains(name));
            let all = of_a.iter().chain(added);
            all.map(|n| (n.clone(), find(&of_a, a, n), find(&of_b, b, n))).collect()
        }
        _ => (0..a.len().max(b.len())).map(|i| (i.to_string(), a.get(i), b.get(i))).collect(),
    }
}

#[cfg(test)]
mod tests;
