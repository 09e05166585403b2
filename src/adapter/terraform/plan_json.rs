//! Reads `show -json` of a saved plan: what it would do, and every value that must not leave. Resource by resource, so
//! that memory stays near the file's size. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::model::{Action, ChangeSet, Digest, Intent, ResourceChange};

/// What the JSON form says.
#[derive(Debug, Default)]
pub(super) struct PlanJson {
    /// The change.
    pub(super) changes: ChangeSet,
    /// Sensitive values by terraform's own marks.
    pub(super) secrets: Vec<String>,
    /// What was seen in the world of each changed or drifted resource that was there.
    pub(super) seen: BTreeMap<String, Digest>,
}

#[derive(Deserialize)]
struct Raw {
    format_version: String,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    resource_changes: Vec<Lean>,
    #[serde(default)]
    resource_drift: Vec<Lean>,
    #[serde(default)]
    output_changes: BTreeMap<String, Change>,
    #[serde(default)]
    action_invocations: Vec<Invocation>,
    #[serde(default)]
    prior_state: Option<State>,
    #[serde(default)]
    configuration: Configuration,
}

#[derive(Deserialize)]
struct Variable {
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct Invocation {
    #[serde(default)]
    address: String,
}

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    root_module: RootModule,
}

#[derive(Default, Deserialize)]
struct RootModule {
    #[serde(default)]
    variables: BTreeMap<String, Declared>,
}

#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    sensitive: bool,
}

#[derive(Default, Deserialize)]
struct Change {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    before_sensitive: Value,
    #[serde(default)]
    after_sensitive: Value,
}

#[derive(Deserialize)]
struct RawResource {
    address: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    deposed: Option<String>,
    #[serde(default)]
    change: Change,
}

/// A resource's change without its values.
#[derive(Deserialize)]
#[serde(from = "RawResource")]
struct Lean {
    change: Option<ResourceChange>,
    secrets: Vec<String>,
    /// Its values before and after, when they matter.
    before: Option<Digest>,
    after: Option<Digest>,
    /// Before and after differ in how emptiness is written only: providers read a `null` back as `{}`.
    hollow: bool,
}

impl From<RawResource> for Lean {
    fn from(raw: RawResource) -> Self {
        let address = match &raw.deposed {
            Some(key) => format!("{} (deposed object {key})", raw.address),
            None => raw.address,
        };
        let change = action(&raw.change.actions)
            .filter(|_| raw.mode != "data")
            .map(|action| ResourceChange { address, kind: raw.kind, action });
        let (before, after) = (without_empty(&raw.change.before), without_empty(&raw.change.after));
        let hollow = before == after;
        let was_there = change.as_ref().is_some_and(|c| c.action != Action::Create);
        let digest = |value: Option<Value>| was_there.then(|| Digest::of_json(&value.into()));
        Self {
            change,
            secrets: raw.change.secrets(),
            before: digest(before),
            after: digest(after),
            hollow,
        }
    }
}

