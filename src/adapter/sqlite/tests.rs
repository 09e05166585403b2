//! Of the `SQLite` store: what only it promises. What every store promises is in `tests/it/contract`.

use super::*;
use crate::audit::store::{AuditStore, Query};
use crate::lock::store::LeaseStore;
use crate::model::{OperationId, Status};

#[tokio::test]
async fn nothing_is_touched_before_the_first_write() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("state");
    let store = Sqlite::new(&folder);
    assert_eq!(store.row(OperationId::fresh()).await.unwrap(), None);
    assert!(store.chains().await.unwrap().is_empty());
    assert!(store.leases().await.unwrap().is_empty());
    assert!(!folder.exists());
}

#[test]
fn every_query_answers_by_an_index_in_order() {
    let state = tempfile::tempdir().unwrap();
    let store = Sqlite::new(state.path());
    store.inner.write("testing", |_| Ok(())).unwrap();
    for bits in 0..128_u32 {
        let has = |bit: u32| bits & (1 << bit) != 0;
        let text = |bit: u32| has(bit).then(|| "x".to_owned());
        let query = Query {
            chain: text(0),
            user: text(1),
            tool: text(2),
            status: has(3).then_some(Status::Planned),
            open: has(4),
            since: has(5).then_some(jiff::Timestamp::UNIX_EPOCH),
            before: None,
            limit: 10,
        };
        let before = has(6).then(|| ("x".to_owned(), "y".to_owned()));
        let (text, values) = audit::select(&query, before);
        let plan = plan_of(&store, &text, values);
        assert!(plan.contains("USING INDEX"), "{text}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{text}\n{plan}");
    }
    for text in [
        "SELECT * FROM mcp_ops_log WHERE id = ?",
        "SELECT * FROM mcp_ops_log WHERE user = ? AND idempotency_key = ?",
        "SELECT seq FROM events WHERE chain = ? AND seq > ? ORDER BY seq",
        "SELECT seq, event FROM events WHERE operation = ? ORDER BY number",
        "SELECT record FROM approvals WHERE plan = ?",
        "SELECT record FROM approvals WHERE state IN ('requested', 'granted') AND expires > ?",
        "SELECT * FROM leases WHERE key = ?",
        &format!("SELECT seq, event FROM events {}", audit::STATE),
    ] {
        let plan = plan_of(&store, text, Vec::new());
        assert!(plan.starts_with("SEARCH") && !plan.contains("B-TREE"), "{text}\n{plan}");
    }
}

fn plan_of(store: &Sqlite, text: &str, values: Vec<rusqlite::types::Value>) -> String {
    store
        .inner
        .read("testing", String::new(), |db| {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
            let wanted = statement.parameter_count();
            let mut values = values;
            values.resize(wanted, rusqlite::types::Value::Text("x".into()));
            let lines = statement
                .query_map(rusqlite::params_from_iter(values), |r| r.get::<_, String>(3))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(lines.join("\n"))
        })
        .unwrap()
}

#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("state");
    let store = Sqlite::new(&folder);
    store.inner.write("testing", |_| Ok(())).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_for_reading_and_writing() {
    let state = tempfile::tempdir().unwrap();
    let db = Connection::open(state.path().join(FILE)).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    let store = Sqlite::new(state.path());
    let read = store.row(OperationId::fresh()).await.unwrap_err();
    let write = store.inner.write("testing", |_| Ok(())).unwrap_err();
    for error in [read, write] {
        assert_eq!(error.code, ErrorCode::AuditUnavailable);
        assert!(error.message.contains("schema 99"), "{}", error.message);
        assert!(error.next.unwrap().contains("newer datamcp"));
    }
}

#[tokio::test]
async fn promise_5_a_file_that_is_no_database_is_an_error_and_is_left_alone() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join(FILE);
    std::fs::write(&path, "not a database, but long enough to be looked at".repeat(100)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let store = Sqlite::new(state.path());
    let error = store.inner.write("testing", |_| Ok(())).unwrap_err();
    assert_eq!(error.code, ErrorCode::AuditUnavailable, "{}", error.message);
    assert!(store.row(OperationId::fresh()).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Under a user that may write everywhere only the reads are asserted.
#[test]
fn promise_5_a_read_only_log_is_still_read() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempfile::tempdir().unwrap();
    let first = Sqlite::new(state.path());
    first.inner.write("testing", |_| Ok(())).unwrap();
    drop(first);
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&state.path().join(FILE), 0o400);
    set(state.path(), 0o500);
    let privileged = std::fs::write(state.path().join("probe"), "").is_ok();

    let store = Sqlite::new(state.path());
    let seen = store.inner.read("testing", -1, |db| {
        Ok(db.query_row("SELECT count(*) FROM events", [], |r| r.get(0))?)
    });
    assert_eq!(seen.unwrap(), 0);
    let written = store.inner.write("testing", |tx| {
        tx.execute("INSERT INTO leases (key, fence) VALUES ('k', 1)", [])?;
        Ok(())
    });
    if !privileged {
        let error = written.unwrap_err();
        assert_eq!(error.code, ErrorCode::AuditUnavailable, "{}", error.message);
    }
    set(state.path(), 0o700);
}
