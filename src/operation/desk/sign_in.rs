//! Signing in with a second factor: a person's code becomes a session that the operations after it find.

use jiff::Timestamp;

use super::{Decider, Person};
use crate::audit::Closing;
use crate::audit::entry::Attempt;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Digest, Environment, OperationId, Status};
use crate::operation::World;
use crate::port::Device;
use crate::secret::Secret;

/// What a person is asked for.
#[derive(Debug, Clone)]
pub struct Case {
    environment: Environment,
    /// The device.
    pub device: Device,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Done {
    /// Under which it is on record.
    pub operation: OperationId,
    /// The device.
    pub serial: String,
    /// When the session ends.
    pub until: Timestamp,
}

/// Looks up which device an environment's or organization's keys want a code of.
pub async fn case(world: &World, environment: &Environment) -> Result<Case> {
    let target = environment.target();
    let device = world.sign_in.device(environment).await?.ok_or_else(|| {
        let why = format!("signing in for {target}: its keys want no second factor");
        Error::new(ErrorCode::InvalidRequest, why)
            .next("nothing is to be done; or name the device in `mfa` of the settings")
    })?;
    Ok(Case { environment: environment.clone(), device })
}

/// Spends the code. What is on record is who signed in, with which device and until when; never the code.
pub async fn sign_in(world: &World, person: &Person, case: &Case, typed: &str) -> Result<Done> {
    let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.chars().all(|c| c.is_ascii_digit()) {
        return Err(Error::invalid("code", "(not shown)", "is not a code of an MFA device")
            .allowed("six digits")
            .next("sign in again, with the code that the device shows"));
    }
    let operation = OperationId::fresh();
    let actor = Decider::at_terminal(&world.config, person).actor();
    let params = serde_json::json!({
        "mfa_serial": case.device.serial, "terminal": person.terminal,
    });
    let target = case.environment.target();
    let chain = target.to_string();
    let attempt = Attempt {
        target,
        actor: actor.clone(),
        tool: "sign_in".to_owned(),
        request_digest: Digest::of_json(&params),
        params,
        idempotency_key: None,
    };
    world.log.receive(operation, attempt).await?;
    let made = world.sign_in.sign_in(&case.environment, &Secret::new(code)).await;
    let closing = match &made {
        Ok(made) => Closing::new(
            Status::Succeeded,
            format!("a person signed in with {} until {}", made.serial, made.until),
        ),
        Err(error) => Closing::failed(Status::Failed, error.clone()),
    };
    world.log.end(operation, &chain, &actor, closing).await?;
    made.map(|made| Done { operation, serial: made.serial, until: made.until })
}
