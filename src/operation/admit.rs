//! The first half of the straight path, where the request arrives: understand, refuse what can be refused now, record,
//! hand to a supervisor.

use serde_json::{Map, Value, json};

use super::catalog::Tool;
use super::request::Ask;
use super::{LongOperation, World, place};
use crate::audit::entry::Attempt;
use crate::audit::{Closing, store::OperationRow};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, Digest, Environment, OperationId, PlanId, PlanRecord, Status, Target};
use crate::policy::{self, Wish};
use crate::run::{RunFile, fault};
use crate::secret::{MASK, Redactor, looks_secret};

/// A request that was not taken.
#[derive(Debug)]
pub struct Refusal {
    /// Under which it is on record; none when it could not be recorded.
    pub operation: Option<OperationId>,
    /// Why.
    pub error: Error,
}

/// A request that was taken.
#[derive(Debug)]
pub struct Submitted {
    /// The operation: a fresh one, or the one that the idempotency key belongs to.
    pub operation: OperationId,
    /// Seconds that the caller wants to wait.
    pub wait_s: u64,
}

/// Takes a request for an operation: on return it is on record and its supervisor was started.
pub async fn submit(
    world: &World,
    actor: &Actor,
    tool: &'static Tool,
    request: Value,
) -> Result<Submitted, Refusal> {
    let Some(work) = tool.kind.long() else {
        return Err(Refusal {
            operation: None,
            error: Error::internal("submitting", "the tool answers at once"),
        });
    };
    let operation = OperationId::fresh();
    let mut attempt = Attempt {
        target: Target::Unbound,
        actor: actor.clone(),
        tool: tool.name.to_owned(),
        params: Value::Null,
        request_digest: Digest::of_json(&request),
        idempotency_key: None,
    };
    let admitted = match admit(world, actor, tool, work, &request).await {
        Ok(admitted) => admitted,
        Err((target, error)) => {
            let given = [request.get("vars"), request.get("values")];
            let redactor = Redactor::new(given.into_iter().flat_map(strings));
            let error = error.map_text(&|text| redactor.clean(text));
            attempt.target = target;
            attempt.params = of_refused(&request);
            let recorded = world.log.refuse(operation, attempt, error.clone()).await;
            return Err(Refusal { operation: recorded.is_ok().then_some(operation), error });
        }
    };
    let wait_s = admitted.ask.terms.wait_s;
    let key = admitted.ask.terms.idempotency_key.clone();
    attempt.target = admitted.target.clone();
    attempt.params = mask(&request, Some(&admitted.sensitive));
    attempt.idempotency_key.clone_from(&key);
    fault::point("before_received");
    if let Err(error) = world.log.receive(operation, attempt).await {
        return match earlier(world, actor, tool, key.as_deref(), &request).await {
            Some(Ok(row)) => Ok(Submitted { operation: row.id, wait_s }),
            Some(Err(error)) => Err(Refusal { operation: None, error }),
            None => Err(Refusal { operation: None, error }),
        };
    }
    fault::point("after_received");
    let run = RunFile {
        operation,
        target: admitted.target,
        actor: actor.clone(),
        tool: tool.name.to_owned(),
        request,
        settings: serde_json::to_value(world.config.raw()).unwrap_or_default(),
        root: world.config.root().to_path_buf(),
    };
    match enqueue(world, &run).await {
        Ok(()) => Ok(Submitted { operation, wait_s }),
        Err(error) => {
            let closing = Closing::failed(Status::Failed, error.clone());
            drop(world.log.end(operation, &run.target.to_string(), actor, closing).await);
            Err(Refusal { operation: Some(operation), error })
        }
    }
}

async fn enqueue(world: &World, run: &RunFile) -> Result<()> {
    run.store(world.runs.as_ref()).await?;
    fault::point("before_enqueue");
    world.launcher.launch(run.operation).await?;
    fault::point("after_enqueue");
    Ok(())
}

/// The operation that an idempotency key belongs to, if it belongs to one.
async fn earlier(
    world: &World,
    actor: &Actor,
    tool: &Tool,
    key: Option<&str>,
    request: &Value,
) -> Option<Result<OperationRow>> {
    let row = world.log.store().by_key(&actor.principal.0, key?).await.ok()??;
    if row.tool == tool.name && row.request_digest == Digest::of_json(request) {
        return Some(Ok(row));
    }
    Some(Err(Error::invalid(
        "idempotency_key",
        key?,
        format!("belongs to operation {}, another request", row.id),
    )
    .next("use a fresh key for a different request")))
}

struct Admitted {
    ask: Ask,
    target: Target,
    sensitive: Vec<String>,
}

