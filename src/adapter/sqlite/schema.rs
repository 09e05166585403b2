//! Tables and their migrations, counted by `user_version`. What is looked up has an index; `operation` of an event is
//! computed from the event itself, so that the two cannot disagree.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode as Cause, TransactionBehavior};

use super::{Stop, unavailable};

/// How long a statement waits for another process.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Each brings the schema one version further; a released one is never edited.
const MIGRATIONS: [&str; 2] = ["
CREATE TABLE events (
  number    INTEGER PRIMARY KEY,
  chain     TEXT NOT NULL,
  seq       INTEGER NOT NULL,
  event     TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash      TEXT NOT NULL,
  operation TEXT GENERATED ALWAYS AS (json_extract(event, '$.operation')) VIRTUAL,
  UNIQUE (chain, seq)
);
CREATE INDEX events_by_operation ON events (operation, number);

CREATE TABLE mcp_ops_log (
  id              TEXT PRIMARY KEY,
  user            TEXT NOT NULL,
  tool            TEXT NOT NULL,
  params          TEXT NOT NULL,
  start_ts        TEXT NOT NULL,
  end_ts          TEXT,
  status          TEXT NOT NULL,
  stdout          TEXT NOT NULL,
  stderr          TEXT NOT NULL,
  resource_refs   TEXT NOT NULL,
  cloud           TEXT,
  env             TEXT,
  chain           TEXT NOT NULL,
  agent           TEXT,
  os_user         TEXT NOT NULL,
  request_digest  TEXT NOT NULL,
  idempotency_key TEXT,
  plan            TEXT,
  plan_digest     TEXT,
  approval        TEXT,
  fence           INTEGER,
  artifacts       TEXT NOT NULL,
  summary         TEXT NOT NULL,
  error           TEXT,
  prev_hash       TEXT NOT NULL,
  hash            TEXT NOT NULL
);
CREATE INDEX ops_by_time   ON mcp_ops_log (start_ts, id);
CREATE INDEX ops_by_chain  ON mcp_ops_log (chain, start_ts, id);
CREATE INDEX ops_by_user   ON mcp_ops_log (user, start_ts, id);
CREATE INDEX ops_by_tool   ON mcp_ops_log (tool, start_ts, id);
CREATE INDEX ops_by_status ON mcp_ops_log (status, start_ts, id);
CREATE INDEX ops_open      ON mcp_ops_log (start_ts, id) WHERE status IN ('queued', 'running');
CREATE UNIQUE INDEX ops_by_key ON mcp_ops_log (user, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE approvals (
  id      TEXT PRIMARY KEY,
  plan    TEXT NOT NULL UNIQUE,
  expires TEXT NOT NULL,
  record  TEXT NOT NULL,
  state   TEXT GENERATED ALWAYS AS (json_extract(record, '$.state.state')) VIRTUAL
);
CREATE INDEX approvals_open ON approvals (expires) WHERE state IN ('requested', 'granted');

CREATE TABLE leases (
  key       TEXT PRIMARY KEY,
  fence     INTEGER NOT NULL,
  operation TEXT,
  holder    TEXT,
  blocked   TEXT
) WITHOUT ROWID;
", "
CREATE INDEX events_by_state ON events (
  chain, json_extract(event, '$.body.state.backend'), json_extract(event, '$.body.state.workspace'), seq
) WHERE json_extract(event, '$.body.state') IS NOT NULL;
"];

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Sets a connection up for reading and tells the schema's version; a newer one than known is refused.
pub(super) fn version(db: &Connection, doing: &str) -> Result<i64, Stop> {
    db.busy_timeout(BUSY)?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > newest() {
        return Err(unavailable(
            doing,
            &format!("the database has schema {version}, this program knows up to {}", newest()),
        )
        .next("use the newer datamcp that wrote it, or another state folder")
        .into());
    }
    Ok(version)
}

/// Sets a connection up for writing and brings the schema up to date.
pub(super) fn prepare(db: &mut Connection, doing: &str) -> Result<(), Stop> {
    let found = version(db, doing)?;
    write_ahead(db)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    if found == newest() {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&tx, doing)?;
    let todo = usize::try_from(found).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(todo) {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", newest())?;
    tx.commit()?;
    Ok(())
}

/// Turns the write-ahead log on. The first processes of a new file race here, and `SQLite` then answers busy at once.
fn write_ahead(db: &Connection) -> Result<(), Stop> {
    let started = Instant::now();
    loop {
        let set = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match set {
            Err(e)
                if matches!(
                    e.sqlite_error_code(),
                    Some(Cause::DatabaseBusy | Cause::DatabaseLocked)
                ) && started.elapsed() < BUSY =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other.map(drop).map_err(Stop::from),
        }
    }
}
