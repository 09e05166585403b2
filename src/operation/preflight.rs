//! `preflight`: the quick checks before anything runs: one line and one fix each. Nothing in it waits without a deadline.

mod cluster;
mod ground;
mod standing;

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::{ReadOperation, World, answer, catalog, request};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, Cloud, Effect, Environment, EnvironmentKey, Role};
use crate::policy;
use crate::secret::Redactor;

/// Request of `preflight`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreflightRequest {
    /// Cloud; with `env`: only this environment.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// Name of the environment; left out: all of them.
    #[serde(default)]
    pub env: Option<String>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warning,
    /// Has to be mended first.
    Failed,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it came out.
    pub level: Level,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fix: Option<String>,
}

/// Answer of `preflight`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PreflightAnswer {
    /// Whether nothing has to be mended.
    pub ok: bool,
    /// The checks.
    pub checks: Vec<Check>,
    /// Checks without a fault that are left out because there are many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Check {
    /// One that asks for something to be done.
    fn unwell(
        level: Level,
        name: impl Into<String>,
        seen: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), level, seen: seen.into(), fix: Some(fix.into()) }
    }
}

impl PreflightAnswer {
    /// Of these checks, redacted.
    fn of(mut checks: Vec<Check>) -> Self {
        let redactor = Redactor::default();
        for check in &mut checks {
            check.seen = redactor.clean(&check.seen);
            check.fix = check.fix.take().map(|fix| redactor.clean(&fix));
        }
        let ok = checks.iter().all(|check| check.level != Level::Failed);
        Self { ok, checks, left_out: 0 }
    }

    /// Small enough for a model: long texts are cut, then what is as it should be is left out, then the rest from its end.
    fn fit(mut self) -> Self {
        const TEXT: usize = 400;
        for check in &mut self.checks {
            for text in std::iter::once(&mut check.seen).chain(&mut check.fix) {
                if text.chars().count() > TEXT {
                    *text = text.chars().take(TEXT).chain(['…']).collect();
                }
            }
        }
        let length = |answer: &Self| serde_json::to_string(answer).map_or(0, |text| text.len());
        while length(&self) > answer::MAX && !self.checks.is_empty() {
            let well = self.checks.iter().rposition(|check| check.level == Level::Ok);
            let warning = self.checks.iter().rposition(|check| check.level == Level::Warning);
            self.checks.remove(well.or(warning).unwrap_or(self.checks.len() - 1));
            self.left_out += 1;
        }
        self
    }
}

/// Every check of one environment or of all, redacted, however many there are.
pub async fn look(world: &World, actor: &Actor, only: Option<&EnvironmentKey>) -> PreflightAnswer {
    let mut checks = ground::checks(world).await;
    checks.insert(1, principal(world, actor));
    let organizations = world.config.organizations().filter(|_| only.is_none());
    let wanted = world.config.environments().filter(|e| only.is_none_or(|key| *key == e.key));
    let wanted = wanted.chain(organizations);
    let looking: Vec<_> = wanted
        .map(|environment| {
            let (world, environment) = (world.clone(), environment.clone());
            tokio::spawn(async move { environment_checks(&world, &environment).await })
        })
        .collect();
    for environment in looking {
        match environment.await {
            Ok(found) => checks.extend(found),
            Err(broken) => {
                let error = Error::internal("looking at an environment", broken);
                checks.push(seen("environment", Err(error)));
            }
        }
    }
    PreflightAnswer::of(checks)
}

/// The answer where not even the settings can be read.
pub fn without_settings(error: Error) -> PreflightAnswer {
    PreflightAnswer::of(vec![seen("settings", Err(error))])
}

/// At most so many seconds for one look.
async fn within<T>(seconds: u64, doing: &str, what: impl Future<Output = Result<T>>) -> Result<T> {
    let slow = || {
        Error::new(ErrorCode::TimedOut, format!("{doing}: no answer within {seconds} s"))
            .next("look at the network between this machine and there, then try again")
    };
    tokio::time::timeout(Duration::from_secs(seconds), what).await.map_err(|_| slow())?
}

struct Preflight;

#[async_trait]
impl ReadOperation for Preflight {
    async fn read(&self, world: &World, actor: &Actor, raw: Value, _see: See<'_>) -> Result<Value> {
        let r: PreflightRequest = request::read(&raw)?;
        let only = match (r.cloud, r.env) {
            (None, None) => None,
            (cloud, env) => Some(request::required_key(cloud, env)?),
        };
        if let Some(key) = &only {
            world.config.environment(key.cloud, &key.name)?;
        }
        serde_json::to_value(look(world, actor, only.as_ref()).await.fit())
            .map_err(|e| Error::internal("writing an answer", e))
    }
}