/// A value without nulls and empty collections; `None` when nothing is left.
fn without_empty(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(without_empty).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(map) => {
            let kept: serde_json::Map<String, Value> = map
                .iter()
                .filter_map(|(name, v)| Some((name.clone(), without_empty(v)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other.clone()),
    }
}

#[derive(Default, Deserialize)]
struct State {
    #[serde(default)]
    values: StateValues,
}

#[derive(Default, Deserialize)]
struct StateValues {
    #[serde(default)]
    root_module: StateModule,
    #[serde(default)]
    outputs: BTreeMap<String, StateOutput>,
}

#[derive(Default, Deserialize)]
struct StateModule {
    #[serde(default)]
    resources: Vec<StateSecrets>,
    #[serde(default)]
    child_modules: Vec<StateModule>,
}

#[derive(Deserialize)]
struct StateOutput {
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct RawStateResource {
    #[serde(default)]
    values: Value,
    #[serde(default)]
    sensitive_values: Value,
}

#[derive(Deserialize)]
#[serde(from = "RawStateResource")]
struct StateSecrets(Vec<String>);

impl From<RawStateResource> for StateSecrets {
    fn from(raw: RawStateResource) -> Self {
        let mut found = Vec::new();
        masked(&raw.values, &raw.sensitive_values, &mut found);
        Self(found)
    }
}

impl Change {
    fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        masked(&self.before, &self.before_sensitive, &mut found);
        masked(&self.after, &self.after_sensitive, &mut found);
        found
    }
}

impl StateModule {
    fn collect(self, found: &mut BTreeSet<String>) {
        found.extend(self.resources.into_iter().flat_map(|r| r.0));
        for child in self.child_modules {
            child.collect(found);
        }
    }
}

/// Reads the JSON form of a plan.
pub(super) fn read(bytes: &[u8], intent: Intent) -> Result<PlanJson> {
    let raw: Raw = serde_json::from_slice(bytes).map_err(|e| {
        Error::new(
            ErrorCode::UpstreamFailed,
            format!("reading the plan: its JSON form is not as expected: {e}"),
        )
    })?;
    if raw.format_version.split('.').next() != Some("1") {
        return Err(Error::new(
            ErrorCode::ToolMissing,
            format!("reading the plan: its format version {} is not known", raw.format_version),
        )
        .allowed("format version 1.x")
        .next("use a terraform or tofu version that this version of datamcp supports"));
    }
    let mut secrets = BTreeSet::new();
    let mut changes = ChangeSet::default();
    // What has drifted is reported beside every plan; it is the subject of one that only refreshes.
    let (subject, beside) = match intent {
        Intent::Refresh => (raw.resource_drift, raw.resource_changes),
        Intent::Apply | Intent::Destroy => (raw.resource_changes, raw.resource_drift),
    };
    let mut seen = BTreeMap::new();
    for lean in subject {
        secrets.extend(lean.secrets);
        // A plan begins with what was seen; drift ends there.
        let value = if intent == Intent::Refresh { lean.after } else { lean.before };
        if let (Some(change), Some(value)) = (&lean.change, value) {
            seen.insert(change.address.clone(), value);
        }
        changes.resources.extend(lean.change.filter(|_| intent != Intent::Refresh || !lean.hollow));
    }
    secrets.extend(beside.into_iter().flat_map(|lean| lean.secrets));
    for (name, change) in raw.output_changes {
        secrets.extend(change.secrets());
        if action(&change.actions).is_some() {
            changes.outputs.push(name);
        }
    }
    changes.invocations = raw.action_invocations.into_iter().map(|i| i.address).collect();
    for (name, declared) in &raw.configuration.root_module.variables {
        if let Some(variable) = raw.variables.get(name).filter(|_| declared.sensitive) {
            leaves(&variable.value, &mut |text| {
                secrets.insert(text);
            });
        }
    }
    if let Some(state) = raw.prior_state {
        state.values.root_module.collect(&mut secrets);
        for output in state.values.outputs.values().filter(|o| o.sensitive) {
            leaves(&output.value, &mut |text| {
                secrets.insert(text);
            });
        }
    }
    Ok(PlanJson { changes, secrets: secrets.into_iter().collect(), seen })
}

/// Reads and no-ops are no change; a resource that is only forgotten leaves the state, which is a deletion there.
fn action(actions: &[String]) -> Option<Action> {
    let words: Vec<&str> = actions.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["no-op" | "read"] | [] => None,
        ["create"] => Some(Action::Create),
        ["delete" | "forget"] => Some(Action::Delete),
        ["delete", "create"] | ["create", "delete" | "forget"] => Some(Action::Replace),
        // An action that we do not know is at least a change.
        _ => Some(Action::Update),
    }
}

fn masked(value: &Value, mask: &Value, found: &mut Vec<String>) {
    match (mask, value) {
        (Value::Bool(true), value) => leaves(value, &mut |text| found.push(text)),
        (Value::Object(masks), Value::Object(values)) => {
            for (key, mask) in masks {
                if let Some(value) = values.get(key) {
                    masked(value, mask, found);
                }
            }
        }
        (Value::Array(masks), Value::Array(values)) => {
            for (mask, value) in masks.iter().zip(values) {
                masked(value, mask, found);
            }
        }
        _ => {}
    }
}

/// Every text and number in a value.
pub(super) fn leaves(value: &Value, found: &mut dyn FnMut(String)) {
    match value {
        Value::String(text) if !text.is_empty() => found(text.clone()),
        Value::Number(number) => found(number.to_string()),
        Value::Array(items) => items.iter().for_each(|v| leaves(v, found)),
        Value::Object(map) => map.values().for_each(|v| leaves(v, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASIC: &[u8] = include_bytes!("../../../fixtures/terraform/basic/plan.json");
    const REPLACE: &[u8] = include_bytes!("../../../fixtures/terraform/replace/plan.json");

    #[test]
    fn a_recorded_plan_is_summed_up() {
        let plan = read(BASIC, Intent::Apply).unwrap();
        assert_eq!(plan.changes.counts().add, 2);
        assert_eq!(plan.changes.outputs, ["greeting", "pw"]);
    }

    #[test]
    fn a_replacement_is_neither_a_creation_nor_a_deletion() {
        let counts = read(REPLACE, Intent::Apply).unwrap().changes.counts();
        assert_eq!((counts.add, counts.change, counts.destroy, counts.replace), (0, 1, 0, 1));
    }

    #[test]
    fn security_15_sensitive_values_are_found() {
        for plan in [BASIC, REPLACE] {
            assert_eq!(read(plan, Intent::Apply).unwrap().secrets, ["canary-Secret-1"]);
        }
    }

    #[test]
    fn another_major_version_is_refused() {
        assert_eq!(
            read(br#"{"format_version":"2.0"}"#, Intent::Apply).unwrap_err().code,
            ErrorCode::ToolMissing
        );
    }

    #[test]
    fn invoked_actions_are_a_change() {
        let plan = read(br#"{"format_version":"1.2","action_invocations":[{"address":"action.aws_lambda_invoke.x"}]}"#, Intent::Apply).unwrap();
        assert!(!plan.changes.is_empty());
    }

    #[test]
    fn drift_is_the_subject_of_a_refresh_and_beside_the_point_of_an_apply() {
        let plan = br#"{"format_version":"1.2","resource_changes":[],"resource_drift":[{"address":"aws_s3_bucket.b",
            "type":"aws_s3_bucket","mode":"managed","change":{"actions":["delete"],"before":{"k":"canary-Secret-1"},
            "after":null,"before_sensitive":{"k":true},"after_sensitive":false}}]}"#;
        let hollow = br#"{"format_version":"1.2","resource_drift":[{"address":"aws_iam_role.r","type":"aws_iam_role",
            "mode":"managed","change":{"actions":["update"],"before":{"id":"r","tags":null},"after":{"id":"r","tags":{}}}}]}"#;
        assert!(
            read(hollow, Intent::Refresh).unwrap().changes.is_empty(),
            "null read back as {{}} is no drift"
        );
        let refresh = read(plan, Intent::Refresh).unwrap();
        assert_eq!(
            refresh.changes.resources.first().map(|r| r.address.as_str()),
            Some("aws_s3_bucket.b")
        );
        let apply = read(plan, Intent::Apply).unwrap();
        assert!(apply.changes.is_empty());
        assert_eq!(apply.secrets, ["canary-Secret-1"]);
    }
}
