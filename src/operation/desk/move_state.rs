//! Saying that a person has moved a state to where settings have it now. Moves nothing itself.

use super::{Decider, Person};
use crate::audit::Closing;
use crate::audit::entry::Attempt;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Cloud, Digest, Environment, OperationId, Status, Target};
use crate::operation::{World, state_place};

/// What a person is shown before they say so.
#[derive(Debug, Clone)]
pub struct Move {
    environment: Environment,
    workspace: String,
    /// Where the last change left the state.
    pub was: String,
    /// Where settings have it.
    pub is: String,
    /// What has to be typed.
    pub word: String,
}

/// Looks the case up. Only a state that settings have elsewhere than the last change left it can be moved.
pub async fn case(world: &World, cloud: Cloud, env: &str, workspace: Option<&str>) -> Result<Move> {
    let environment = world.config.environment(cloud, env)?.clone();
    let key = Target::Environment(environment.key.clone()).to_string();
    let lease = world.leases.lease(&key).await?;
    if let Some(holder) = lease.filter(|l| l.alive).and_then(|l| l.holder) {
        let why = format!("moving the state of {key}: operation {} works on it", holder.operation);
        return Err(Error::new(ErrorCode::LockHeld, why).next("wait until it has ended"));
    }
    let fixed = environment.workspace.as_deref();
    let workspace = workspace.or(fixed).unwrap_or("default").to_owned();
    let is = environment.backend.identity();
    match state_place::moved(world, &environment, &workspace).await? {
        Some(was) => {
            let typed = environment.key.name.clone();
            Ok(Move { environment, workspace, was, is, word: typed })
        }
        None => {
            Err(Error::invalid("env", env, "has its state where settings say: nothing to move")
                .next("change the environment's state setting first"))
        }
    }
}

/// Records what the person says; from now on the new place is the right one.
pub async fn say(
    world: &World,
    person: &Person,
    case: &Move,
    note: &str,
    typed: &str,
) -> Result<OperationId> {
    if typed.trim_end_matches(['\r', '\n']) != case.word {
        let why = format!(
            "moving the state of {}: what was typed is not what was asked for",
            case.environment.key
        );
        return Err(Error::new(ErrorCode::PolicyDenied, why).given(typed).allowed(&case.word));
    }
    let operation = OperationId::fresh();
    let actor = Decider::at_terminal(&world.config, person).actor();
    let params = serde_json::json!({
        "workspace": case.workspace, "was": case.was, "is": case.is, "note": note, "terminal": person.terminal,
    });
    let target = Target::Environment(case.environment.key.clone());
    let chain = target.to_string();
    let attempt = Attempt {
        target,
        actor: actor.clone(),
        tool: "move_state".to_owned(),
        request_digest: Digest::of_json(&params),
        params,
        idempotency_key: None,
    };
    world.log.receive(operation, attempt).await?;
    let place = state_place::place(&case.environment, &case.workspace);
    let kept = world.plans.keep_backend(&place, &case.is).await;
    let closing = match &kept {
        Ok(()) => Closing::new(
            Status::Succeeded,
            format!("a person moved the state from {} to {}: {note}", case.was, case.is),
        ),
        Err(error) => Closing::failed(Status::Failed, error.clone()),
    };
    world.log.end(operation, &chain, &actor, closing).await?;
    kept.map(|()| operation)
}
