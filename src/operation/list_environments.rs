//! `list_environments`: what is configured, and how it stands.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::{ReadOperation, World, catalog, request};
use crate::audit::Query;
use crate::error::{Error, Result};
use crate::model::{Action, Actor, Cloud, Effect, Environment, OperationId, Role, Status};

/// Request of `list_environments`: nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEnvironmentsRequest {}

/// An operation, in short.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LastOperation {
    /// Id.
    pub id: OperationId,
    /// Tool.
    pub tool: String,
    /// How it stands.
    pub status: Status,
    /// When it was received.
    pub start: String,
}

/// Who holds an environment, or why it is blocked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LockState {
    /// `held` or `blocked`.
    pub state: String,
    /// The operation that holds or blocks it.
    pub operation: OperationId,
    /// For what, or why.
    pub reason: String,
    /// Since when.
    pub since: String,
}

/// One environment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentEntry {
    /// Cloud.
    pub cloud: Cloud,
    /// Name.
    pub env: String,
    /// Tier.
    pub tier: String,
    /// Account or project.
    pub account: String,
    /// Region.
    pub region: String,
    /// Where the state lies.
    pub state: String,
    /// Where credentials come from: a profile, a role, or the ambient ones.
    pub identity: String,
    /// Kinds of change that `auto_approve` may cover here.
    pub auto_approve: Vec<Action>,
    /// Newest operation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_operation: Option<LastOperation>,
    /// Lock, when it is held or blocked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lock: Option<LockState>,
    /// Why last operation or lock are not known: the log cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unread: Option<String>,
}

/// Answer of `list_environments`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ListEnvironmentsAnswer {
    /// Who you are here.
    pub principal: String,
    /// Your roles.
    pub roles: Vec<Role>,
    /// The environments.
    pub environments: Vec<EnvironmentEntry>,
    /// The organizations, in which accounts are made.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub organizations: Vec<OrganizationEntry>,
}

/// One organization.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationEntry {
    /// Its name, as requests name it.
    pub organization: String,
    /// Tier.
    pub tier: String,
    /// The account that every operation must meet: its management account.
    pub account: String,
    /// Region of what is made beside accounts.
    pub region: String,
    /// Where credentials come from.
    pub identity: String,
    /// Kinds of change that `auto_approve` may cover here.
    pub auto_approve: Vec<Action>,
    /// Roots and OUs in which accounts may be placed; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub units: Vec<String>,
    /// Newest operation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_operation: Option<LastOperation>,
    /// Lock, when it is held or blocked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lock: Option<LockState>,
    /// Why last operation or lock are not known: the log cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unread: Option<String>,
}

struct ListEnvironments;

#[async_trait]
impl ReadOperation for ListEnvironments {
    async fn read(&self, world: &World, actor: &Actor, raw: Value, _see: See<'_>) -> Result<Value> {
        let ListEnvironmentsRequest {} = request::read(&raw)?;
        let mut environments = Vec::new();
        for environment in world.config.environments() {
            environments.push(entry(world, environment).await);
        }
        let mut organizations = Vec::new();
        for organization in world.config.organizations() {
            organizations.push(organization_entry(world, organization).await);
        }
        let answer = ListEnvironmentsAnswer {
            principal: actor.principal.0.clone(),
            roles: world.config.roles(actor).into_iter().collect(),
            environments,
            organizations,
        };
        serde_json::to_value(answer).map_err(|e| Error::internal("writing an answer", e))
    }
}

/// How a target stands.
struct Standing {
    last_operation: Option<LastOperation>,
    lock: Option<LockState>,
    unread: Option<String>,
}

impl Standing {
    async fn of(world: &World, environment: &Environment) -> Self {
        let chain = environment.target().to_string();
        let query = Query { chain: Some(chain.clone()), limit: 1, ..Query::default() };
        // What is configured is told even when how it stands cannot be.
        let last = world.log.store().rows(&query).await.map(|page| page.rows.into_iter().next());
        let lock = lock(world, &chain).await;
        let unread = last.as_ref().err().or(lock.as_ref().err());
        Self {
            unread: unread.map(|error| error.message.clone()),
            last_operation: last.ok().flatten().map(|row| LastOperation {
                id: row.id,
                tool: row.tool,
                status: row.status,
                start: row.start_ts.to_string(),
            }),
            lock: lock.ok().flatten(),
        }
    }
}

fn identity(environment: &Environment) -> String {
    let source = environment.credentials.words();
    match &environment.role {
        Some(role) => format!("role {} by {source}", role.arn),
        None => source,
    }
}

async fn entry(world: &World, environment: &Environment) -> EnvironmentEntry {
    let Standing { last_operation, lock, unread } = Standing::of(world, environment).await;
    EnvironmentEntry {
        cloud: environment.key.cloud,
        env: environment.key.name.clone(),
        tier: environment.tier.name.clone(),
        account: environment.account.clone(),
        region: environment.region.clone(),
        state: environment.backend.identity(),
        identity: identity(environment),
        auto_approve: environment.tier.auto_approve.clone(),
        last_operation,
        lock,
        unread,
    }
}

async fn organization_entry(world: &World, organization: &Environment) -> OrganizationEntry {
    let Standing { last_operation, lock, unread } = Standing::of(world, organization).await;
    OrganizationEntry {
        organization: organization.key.name.clone(),
        tier: organization.tier.name.clone(),
        account: organization.account.clone(),
        region: organization.region.clone(),
        identity: identity(organization),
        auto_approve: organization.tier.auto_approve.clone(),
        units: organization.organization.iter().flat_map(|o| o.units.clone()).collect(),
        last_operation,
        lock,
        unread,
    }
}

async fn lock(world: &World, chain: &str) -> Result<Option<LockState>> {
    let Some(lease) = world.leases.lease(chain).await? else {
        return Ok(None);
    };
    let blocked = lease.blocked.map(|b| LockState {
        state: "blocked".into(),
        operation: b.operation,
        reason: b.reason,
        since: b.since.to_string(),
    });
    let held = lease.holder.map(|h| LockState {
        state: "held".into(),
        operation: h.operation,
        reason: format!("{} of {}", h.tool, h.user),
        since: h.since.to_string(),
    });
    Ok(blocked.or(held))
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "list_environments",
    title: "List environments",
    about: "Lists the configured environments and organizations with tier, account, identity, state backend, last operation and lock, \
            and says who you are here and which roles you have.",
    effect: Effect::Read,
    input: catalog::schema::<ListEnvironmentsRequest>,
    output: catalog::answer::<ListEnvironmentsAnswer>,
    kind: Kind::Read(&ListEnvironments),
};