fn seen(name: impl Into<String>, result: Result<String>) -> Check {
    match result {
        Ok(seen) => Check { name: name.into(), level: Level::Ok, seen, fix: None },
        Err(error) => Check {
            name: name.into(),
            level: Level::Failed,
            fix: error.next.clone(),
            seen: error.message,
        },
    }
}

fn principal(world: &World, actor: &Actor) -> Check {
    let roles = world.config.roles(actor);
    let words: Vec<String> = roles.iter().map(|r| format!("{r:?}").to_lowercase()).collect();
    let may_change = roles.iter().any(|r| matches!(r, Role::Change | Role::Destroy | Role::Admin));
    Check {
        name: "principal".into(),
        level: if may_change { Level::Ok } else { Level::Warning },
        seen: format!(
            "user {} is principal {} with roles {}",
            actor.os_user,
            actor.principal,
            words.join(", ")
        ),
        fix: (!may_change).then(|| {
            format!(
                "to change anything: [principals.NAME] with os_user = \"{}\" and roles",
                actor.os_user
            )
        }),
    }
}

fn account_word(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => "account",
        Cloud::Gcp => "project",
    }
}

/// Seconds that a source may take to give keys; sources end themselves before, with a reason.
const KEYS: u64 = 60;
/// Seconds that the cloud may take to say who we are.
const IDENTITY: u64 = 15;

async fn environment_checks(world: &World, environment: &Environment) -> Vec<Check> {
    let key = environment.target();
    let mut checks = if environment.organization.is_some() {
        identity(world, environment).await
    } else {
        let (identity, backend, cluster) = tokio::join!(
            identity(world, environment),
            standing::backend(world, environment),
            cluster::look(world, environment)
        );
        let mut checks = vec![standing::module(world, environment).await];
        checks.extend(identity.into_iter().chain(backend));
        checks.extend(standing::state_key(world, environment).await);
        checks.extend(cluster);
        checks.extend(standing::cluster(world, environment).await);
        checks
    };
    checks.push(standing::lock(world, environment).await);
    if environment.tier.typed_name || environment.tier.approver_other_than_requester {
        checks.push(Check {
            name: format!("{key} store"),
            level: Level::Warning,
            seen:
                "a production tier keeps its log and locks in SQLite: they guard this machine only"
                    .into(),
            fix: Some("run datamcp for this environment on one machine".into()),
        });
    }
    if environment.endpoint_url.is_some() {
        checks.push(Check {
            name: format!("{key} endpoint"),
            level: Level::Warning,
            seen: format!(
                "calls go to [{0}] endpoint_url, not to the cloud",
                environment.key.cloud.word()
            ),
            fix: Some(format!(
                "remove [{}] endpoint_url for a real account or project",
                environment.key.cloud.word()
            )),
        });
    }
    checks
}

/// Where the keys come from and how long they live, what should be looked at about that, and who we are with them.
async fn identity(world: &World, environment: &Environment) -> Vec<Check> {
    let key = environment.target();
    let name = format!("{key} credentials");
    let origin = world.identity.origin(environment, "preflight");
    let origin = match within(KEYS, "looking for credentials", origin).await {
        Ok(origin) => origin,
        Err(error) => return vec![seen(name, Err(error))],
    };
    let life = origin.expires.as_deref().map_or_else(
        || "without a known end".to_owned(),
        |end| match end.parse::<jiff::Timestamp>() {
            Ok(at) => {
                let left = at.duration_since(world.clock.now()).as_secs().max(0);
                format!("until {end} (another {left} s)")
            }
            Err(_) => format!("until {end}"),
        },
    );
    let mut checks = vec![seen(name.clone(), Ok(format!("{}, {life}", origin.source)))];
    checks.extend(origin.advice.into_iter().map(|advice| Check {
        name: name.clone(),
        level: Level::Warning,
        seen: advice.seen,
        fix: Some(advice.fix),
    }));
    let caller = world.identity.caller(environment, "preflight");
    let caller = within(IDENTITY, "asking who the credentials belong to", caller).await;
    let caller = caller.and_then(|c| {
        policy::account(&key, &c.account, &environment.account)?;
        Ok(format!("{} in {} {}", c.arn, account_word(environment.key.cloud), c.account))
    });
    checks.push(seen(format!("{key} identity"), caller));
    checks
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "preflight",
    title: "Preflight",
    about: "Checks that an environment (or all) can be worked on: settings, roles, state folder, operations \
            log, terraform, root module, identity, state bucket, lock. Changes nothing.",
    effect: Effect::Read,
    input: catalog::schema::<PreflightRequest>,
    output: catalog::answer::<PreflightAnswer>,
    kind: Kind::Read(&Preflight),
};