async fn admit(
    world: &World,
    actor: &Actor,
    tool: &Tool,
    work: &dyn LongOperation,
    request: &Value,
) -> Result<Admitted, (Target, Error)> {
    let unbound = |error| (Target::Unbound, error);
    let ask = work.parse(request).map_err(unbound)?;
    let record = match ask.terms.plan_id {
        Some(id) => Some(known_plan(world, actor, tool.name, id).await.map_err(unbound)?),
        None => None,
    };
    let asked = work.target(&world.config, &ask).map_err(unbound)?;
    let (environment, _) = place(&world.config, asked, &ask, record.as_ref()).map_err(unbound)?;
    let target = environment.target();
    match checks(world, actor, tool, work, environment, &ask).await {
        Ok(sensitive) => Ok(Admitted { ask, target, sensitive }),
        Err(error) => Err((target, error)),
    }
}

async fn checks(
    world: &World,
    actor: &Actor,
    tool: &Tool,
    work: &dyn LongOperation,
    environment: &Environment,
    ask: &Ask,
) -> Result<Vec<String>> {
    let roles = world.config.roles(actor);
    policy::admit(&Wish {
        principal: &actor.principal,
        roles: &roles,
        effect: tool.effect,
        dry_run: ask.terms.dry_run,
    })?;
    let (_, sensitive) = work.inspect(world, environment, ask).await?;
    Ok(sensitive)
}

/// A plan that this principal made with this tool. Unknown and foreign plans are told apart for nobody.
pub async fn known_plan(
    world: &World,
    actor: &Actor,
    tool: &str,
    id: PlanId,
) -> Result<PlanRecord> {
    let record = world.plans.record(id).await?;
    let unknown = || {
        Error::invalid("plan_id", id.to_string(), "is not a plan of yours")
            .allowed("the plan_id of an earlier answer to the same principal")
            .next("compute a plan by a dry run")
    };
    let record = record.filter(|r| r.binding.requester == actor.principal).ok_or_else(unknown)?;
    if record.tool != tool {
        return Err(Error::new(
            ErrorCode::ApprovalMismatch,
            format!("checking plan {id}: it was made by {}, not by {tool}", record.tool),
        )
        .field("plan_id")
        .detail("changed", vec!["tool".to_owned()])
        .next(format!("call {} with it", record.tool)));
    }
    Ok(record)
}

/// The request as it may be kept: values of sensitive variables are masked; with `None` (nothing known) all of them.
fn mask(request: &Value, sensitive: Option<&[String]>) -> Value {
    let request = &without_values(request, sensitive.is_none());
    let Some(vars) = request.get("vars").and_then(Value::as_object) else {
        return clean(request, &Redactor::default());
    };
    let hidden = |name: &str, value: &Value| {
        sensitive.is_none_or(|s| s.iter().any(|n| n == name))
            || looks_secret(name, value.as_str().unwrap_or_default())
    };
    let secrets: Vec<&str> =
        vars.iter().filter(|(n, v)| hidden(n, v)).flat_map(|(_, v)| strings(Some(v))).collect();
    let masked: Map<String, Value> = vars
        .iter()
        .map(|(n, v)| (n.clone(), if hidden(n, v) { json!(MASK) } else { v.clone() }))
        .collect();
    let mut request = request.clone();
    if let Some(map) = request.as_object_mut() {
        map.insert("vars".into(), Value::Object(masked));
    }
    clean(&request, &Redactor::new(secrets))
}

/// The request without what a chart's values hold: texts under names that look secret, or all of them. YAML is told by
/// its length alone.
fn without_values(request: &Value, all: bool) -> Value {
    let mut request = request.clone();
    match request.get_mut("values") {
        Some(Value::String(text)) => *text = format!("(YAML, {} bytes)", text.len()),
        Some(given) => hide("", given, all),
        None => {}
    }
    request
}

fn hide(name: &str, value: &mut Value, all: bool) {
    match value {
        Value::String(text) if all || looks_secret(name, text) => MASK.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(name, item, all)),
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| hide(name, value, all)),
        _ => {}
    }
}

/// Longest request that the record of a refusal quotes, in bytes of JSON.
const REFUSED_MAX: usize = 16 * 1024;

/// What the log keeps of a refused request: refusals must not fill the disk, nor keep others waiting while a long text is
/// searched for secrets. The digest beside it is of all of it.
fn of_refused(request: &Value) -> Value {
    match request.to_string().len() {
        length if length > REFUSED_MAX => json!({ "left_out": format!("{length} bytes") }),
        _ => mask(request, None),
    }
}

fn clean(value: &Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.clean(text)),
        Value::Array(items) => items.iter().map(|v| clean(v, redactor)).collect(),
        Value::Object(map) => {
            map.iter().map(|(k, v)| (redactor.clean(k), clean(v, redactor))).collect()
        }
        other => other.clone(),
    }
}

/// All strings inside a value.
pub fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().flat_map(|v| strings(Some(v))).collect(),
        Some(Value::Object(map)) => map.values().flat_map(|v| strings(Some(v))).collect(),
        _ => Vec::new(),
    }
}
