//! Fault 25, bar 20: whatever is done to a log behind its back is found, and the first bad event named.
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::sync::Arc;

use datamcp::adapter::file::FileAnchor;
use datamcp::adapter::sqlite::Sqlite;
use datamcp::audit::entry::Attempt;
use datamcp::audit::verify::{Report, verify};
use datamcp::audit::{Body, Closing, Log};
use datamcp::clock::FixedClock;
use datamcp::model::{
    Actor, Cloud, Digest, EnvironmentKey, OperationId, Principal, Status, Target,
};
use serde_json::json;

use super::at;

struct Place {
    state: tempfile::TempDir,
    log: Log,
    operations: Vec<OperationId>,
}

/// Three operations of three events each in one chain, one event in another.
async fn place() -> Place {
    let state = tempfile::tempdir().unwrap();
    let log = Log::new(
        Arc::new(Sqlite::new(state.path())),
        Arc::new(FileAnchor::new(state.path().join("anchor"))),
        Arc::new(FixedClock::new(at(1))),
    );
    let mut place = Place { state, log, operations: Vec::new() };
    for _ in 0..3 {
        place.operate("dev").await;
    }
    let id = OperationId::fresh();
    place.log.receive(id, attempt("prod")).await.unwrap();
    assert_eq!(place.verify().await.faults, []);
    place
}

fn actor() -> Actor {
    Actor { principal: Principal("ada".into()), os_user: "ada".into(), agent: None }
}

fn attempt(env: &str) -> Attempt {
    Attempt {
        target: Target::Environment(EnvironmentKey { cloud: Cloud::Aws, name: env.into() }),
        actor: actor(),
        tool: "apply_terraform".into(),
        params: json!({"env": env, "n": 1.5}),
        request_digest: Digest::of("x"),
        idempotency_key: None,
    }
}

impl Place {
    async fn operate(&mut self, env: &str) {
        let id = OperationId::fresh();
        let chain = format!("aws/{env}");
        self.log.receive(id, attempt(env)).await.unwrap();
        let stop = Body::CancelRequested { by: "ada".into() };
        self.log.record(id, &chain, &actor(), stop).await.unwrap();
        let closing = Closing::new(Status::Cancelled, "stopped");
        self.log.end(id, &chain, &actor(), closing).await.unwrap();
        self.operations.push(id);
    }

    fn sql(&self, text: &str) {
        let db = rusqlite::Connection::open(self.state.path().join("log.db")).unwrap();
        db.execute_batch(text).unwrap();
    }

    async fn verify(&self) -> Report {
        verify(&self.log).await.unwrap()
    }

    /// The only fault of chain `aws/dev` is about this event.
    async fn found(&self, seq: u64, what: &str) {
        let faults = self.verify().await.faults;
        let first: Vec<_> = faults.iter().filter(|f| f.seq > 0).collect();
        assert!(
            matches!(first.as_slice(), [f] if f.seq == seq && f.chain == "aws/dev"),
            "{what}: {faults:?}"
        );
    }
}

#[tokio::test]
async fn fault_25_an_edit_of_any_event_is_found() {
    for seq in 1..=9_u64 {
        for (what, set) in [
            ("who", "event = json_set(event, '$.actor.principal', 'eve')"),
            ("when", "event = json_set(event, '$.ts', '2020-01-01T00:00:00Z')"),
            ("hash", "hash = 'sha256:00'"),
            ("previous hash", "prev_hash = 'sha256:00'"),
            ("kind", "event = json_set(event, '$.body.event', 'nothing')"),
            ("text", "event = '{}'"),
        ] {
            let place = place().await;
            place.sql(&format!("UPDATE events SET {set} WHERE chain = 'aws/dev' AND seq = {seq}"));
            place.found(seq, what).await;
        }
    }
}

#[tokio::test]
async fn fault_25_a_deleted_event_is_found() {
    for seq in 1..=9_u64 {
        let place = place().await;
        place.sql(&format!("DELETE FROM events WHERE chain = 'aws/dev' AND seq = {seq}"));
        place.found(seq, "deleted").await;
        // Closing the gap by new numbers does not hide it.
        place.sql(&format!(
            "UPDATE events SET seq = seq - 1 + 100 WHERE chain = 'aws/dev' AND seq > {seq};
             UPDATE events SET seq = seq - 100 WHERE chain = 'aws/dev' AND seq > 100"
        ));
        place.found(seq, "renumbered").await;
    }
}

#[tokio::test]
async fn fault_25_reordered_events_are_found() {
    for seq in 1..=8_u64 {
        let place = place().await;
        place.sql(&format!(
            "UPDATE events SET seq = 99 WHERE chain = 'aws/dev' AND seq = {seq};
             UPDATE events SET seq = {seq} WHERE chain = 'aws/dev' AND seq = {seq} + 1;
             UPDATE events SET seq = {seq} + 1 WHERE chain = 'aws/dev' AND seq = 99"
        ));
        place.found(seq, "reordered").await;
    }
}

#[tokio::test]
async fn bar_20_a_cut_end_is_found_even_after_the_log_grew_again() {
    for keep in 0..9_u64 {
        let place = place().await;
        place.sql(&format!("DELETE FROM events WHERE chain = 'aws/dev' AND seq > {keep}"));
        place.found(keep + 1, "cut").await;
        if keep == 6 {
            place.sql("DELETE FROM mcp_ops_log WHERE chain = 'aws/dev'");
            let id = OperationId::fresh();
            let refused = place.log.receive(id, attempt("dev")).await.unwrap_err();
            assert!(refused.message.contains("event 7"), "{refused}");
            for _ in 0..6 {
                let id = OperationId::fresh();
                assert!(place.log.receive(id, attempt("dev")).await.is_err());
            }
            place.found(7, "cut and grown").await;
        }
    }
}

#[tokio::test]
async fn bar_20_a_lost_anchor_is_found() {
    let place = place().await;
    std::fs::remove_file(place.state.path().join("anchor/aws+dev.heads")).unwrap();
    place.found(1, "anchor").await;
}

#[tokio::test]
async fn fault_25_an_edited_deleted_or_invented_row_is_found() {
    for edit in [
        "SET status = 'succeeded'",
        "SET user = 'eve'",
        "SET stdout = 'all is well'",
        "SET params = '{}'",
        "SET params = 'not json'",
        "SET status = 'splendid'",
        "SET start_ts = '1970-01-01T00:00:02.000000000Z'",
        "SET end_ts = NULL",
        "SET hash = 'sha256:00'",
    ] {
        let place = place().await;
        let id = place.operations[1];
        place.sql(&format!("UPDATE mcp_ops_log {edit} WHERE id = '{id}'"));
        let faults = place.verify().await.faults;
        assert_eq!(faults[0].operation, Some(id), "{edit}: {faults:?}");
    }
    let place = place().await;
    let (gone, kept) = (place.operations[0], place.operations[1]);
    let new = OperationId::fresh();
    place.sql(&format!(
        "DELETE FROM mcp_ops_log WHERE id = '{gone}';
         CREATE TEMP TABLE t AS SELECT * FROM mcp_ops_log WHERE id = '{kept}';
         UPDATE t SET id = '{new}';
         INSERT INTO mcp_ops_log SELECT * FROM t"
    ));
    let faults = place.verify().await.faults;
    let about: Vec<_> = faults.iter().map(|f| f.operation).collect();
    assert_eq!(about, [Some(gone), Some(new)], "{faults:?}");
}
