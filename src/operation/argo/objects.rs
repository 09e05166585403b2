//! What a sync would do, object by object.

use serde_json::{Map, Value};

use crate::model::{Action, ChangeSet, ResourceChange};
use crate::operation::helm::diff::{Delta, There, diff};
use crate::operation::helm::manifest::{self, Object};
use crate::port::Managed;

/// What would happen to the objects of an application.
pub(super) struct Deltas {
    /// What is made, changed or deleted.
    pub(super) made: Vec<Delta>,
    /// What is there, is not wanted any more, and is left.
    pub(super) left: Vec<String>,
    /// Hooks that run.
    pub(super) hooks: Vec<String>,
}

/// Against the revision that Argo CD has compared with: it says itself what would be.
pub(super) fn compared(all: &[Managed], namespace: &str, prune: bool) -> Deltas {
    let of = |pick: fn(&Managed) -> Option<&Value>| {
        let objects = all.iter().filter(|m| !m.hook).filter_map(pick).cloned();
        manifest::live(&objects.collect::<Vec<_>>())
    };
    let (live, wanted) = (of(|m| m.live.as_ref()), of(|m| m.predicted.as_ref()));
    let hooks: Vec<Value> =
        all.iter().filter(|m| m.hook).filter_map(|m| m.predicted.clone()).collect();
    told(&live, &wanted, &manifest::live(&hooks), (namespace, prune))
}

/// Against the objects of another revision: fields that it says, as they are in the cluster.
pub(super) fn rendered(all: &[Managed], objects: &[Value], namespace: &str, prune: bool) -> Deltas {
    let live: Vec<Value> = all.iter().filter(|m| !m.hook).filter_map(|m| m.live.clone()).collect();
    let live = manifest::live(&live);
    let (hooks, wanted): (Vec<Object>, Vec<Object>) =
        manifest::live(objects).into_iter().partition(|o| is_hook(&o.body));
    let mut seen = Vec::new();
    for mut old in live {
        if let Some(new) = wanted.iter().find(|new| new.is(&old, namespace)) {
            old.body = said(&old.body, &new.body);
        }
        seen.push(old);
    }
    let mut deltas = told(&seen, &wanted, &hooks, (namespace, prune));
    // Argo CD masks them on both sides: nobody can tell whether they are the same.
    let secrets = wanted.iter().filter(|o| o.kind == "Secret");
    for secret in secrets.filter(|s| seen.iter().any(|old| old.is(s, namespace))) {
        let address = secret.address(namespace);
        if !deltas.made.iter().any(|d| d.address == address) {
            deltas.made.push(Delta {
                address,
                kind: secret.kind.clone(),
                action: Action::Update,
                lines: vec!["(its data may be another: it is not shown)".to_owned()],
            });
        }
    }
    deltas
}

fn is_hook(body: &Value) -> bool {
    let annotations = body.pointer("/metadata/annotations").and_then(Value::as_object);
    annotations.is_some_and(|a| {
        a.contains_key("argocd.argoproj.io/hook") || a.contains_key("helm.sh/hook")
    })
}

/// Only what the other one says too.
fn said(live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let both = wanted.iter().filter_map(|(key, wanted)| {
                live.get(key).map(|live| (key.clone(), said(live, wanted)))
            });
            Value::Object(both.collect::<Map<_, _>>())
        }
        (Value::Array(live), Value::Array(wanted)) if live.len() == wanted.len() => {
            Value::Array(live.iter().zip(wanted).map(|(l, w)| said(l, w)).collect())
        }
        (live, _) => live.clone(),
    }
}

fn told(live: &[Object], wanted: &[Object], hooks: &[Object], at: (&str, bool)) -> Deltas {
    let (namespace, prune) = at;
    let there = There { release: live, live: None, settled: true };
    let (gone, made): (Vec<Delta>, Vec<Delta>) = diff(there, wanted, namespace)
        .into_iter()
        .partition(|delta| delta.action == Action::Delete && !prune);
    Deltas {
        made,
        left: gone.into_iter().map(|delta| delta.address).collect(),
        hooks: hooks.iter().map(|hook| format!("hook {}", hook.address(namespace))).collect(),
    }
}

