//! From a raw request to what was asked: every check that needs no I/O lives here, nowhere else.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, nearest};
use crate::model::{Cloud, Environment, EnvironmentKey, PlanId, PlanRecord, Target};

/// The terms on which a change is asked for: the same for every mutating tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Only compute it. True unless told otherwise.
    pub dry_run: bool,
    /// The requester's own approval; counts only where the policy says so.
    pub auto_approve: bool,
    /// Exactly this plan.
    pub plan_id: Option<PlanId>,
    /// Seconds to wait for the end.
    pub wait_s: u64,
    /// A repeated call with the same key answers with the first one's operation.
    pub idempotency_key: Option<String>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The environment, unless the plan says it.
    pub key: Option<EnvironmentKey>,
    /// The workspace, unless the environment or the plan says it.
    pub workspace: Option<String>,
    /// The call's variables; `None`: not given.
    pub vars: Option<Map<String, Value>>,
    /// The tool's own fields as they were given, nulls left out.
    pub own: Map<String, Value>,
    /// The terms.
    pub terms: Terms,
    /// What a user should know about how the request was understood.
    pub notes: Vec<String>,
}

/// Terms as typed: fields of every mutating tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct RawTerms {
    /// Only plan. Nothing changes; this is the default.
    #[schemars(default = "yes")]
    pub dry_run: Option<bool>,
    /// Approve your own plan. Counts only where the policy lets you.
    pub auto_approve: Option<bool>,
    /// Carry out exactly this plan. An earlier answer names it.
    pub plan_id: Option<String>,
    /// Seconds to wait (default 45). At most 600; the work goes on either way.
    pub wait_s: Option<u64>,
    /// Same key, same operation. A repeated call answers with the first one's.
    pub idempotency_key: Option<String>,
}

fn yes() -> bool {
    true
}

/// Waiting below the 60 s after which many clients give a call up.
pub const WAIT_S: u64 = 45;
/// Longest wait that a call may ask for.
pub const WAIT_S_MAX: u64 = 600;

/// Reads a request into its type. Unknown fields are refused with the nearest known name; types are never coerced.
pub fn read<T: DeserializeOwned + JsonSchema>(request: &Value) -> Result<T> {
    known(request, &fields::<T>())?;
    typed(request)
}

