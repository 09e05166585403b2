//! `preflight`: the quick checks before anything runs: one line and one fix each.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::{ReadOperation, World, catalog, request};
use crate::error::{Error, Result};
use crate::model::{Actor, Cloud, Effect, Environment, Role};
use crate::policy;

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
        let mut checks = vec![principal(world, actor), terraform(world).await, log(world).await];
        for environment in
            world.config.environments().filter(|e| only.as_ref().is_none_or(|key| *key == e.key))
        {
            checks.extend(environment_checks(world, environment).await);
        }
        let ok = checks.iter().all(|c| c.level != Level::Failed);
        serde_json::to_value(PreflightAnswer { ok, checks })
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

async fn terraform(world: &World) -> Check {
    let found = world.provisioner.version().await;
    seen("terraform", found.map(|v| format!("{} {} at {}", v.name, v.version, v.path.display())))
}

async fn log(world: &World) -> Check {
    let chains = world.log.store().chains().await;
    seen(
        "operations log",
        chains.map(|c| format!("{} chains in {}", c.len(), world.config.state().display())),
    )
}

async fn environment_checks(world: &World, environment: &Environment) -> Vec<Check> {
    let key = &environment.key;
    let module = world.provisioner.inspect(environment).await;
    let mut checks = vec![seen(
        format!("{key} module"),
        module.map(|m| {
            format!(
                "{} with {} variables",
                environment.tree.join(&environment.root).display(),
                m.variables.len()
            )
        }),
    )];
    checks.extend(identity(world, environment).await);
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
            seen: "calls go to the endpoint of [aws] endpoint_url, not to AWS".into(),
            fix: Some("remove [aws] endpoint_url for a real account".into()),
        });
    }
    checks
}

/// Where the keys come from and how long they live, what should be looked at about that, and who we are with them.
async fn identity(world: &World, environment: &Environment) -> Vec<Check> {
    let key = &environment.key;
    let name = format!("{key} credentials");
    let origin = match world.identity.origin(environment, "preflight").await {
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
    let caller = world.identity.caller(environment, "preflight").await.and_then(|c| {
        policy::account(key, &c.account, &environment.account)?;
        Ok(format!("{} in account {}", c.arn, c.account))
    });
    checks.push(seen(format!("{key} identity"), caller));
    checks
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "preflight",
    title: "Preflight",
    about: "Checks that an environment (or all of them) can be worked on: roles, terraform, operations log, root \
            module, identity. Changes nothing.",
    effect: Effect::Read,
    input: catalog::schema::<PreflightRequest>,
    output: catalog::answer::<PreflightAnswer>,
    kind: Kind::Read(&Preflight),
};