impl Deltas {
    /// As the policy counts it. Hooks run only when there is something to do.
    pub(super) fn changes(&self) -> ChangeSet {
        ChangeSet {
            resources: resources(&self.made),
            outputs: Vec::new(),
            invocations: if self.made.is_empty() { Vec::new() } else { self.hooks.clone() },
        }
    }
}

pub(super) fn resources(deltas: &[Delta]) -> Vec<ResourceChange> {
    let of = |delta: &Delta| ResourceChange {
        address: delta.address.clone(),
        kind: delta.kind.clone(),
        action: delta.action,
    };
    deltas.iter().map(of).collect()
}

/// A line for each delta, and how, below it.
pub(super) fn lines(deltas: &[Delta]) -> Vec<String> {
    let mut lines = Vec::new();
    for delta in deltas {
        lines.push(String::new());
        lines.push(format!("{:<8} {}", delta.action.word(), delta.address));
        lines.extend(delta.lines.iter().map(|line| format!("    {line}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(name: &str, value: &str) -> Value {
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "apps" }, "data": { "a": value } })
    }

    fn managed(live: Option<Value>, predicted: Option<Value>) -> Managed {
        Managed { live, predicted, hook: false }
    }

    fn actions(deltas: &Deltas) -> Vec<(Action, &str)> {
        deltas.made.iter().map(|d| (d.action, d.address.as_str())).collect()
    }

    #[test]
    fn bad_input_89_what_is_not_wanted_any_more_is_a_delete_only_when_it_is_pruned() {
        let all = [
            managed(Some(map("same", "1")), Some(map("same", "1"))),
            managed(Some(map("other", "1")), Some(map("other", "2"))),
            managed(None, Some(map("new", "1"))),
            managed(Some(map("old", "1")), None),
        ];
        let kept = compared(&all, "apps", false);
        let expected =
            [(Action::Update, "ConfigMap apps/other"), (Action::Create, "ConfigMap apps/new")];
        assert_eq!(actions(&kept), expected);
        assert_eq!(kept.left, ["ConfigMap apps/old"]);
        let pruned = compared(&all, "apps", true);
        assert_eq!(actions(&pruned).last(), Some(&(Action::Delete, "ConfigMap apps/old")));
        assert!(pruned.left.is_empty());
    }

    #[test]
    fn promise_7_secrets_are_compared_and_never_shown() {
        let secret = |value: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s", "namespace": "apps" }, "data": { "p": value } });
        let all = [managed(Some(secret("Y2FuYXJ5MQ==")), Some(secret("Y2FuYXJ5Mg==")))];
        let deltas = compared(&all, "apps", false);
        assert_eq!(deltas.made.len(), 1);
        assert!(!lines(&deltas.made).join("\n").contains("Y2FuYXJ5"));
        let masked = [managed(Some(secret("++++++")), Some(secret("++++++")))];
        let deltas = rendered(&masked, &[secret("++++++")], "apps", false);
        assert_eq!(actions(&deltas), [(Action::Update, "Secret apps/s")]);
    }

    #[test]
    fn another_revision_is_compared_by_what_it_says() {
        let mut live = map("a", "1");
        live["metadata"]["uid"] = json!("x");
        live["data"]["defaulted"] = json!("x");
        let all = [managed(Some(live), Some(map("a", "2"))), managed(Some(map("b", "1")), None)];
        let wanted = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "a": "1" } });
        let hook = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "h", "annotations": { "argocd.argoproj.io/hook": "PreSync" } } });
        let deltas = rendered(&all, &[wanted, hook.clone()], "apps", false);
        assert!(deltas.made.is_empty() && deltas.changes().is_empty(), "{:?}", deltas.made);
        assert_eq!(deltas.left, ["ConfigMap apps/b"]);
        let deltas = rendered(&all, &[map("a", "3"), hook], "apps", true);
        assert_eq!(actions(&deltas).len(), 2);
        assert_eq!(deltas.changes().invocations, ["hook Job apps/h"]);
    }
}
