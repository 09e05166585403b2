//! What a run is given: variables in clear, and secrets that are fetched when the run needs them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Scene;
use super::super::request::Ask;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Digest, Environment, SecretRef};
use crate::port::Module;

/// The variables of a run. Not to be shown: it holds secrets.
pub(super) struct Given {
    /// Those whose values stand in settings and requests.
    pub(super) plain: Map<String, Value>,
    /// Of each secret the reference and the version, if it has one.
    secrets: BTreeMap<String, (SecretRef, Option<String>)>,
    /// All of them with their values, for terraform alone.
    whole: Map<String, Value>,
}

impl Given {
    /// Adds the environment's secrets. They win: a call cannot put another value in their place.
    pub(super) async fn with_secrets(plain: Map<String, Value>, scene: &Scene<'_>) -> Result<Self> {
        let mut given = Self { whole: plain.clone(), plain, secrets: BTreeMap::new() };
        for (name, reference) in &scene.environment.secret_vars {
            let field = format!("secret_vars.{name}");
            let found = scene.world.secrets.fetch(reference).await;
            let found = found.map_err(|error| error.field(&field))?.ok_or_else(|| {
                let why = format!("fetching variable {name}: {reference} holds nothing");
                Error::new(ErrorCode::InvalidRequest, why)
                    .field(&field)
                    .next("put the secret where the settings say it is")
            })?;
            scene.journal.learn([found.value.expose().to_owned()]);
            given.plain.remove(name);
            given.whole.insert(name.clone(), found.value.expose().into());
            given.secrets.insert(name.clone(), (reference.clone(), found.version));
        }
        Ok(given)
    }

    /// All of them, with their values.
    pub(super) fn whole(&self) -> &Map<String, Value> {
        &self.whole
    }

    /// What an approval is bound to: the values in clear, and of secrets where they are and their version. A digest of a
    /// secret's value would let it be guessed.
    pub(super) fn digest(&self) -> Digest {
        let plain = Value::Object(self.plain.clone());
        if self.secrets.is_empty() {
            return Digest::of_json(&plain);
        }
        let secrets: BTreeMap<&String, Value> = self
            .secrets
            .iter()
            .map(|(name, (reference, version))| {
                (name, json!({ "reference": reference.to_string(), "version": version }))
            })
            .collect();
        Digest::of_json(&json!([plain, secrets]))
    }
}

/// Refuses a secret for a variable that would be shown, and a call that gives a value for one or names one itself.
pub(super) fn check_secrets(module: &Module, environment: &Environment, ask: &Ask) -> Result<()> {
    let mut given = ask.vars.iter().flatten();
    if let Some((name, _)) = given.find(|(_, value)| SecretRef::is_written_in(value)) {
        let why = "is a reference to a secret, and a call cannot choose which secret is fetched";
        return Err(Error::invalid(format!("vars.{name}"), "(not shown)", why)
            .allowed("references in settings, under secret_vars of the environment")
            .next(format!("leave it out of vars, and have secret_vars.{name} set")));
    }
    for name in environment.secret_vars.keys() {
        if ask.vars.as_ref().is_some_and(|vars| vars.contains_key(name)) {
            let why = "is a secret of the settings, and no call gives it another value";
            return Err(Error::invalid(format!("vars.{name}"), "(not shown)", why)
                .next("leave it out of vars"));
        }
        let declared = module.variables.iter().find(|v| v.name == *name);
        if declared.is_some_and(|v| !v.sensitive) {
            let why = "is not declared sensitive, and terraform would show it";
            return Err(Error::invalid(format!("secret_vars.{name}"), name, why)
                .allowed("variables with sensitive = true")
                .next(format!(
                    "declare sensitive = true in variable {name:?} of the root module"
                )));
        }
    }
    Ok(())
}