/// Reads the request of a mutating tool: its own fields, and an ask with the terms that all of them share.
pub fn read_change<T: DeserializeOwned + JsonSchema>(request: &Value) -> Result<(T, Ask)> {
    let own = fields::<T>();
    known(request, &[own.clone(), fields::<RawTerms>()].concat())?;
    let (terms, notes) = typed::<RawTerms>(request)?.check(request)?;
    let given = request.as_object().into_iter().flatten();
    let own = given
        .filter(|(name, value)| own.contains(name) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let ask = Ask { key: None, workspace: None, vars: None, own, terms, notes };
    Ok((typed(request)?, ask))
}

fn fields<T: JsonSchema>() -> Vec<String> {
    let schema = schemars::schema_for!(T);
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

fn known(request: &Value, known: &[String]) -> Result<()> {
    let Value::Object(given) = request else {
        return Err(Error::invalid("arguments", request.to_string(), "are not an object")
            .allowed("a JSON object"));
    };
    let Some(unknown) = given.keys().find(|key| !known.contains(key)) else {
        return Ok(());
    };
    let error =
        Error::invalid(unknown, unknown, "is not a field of this tool").allowed(known.join(", "));
    Err(match nearest(unknown, known.iter().map(String::as_str)) {
        Some(near) => error.next(format!("did you mean {near}")),
        None => error.next("the tool's input schema lists its fields"),
    })
}

/// Reads a request into its type, whatever else it holds.
pub fn typed<T: DeserializeOwned>(request: &Value) -> Result<T> {
    serde_path_to_error::deserialize(request).map_err(|e| {
        let field = e.path().to_string();
        let pointer = format!("/{}", field.replace('.', "/"));
        let got =
            request.pointer(&pointer).map_or_else(|| "(nothing)".to_owned(), Value::to_string);
        let field = if field == "." { "arguments".to_owned() } else { field };
        Error::invalid(field, got, format!("has the wrong type or value: {}", e.inner()))
            .allowed("the type that the tool's input schema gives")
    })
}

impl RawTerms {
    /// Checks them. `request` tells an explicit null from a field left out.
    pub fn check(self, request: &Value) -> Result<(Terms, Vec<String>)> {
        let mut notes = Vec::new();
        if request.get("dry_run").is_some_and(Value::is_null) {
            notes.push("dry_run was null: taken as true, nothing changes".to_owned());
        }
        let plan_id = match self.plan_id {
            None => None,
            Some(text) => Some(text.parse::<PlanId>().map_err(|_| {
                Error::invalid("plan_id", &text, "is not a plan id")
                    .allowed("the plan_id of an earlier answer, as it stands there")
                    .next("compute a plan by a dry run")
            })?),
        };
        let wait_s = self.wait_s.unwrap_or(WAIT_S);
        if wait_s > WAIT_S_MAX {
            return Err(Error::invalid("wait_s", wait_s.to_string(), "is too long")
                .allowed(format!("0 to {WAIT_S_MAX}")));
        }
        if let Some(key) = &self.idempotency_key {
            let good = (1..=128).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic());
            if !good {
                return Err(Error::invalid("idempotency_key", key, "is not a key")
                    .allowed("1 to 128 printable ASCII characters without blanks"));
            }
        }
        let terms = Terms {
            dry_run: self.dry_run.unwrap_or(true),
            auto_approve: self.auto_approve.unwrap_or(false),
            plan_id,
            wait_s,
            idempotency_key: self.idempotency_key,
        };
        Ok((terms, notes))
    }
}

/// Cloud and environment, both or neither.
pub fn key(
    cloud: Option<Cloud>,
    env: Option<String>,
    plan_id: Option<PlanId>,
) -> Result<Option<EnvironmentKey>> {
    match (cloud, env) {
        (Some(cloud), Some(name)) => Ok(Some(EnvironmentKey { cloud, name })),
        (None, None) if plan_id.is_some() => Ok(None),
        (cloud, _) => {
            let missing = if cloud.is_none() { "cloud" } else { "env" };
            Err(Error::new(ErrorCode::InvalidRequest, format!("{missing} is missing"))
                .field(missing)
                .allowed("cloud and env together, or a plan_id")
                .next("list_environments shows what is configured"))
        }
    }
}

/// A required cloud and environment.
pub fn required_key(cloud: Option<Cloud>, env: Option<String>) -> Result<EnvironmentKey> {
    key(cloud, env, None)?.ok_or_else(|| Error::internal("reading a request", "no environment"))
}

/// What is meant: the asked environment or organization, or the plan's; both given, they have to agree.
pub fn target(asked: Option<Target>, record: Option<&PlanRecord>) -> Result<Target> {
    let planned = record.map(|r| &r.binding.target);
    match (asked, planned) {
        (Some(asked), Some(planned)) if asked != *planned => {
            let fact = if planned.environment().is_some() { "environment" } else { "organization" };
            Err(differs(fact, &asked.to_string(), &planned.to_string()))
        }
        (_, Some(planned)) => Ok(planned.clone()),
        (Some(asked), None) => Ok(asked),
        (None, None) => Err(Error::invalid("env", "", "is missing")),
    }
}

/// The refusal of a call whose own fields are not those of the plan it names.
pub fn differs(fact: &str, given: &str, planned: &str) -> Error {
    Error::new(
        ErrorCode::ApprovalMismatch,
        format!("checking the plan: its {fact} is {planned}, the call says {given}"),
    )
    .field(fact)
    .given(given)
    .allowed(planned)
    .detail("changed", vec![fact.to_owned()])
    .next("leave the field out, or compute a new plan")
}

/// The workspace that an ask means.
pub fn workspace(
    ask: &Ask,
    environment: &Environment,
    record: Option<&PlanRecord>,
) -> Result<String> {
    if let Some(given) = &ask.workspace {
        name::workspace(given)
            .map_err(|bad| Error::invalid("workspace", given, bad.why).allowed(bad.allowed))?;
    }
    let planned = record.and_then(|r| r.binding.meaning.terraform());
    let expected = match (planned, &environment.workspace) {
        (Some(facts), _) => Some((&facts.workspace, true)),
        (None, Some(fixed)) => Some((fixed, false)),
        (None, None) => None,
    };
    match (&ask.workspace, expected) {
        (Some(given), Some((planned, true))) if given != planned => {
            Err(differs("workspace", given, planned))
        }
        (Some(given), Some((fixed, false))) if given != fixed => Err(Error::invalid(
            "workspace",
            given,
            format!("is not the workspace of {}", environment.key),
        )
        .allowed(fixed)),
        (_, Some((expected, _))) => Ok(expected.clone()),
        (Some(given), None) => Ok(given.clone()),
        (None, None) => Ok("default".to_owned()),
    }
}

#[cfg(test)]
mod tests;
