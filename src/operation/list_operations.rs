//! `list_operations`: rows of the operations log.

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::{ReadOperation, World, answer, catalog, request};
use crate::audit::{OperationRow, Query};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, Cloud, Effect, OperationId, Role, Status};

/// Request of `list_operations`. Everything given has to fit.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOperationsRequest {
    /// Cloud of the environment; needed with `env`.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// Environment.
    #[serde(default)]
    pub env: Option<String>,
    /// Principal; others than yourself need the role admin.
    #[serde(default)]
    pub user: Option<String>,
    /// Tool.
    #[serde(default)]
    pub tool: Option<String>,
    /// Status.
    #[serde(default)]
    pub status: Option<Status>,
    /// Received since then (RFC 3339). At most 366 days ago.
    #[serde(default)]
    pub since: Option<String>,
    /// Continue where the last answer ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Most rows, 1 to 100 (default 20).
    #[serde(default)]
    pub limit: Option<i64>,
}

/// One row, in short; `get_operation` has the rest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OperationEntry {
    /// Operation.
    pub id: OperationId,
    /// Target.
    pub target: String,
    /// Tool.
    pub tool: String,
    /// Principal.
    pub user: String,
    /// How it stands.
    pub status: Status,
    /// When it was received.
    pub start: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<String>,
    /// One line.
    pub summary: String,
}

/// Answer of `list_operations`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ListOperationsAnswer {
    /// Newest first.
    pub operations: Vec<OperationEntry>,
    /// Give it as `cursor` for older ones; absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<String>,
}

/// Longest span that `since` may ask for.
const SPAN_MAX: jiff::SignedDuration = jiff::SignedDuration::from_hours(366 * 24);

struct ListOperations;

#[async_trait]
impl ReadOperation for ListOperations {
    async fn read(&self, world: &World, actor: &Actor, raw: Value, _see: See<'_>) -> Result<Value> {
        let query = query(world, actor, request::read(&raw)?)?;
        let page = world.log.store().rows(&query).await?;
        let mut room = answer::MAX - 100;
        let mut operations = Vec::new();
        for row in page.rows.iter().map(entry) {
            let size = serde_json::to_string(&row).map_or(0, |text| text.chars().count() + 1);
            let Some(left) = room.checked_sub(size) else {
                break;
            };
            room = left;
            operations.push(row);
        }
        let more = page.more || operations.len() < page.rows.len();
        let cursor =
            operations.last().filter(|_| more).map(|row: &OperationEntry| row.id.to_string());
        serde_json::to_value(ListOperationsAnswer { operations, cursor })
            .map_err(|e| Error::internal("writing an answer", e))
    }
}

fn entry(row: &OperationRow) -> OperationEntry {
    OperationEntry {
        id: row.id,
        target: row.chain.clone(),
        tool: row.tool.clone(),
        user: row.user.clone(),
        status: row.status,
        start: row.start_ts.to_string(),
        end: row.end_ts.map(|ts| ts.to_string()),
        summary: answer::cut(&row.summary, 200),
    }
}

fn query(world: &World, actor: &Actor, r: ListOperationsRequest) -> Result<Query> {
    let own = actor.principal.0.clone();
    let admin = world.config.roles(actor).contains(&Role::Admin);
    let user = match r.user {
        None if admin => None,
        None => Some(own),
        Some(user) if admin || user == own => Some(user),
        Some(user) => {
            return Err(Error::new(
                ErrorCode::PolicyDenied,
                format!("listing operations of {user}: principal {own} sees its own only"),
            )
            .field("user")
            .given(user)
            .allowed(own)
            .detail("needed_role", "admin"));
        }
    };
    let chain = match (r.cloud, r.env) {
        (None, None) => None,
        (cloud, env) => {
            let key = request::required_key(cloud, env)?;
            Some(world.config.environment(key.cloud, &key.name)?.key.to_string())
        }
    };
    let limit = r.limit.unwrap_or(20);
    let limit = usize::try_from(limit).ok().filter(|n| (1..=100).contains(n));
    let limit = limit.ok_or_else(|| {
        Error::invalid("limit", r.limit.unwrap_or(0).to_string(), "is out of range")
            .allowed("1 to 100")
    })?;
    let now = world.clock.now();
    let since = r.since.map(|text| {
        let moment = text.parse::<Timestamp>().map_err(|e| {
            Error::invalid("since", &text, e).allowed("a moment like 2026-01-31T00:00:00Z")
        })?;
        if now.duration_since(moment) > SPAN_MAX {
            return Err(Error::invalid("since", &text, "is too long ago")
                .allowed(format!("at most {} days before now", SPAN_MAX.as_hours() / 24))
                .next("narrow it; without since, cursor leads back as far as the log goes"));
        }
        Ok(moment)
    });
    let before = r.cursor.map(|text| {
        text.parse().map_err(|_| {
            Error::invalid("cursor", &text, "is not a cursor")
                .allowed("the cursor of the last answer, as it stands there")
        })
    });
    Ok(Query {
        chain,
        user,
        tool: r.tool,
        status: r.status,
        open: false,
        since: since.transpose()?,
        before: before.transpose()?,
        limit,
    })
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "list_operations",
    title: "List operations",
    about: "Lists operations of the log, newest first: who asked for what, when, and how it ended. Without the role \
            admin you see your own.",
    effect: Effect::Read,
    input: catalog::schema::<ListOperationsRequest>,
    output: catalog::answer::<ListOperationsAnswer>,
    kind: Kind::Read(&ListOperations),
};
