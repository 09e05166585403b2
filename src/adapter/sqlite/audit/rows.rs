//! `mcp_ops_log`: one row an operation, one column a field.

use jiff::Timestamp;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params_from_iter};
use serde_json::{Map, Value};

use super::super::Stop;
use super::unreadable;
use crate::audit::store::{OperationRow, Page, Query};
use crate::error::{Error, Result};
use crate::model::digest::canonical;
use crate::model::{OperationId, Status};

/// How a column of `mcp_ops_log` holds its field of [`OperationRow`].
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    /// RFC 3339 with nine digits after the point: sorts as text.
    Time,
    Integer,
    Json,
}

/// Columns by the name that the field has in JSON, too.
const COLUMNS: [(&str, Kind); 26] = [
    ("id", Kind::Text),
    ("user", Kind::Text),
    ("tool", Kind::Text),
    ("params", Kind::Json),
    ("start_ts", Kind::Time),
    ("end_ts", Kind::Time),
    ("status", Kind::Text),
    ("stdout", Kind::Text),
    ("stderr", Kind::Text),
    ("resource_refs", Kind::Json),
    ("cloud", Kind::Text),
    ("env", Kind::Text),
    ("chain", Kind::Text),
    ("agent", Kind::Text),
    ("os_user", Kind::Text),
    ("request_digest", Kind::Text),
    ("idempotency_key", Kind::Text),
    ("plan", Kind::Text),
    ("plan_digest", Kind::Text),
    ("approval", Kind::Text),
    ("fence", Kind::Integer),
    ("artifacts", Kind::Json),
    ("summary", Kind::Text),
    ("error", Kind::Json),
    ("prev_hash", Kind::Text),
    ("hash", Kind::Text),
];

/// Writes a row in full.
pub(super) fn put(tx: &Transaction<'_>, row: &OperationRow) -> Result<(), Stop> {
    let fields = serde_json::to_value(row).map_err(|e| unreadable(&e))?;
    let values: Vec<Sql> = COLUMNS
        .iter()
        .map(|(name, kind)| column(*kind, fields.get(name).unwrap_or(&Value::Null)))
        .collect();
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let marks = vec!["?"; COLUMNS.len()].join(", ");
    tx.prepare_cached(&format!(
        "INSERT OR REPLACE INTO mcp_ops_log ({}) VALUES ({marks})",
        names.join(", ")
    ))?
    .execute(params_from_iter(values))?;
    Ok(())
}

fn column(kind: Kind, value: &Value) -> Sql {
    match (kind, value) {
        // `params` may itself be null; every other null is an absent value. Both read back as null.
        (_, Value::Null) if kind != Kind::Json => Sql::Null,
        (Kind::Time, Value::String(text)) => Sql::Text(sortable(text)),
        (Kind::Integer, Value::Number(n)) => n.as_i64().map_or(Sql::Null, Sql::Integer),
        (Kind::Text, Value::String(text)) => Sql::Text(text.clone()),
        (_, other) => Sql::Text(canonical(other)),
    }
}

fn sortable(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |ts| format!("{ts:.9}"))
}

/// The row as stored. An unreadable one is an error that names it.
fn parse(r: &Row<'_>) -> Result<OperationRow, Stop> {
    let mut fields = Map::new();
    for (name, kind) in COLUMNS {
        let value = match r.get_ref(name)? {
            ValueRef::Text(text) if kind == Kind::Json => {
                serde_json::from_slice(text).map_err(|e| unreadable(&e))?
            }
            ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Integer(n) => Value::from(n),
            ValueRef::Null => Value::Null,
            _ => return Err(unreadable(&format!("column {name}")).into()),
        };
        fields.insert(name.to_owned(), value);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|e| unreadable(&e).into())
}

pub(super) fn row(db: &Connection, id: OperationId) -> Result<Option<OperationRow>, Stop> {
    db.prepare_cached("SELECT * FROM mcp_ops_log WHERE id = ?")?
        .query_and_then([id.to_string()], parse)?
        .next()
        .transpose()
}

pub(super) fn by_key(db: &Connection, user: &str, key: &str) -> Result<Option<OperationRow>, Stop> {
    db.prepare_cached("SELECT * FROM mcp_ops_log WHERE user = ? AND idempotency_key = ?")?
        .query_and_then([user, key], parse)?
        .next()
        .transpose()
}

/// The statement for a query and its values; each filter has an index that is also in the order of the answer.
pub(in crate::adapter::sqlite) fn select(
    query: &Query,
    before: Option<(String, String)>,
) -> (String, Vec<Sql>) {
    let mut terms = vec!["1"];
    let mut values = Vec::new();
    for (term, value) in [
        ("chain = ?", query.chain.clone()),
        ("user = ?", query.user.clone()),
        ("tool = ?", query.tool.clone()),
        ("status = ?", query.status.map(|s: Status| s.word().to_owned())),
        ("start_ts >= ?", query.since.map(|ts| format!("{ts:.9}"))),
    ] {
        if let Some(value) = value {
            terms.push(term);
            values.push(Sql::Text(value));
        }
    }
    let mut hint = "";
    if query.open {
        terms.push("status IN ('queued', 'running')");
        // Few are open at any time, whatever else is asked.
        hint = " INDEXED BY ops_open";
    }
    if let Some((start, id)) = before {
        terms.push("(start_ts, id) < (?, ?)");
        values.extend([Sql::Text(start), Sql::Text(id)]);
    }
    values.push(Sql::Integer(
        i64::try_from(query.limit.max(1)).map_or(i64::MAX, |n| n.saturating_add(1)),
    ));
    let text = format!(
        "SELECT * FROM mcp_ops_log{hint} WHERE {} ORDER BY start_ts DESC, id DESC LIMIT ?",
        terms.join(" AND ")
    );
    (text, values)
}

pub(super) fn rows(db: &Connection, query: &Query) -> Result<Page, Stop> {
    let before = match query.before {
        None => None,
        Some(id) => {
            let start = db
                .prepare_cached("SELECT start_ts FROM mcp_ops_log WHERE id = ?")?
                .query_row([id.to_string()], |r| r.get::<_, String>(0))
                .optional()?;
            let Some(start) = start else {
                let error = Error::invalid("cursor", id.to_string(), "names no operation");
                return Err(error.allowed("a cursor from an earlier answer").into());
            };
            Some((start, id.to_string()))
        }
    };
    let (text, values) = select(query, before);
    let mut rows = db
        .prepare_cached(&text)?
        .query_and_then(params_from_iter(values), parse)?
        .collect::<Result<Vec<_>, Stop>>()?;
    let more = rows.len() > query.limit.max(1);
    rows.truncate(query.limit.max(1));
    Ok(Page { rows, more })
}
