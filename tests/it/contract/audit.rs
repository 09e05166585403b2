//! What every audit store promises.

use std::collections::HashSet;
use std::sync::Arc;

use datamcp::audit::store::Query;
use datamcp::audit::{AuditStore, Body, EventRecord, NewEvent};
use datamcp::error::{Error, ErrorCode};
use datamcp::model::{
    Actor, Digest, OperationId, PlanId, Principal, StateMark, StateVersion, Status,
};
use serde_json::{Value, json};

use super::{OpenAudit, at};

pub(crate) fn event(chain: &str, operation: OperationId, second: i64, body: Body) -> NewEvent {
    NewEvent {
        chain: chain.into(),
        operation,
        ts: at(second),
        actor: Actor {
            principal: Principal("ada".into()),
            os_user: "ada".into(),
            agent: Some("tester 1.0".into()),
        },
        body,
    }
}

pub(crate) fn received(params: Value, key: Option<&str>) -> Body {
    Body::Received {
        tool: "apply_terraform".into(),
        request_digest: Digest::of_json(&params),
        params,
        idempotency_key: key.map(str::to_owned),
    }
}

pub(crate) fn opened(fence: u64) -> Body {
    Body::Opened { plan: PlanId::fresh(), plan_digest: Digest::of("plan"), approval: None, fence }
}

pub(crate) fn closed(status: Status) -> Body {
    Body::Closed {
        status,
        summary: "done — ✓".into(),
        plan: Some(PlanId::fresh()),
        stdout: "line 1\nline \"2\"\u{0}".into(),
        stderr: "a 'quoted' warning".into(),
        resource_refs: vec!["aws_vpc.this".into()],
        artifacts: vec!["file:/x".into()],
        error: Some(Error::new(ErrorCode::PartialApply, "x").detail("n", 1)),
        state: None,
    }
}

/// Receives an operation.
pub(crate) async fn receive(store: &dyn AuditStore, chain: &str, second: i64) -> OperationId {
    let id = OperationId::fresh();
    let body = received(json!({"env": "dev"}), None);
    store.append(event(chain, id, second, body)).await.unwrap();
    id
}

fn assert_linked(events: &[EventRecord]) {
    let mut before = String::new();
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event.seq, n as u64 + 1);
        assert_eq!(event.prev_hash, before);
        assert_eq!(event.computed_hash(), event.hash);
        before.clone_from(&event.hash);
    }
}

pub(crate) async fn a_new_store_is_empty(open: OpenAudit<'_>) {
    let store = open();
    let id = OperationId::fresh();
    assert_eq!(store.row(id).await.unwrap(), None);
    assert_eq!(store.by_key("ada", "k").await.unwrap(), None);
    assert!(store.chains().await.unwrap().is_empty());
    assert!(store.events("aws/dev", 0, 10).await.unwrap().is_empty());
    assert!(store.history(id).await.unwrap().is_empty());
    let page = store.rows(&Query::default()).await.unwrap();
    assert!(page.rows.is_empty() && !page.more);
}

/// Whatever JSON a request holds comes back equal, so that the hash of what is read is the hash of what was written.
pub(crate) async fn events_and_rows_come_back_as_they_went_in(open: OpenAudit<'_>) {
    let store = open();
    let params = json!({
        "z": 1, "a": [null, true, "é\u{0}\"\\"], "big": u64::MAX, "small": i64::MIN,
        "floats": [0.1, 1e300, 5e-324, f64::MIN_POSITIVE, f64::MAX, 123_456_789.123_456_79, -0.0],
    });
    let id = OperationId::fresh();
    let mut records = Vec::new();
    for (second, body) in [
        (1, received(params, Some("k"))),
        (2, opened(7)),
        (3, Body::CancelRequested { by: "ada".into() }),
        (4, closed(Status::Partial)),
    ] {
        let record = store.append(event("aws/dev", id, second, body)).await;
        records.push(record.unwrap());
    }
    let other = open();
    assert_eq!(other.events("aws/dev", 0, 10).await.unwrap(), records);
    assert_eq!(other.history(id).await.unwrap(), records);
    assert_linked(&records);
    let row = other.row(id).await.unwrap().unwrap();
    let told =
        records.iter().fold(None, |row, event| datamcp::audit::store::project(row.as_ref(), event));
    assert_eq!(Some(&row), told.as_ref());
    assert_eq!(row.status, Status::Partial);
    assert_eq!((row.cloud.as_deref(), row.env.as_deref()), (Some("aws"), Some("dev")));
    assert_eq!(other.by_key("ada", "k").await.unwrap(), Some(row));
}

pub(crate) async fn hashes_survive_any_number(open: OpenAudit<'_>) {
    let store = open();
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let floats: Vec<f64> = std::iter::from_fn(|| {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        Some(f64::from_bits(bits))
    })
    .filter(|f| f.is_finite())
    .take(2000)
    .collect();
    let id = OperationId::fresh();
    let body = received(json!({"vars": floats}), None);
    store.append(event("aws/dev", id, 1, body)).await.unwrap();
    assert_linked(&open().events("aws/dev", 0, 10).await.unwrap());
}

pub(crate) async fn chains_are_apart_and_link_under_concurrency(open: OpenAudit<'_>) {
    let tasks: Vec<_> = (0..8)
        .map(|worker| {
            let store = open();
            tokio::spawn(async move {
                for n in 0..25 {
                    let chain = ["aws/dev", "gcp/dev", "unbound"][(worker + n) % 3];
                    let id = receive(&*store, chain, 1).await;
                    let end = event(chain, id, 2, closed(Status::Planned));
                    store.append(end).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let store = open();
    let chains = store.chains().await.unwrap();
    assert_eq!(chains, ["aws/dev", "gcp/dev", "unbound"]);
    let mut all = 0;
    for chain in chains {
        let events = store.events(&chain, 0, 10_000).await.unwrap();
        assert_linked(&events);
        assert!(events.iter().all(|e| e.event.chain == chain));
        all += events.len();
        let tail = store.events(&chain, 5, 3).await.unwrap();
        assert_eq!(tail, events[5..8]);
    }
    assert_eq!(all, 8 * 25 * 2);
}

pub(crate) async fn one_operation_per_idempotency_key(open: OpenAudit<'_>) {
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let store = open();
            tokio::spawn(async move {
                let id = OperationId::fresh();
                let body = received(json!({}), Some("key-1"));
                (id, store.append(event("aws/dev", id, 1, body)).await)
            })
        })
        .collect();
    let mut won = Vec::new();
    let mut lost = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (id, Ok(_)) => won.push(id),
            (_, Err(error)) => lost.push(error),
        }
    }
    let [first] = won.as_slice() else {
        panic!("{won:?}");
    };
    for error in lost {
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        assert!(error.message.contains(&first.to_string()), "{}", error.message);
    }
    let store = open();
    assert_eq!(store.by_key("ada", "key-1").await.unwrap().unwrap().id, *first);
    assert_eq!(store.by_key("eve", "key-1").await.unwrap(), None);
    let mut of_eve = event("aws/dev", OperationId::fresh(), 1, received(json!({}), Some("key-1")));
    of_eve.actor.principal = Principal("eve".into());
    store.append(of_eve).await.unwrap();
    assert_linked(&store.events("aws/dev", 0, 10).await.unwrap());
}

/// Fault 24: an end that was written before is not written over.
pub(crate) async fn what_does_not_follow_is_refused_and_not_stored(open: OpenAudit<'_>) {
    let store = open();
    let unknown = OperationId::fresh();
    let id = receive(&*store, "aws/dev", 1).await;
    let done = receive(&*store, "aws/dev", 1).await;
    let end = event("aws/dev", done, 2, closed(Status::Succeeded));
    store.append(end).await.unwrap();
    let before = store.row(done).await.unwrap();
    for (chain, operation, body) in [
        ("aws/dev", unknown, closed(Status::Failed)),
        ("aws/dev", unknown, opened(1)),
        ("aws/dev", id, received(json!({}), None)),
        ("aws/dev", done, closed(Status::Failed)),
        ("aws/dev", done, opened(1)),
        ("aws/dev", done, Body::CancelRequested { by: "ada".into() }),
        ("gcp/dev", id, closed(Status::Failed)),
    ] {
        let word = body.word();
        let error = store.append(event(chain, operation, 3, body)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal, "{word}");
        assert!(error.message.contains(word), "{}", error.message);
    }
    assert_eq!(store.events("aws/dev", 0, 99).await.unwrap().len(), 3);
    assert_eq!(store.chains().await.unwrap(), ["aws/dev"]);
    assert_eq!(store.row(done).await.unwrap(), before);
    assert_eq!(store.row(unknown).await.unwrap(), None);
}

/// Fault 24: of several that close one operation at once, one does.
pub(crate) async fn one_end_per_operation(open: OpenAudit<'_>) {
    let id = receive(&*open(), "aws/dev", 1).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let store = open();
            let end = event("aws/dev", id, 2, closed(Status::Succeeded));
            tokio::spawn(async move { store.append(end).await.is_ok() })
        })
        .collect();
    let mut ends = 0;
    for task in tasks {
        ends += usize::from(task.await.unwrap());
    }
    assert_eq!(ends, 1);
    assert_eq!(open().history(id).await.unwrap().len(), 2);
}

pub(crate) async fn rows_are_listed_by_what_is_asked(open: OpenAudit<'_>) {
    let store = open();
    let mut ids = Vec::new();
    for n in 0..30_i64 {
        let chain = if n % 2 == 0 { "aws/dev" } else { "aws/prod" };
        ids.push(receive(&*store, chain, n / 3).await);
        if n % 5 == 0 {
            let end = event(chain, ids[ids.len() - 1], 99, closed(Status::Failed));
            store.append(end).await.unwrap();
        }
    }
    let all = listed(&store, Query { limit: 100, ..Query::default() }).await;
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(all, newest_first);
    for limit in [1, 7, 30] {
        let mut query = Query { limit, ..Query::default() };
        let mut seen = Vec::new();
        loop {
            let page = store.rows(&query).await.unwrap();
            assert!(page.rows.len() <= limit);
            seen.extend(page.rows.iter().map(|r| r.id));
            assert_eq!(page.more, seen.len() < 30);
            query.before = seen.last().copied();
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, newest_first, "pages of {limit}");
    }
    let limit = 100;
    let base = Query { limit, ..Query::default() };
    for (count, query) in [
        (15, Query { chain: Some("aws/dev".into()), ..base.clone() }),
        (0, Query { chain: Some("aws".into()), ..base.clone() }),
        (30, Query { user: Some("ada".into()), ..base.clone() }),
        (0, Query { user: Some("eve".into()), ..base.clone() }),
        (30, Query { tool: Some("apply_terraform".into()), ..base.clone() }),
        (6, Query { status: Some(Status::Failed), ..base.clone() }),
        (24, Query { open: true, ..base.clone() }),
        (12, Query { open: true, chain: Some("aws/dev".into()), ..base.clone() }),
        (3, Query { since: Some(at(9)), ..base.clone() }),
        (0, Query { since: Some(at(10)), ..base.clone() }),
        (0, Query { open: true, status: Some(Status::Failed), ..base.clone() }),
    ] {
        assert_eq!(listed(&store, query.clone()).await.len(), count, "{query:?}");
    }
    // Bad inputs 94 and 95: no rows at all is not an answer, a forged cursor is named.
    assert_eq!(listed(&store, Query::default()).await.len(), 1);
    let forged = Query { before: Some(OperationId::fresh()), ..base };
    let error = store.rows(&forged).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    assert_eq!(error.field.as_deref(), Some("cursor"));
}

async fn listed(store: &Arc<dyn AuditStore>, query: Query) -> Vec<OperationId> {
    let page = store.rows(&query).await.unwrap();
    let ids: Vec<_> = page.rows.iter().map(|r| r.id).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    ids
}

/// Security row 20: the newest word about the state of one place, whatever else is in the chain.
pub(crate) async fn the_newest_word_about_a_state_is_found(open: OpenAudit<'_>) {
    let store = open();
    let chain = "aws/dev";
    assert!(store.state(chain, "b", "w").await.unwrap().is_none());
    for (serial, workspace) in [(1, "w"), (2, "w"), (7, "other")] {
        let id = receive(store.as_ref(), chain, 1).await;
        let mut body = closed(Status::Succeeded);
        if let Body::Closed { state, .. } = &mut body {
            *state = Some(StateMark {
                backend: "b".into(),
                workspace: workspace.into(),
                version: StateVersion { lineage: "line".into(), serial },
                resources: 3,
                object: None,
            });
        }
        store.append(event(chain, id, 2, body)).await.unwrap();
    }
    let silent = receive(store.as_ref(), chain, 3).await;
    store.append(event(chain, silent, 4, closed(Status::Failed))).await.unwrap();
    let found = async |chain: &str, backend: &str, workspace: &str| {
        let record = open().state(chain, backend, workspace).await.unwrap()?;
        record.event.body.state().map(|mark| mark.version.serial)
    };
    assert_eq!(found(chain, "b", "w").await, Some(2));
    assert_eq!(found(chain, "b", "other").await, Some(7));
    assert_eq!(found(chain, "c", "w").await, None);
    assert_eq!(found("aws/prod", "b", "w").await, None);
}

/// Fault 15: whoever's clock was turned back, what happened later is not recorded as earlier.
pub(crate) async fn times_of_an_operation_never_go_back(open: OpenAudit<'_>) {
    let store = open();
    let id = receive(store.as_ref(), "aws/dev", 5_000).await;
    let other = receive(store.as_ref(), "aws/dev", 1_400).await;
    for (second, body) in [(1_400, opened(1)), (9_000, closed(Status::Unknown))] {
        store.append(event("aws/dev", id, second, body)).await.unwrap();
    }
    let record = store.append(event("aws/dev", other, 1_300, opened(2))).await.unwrap();
    assert_eq!(record.event.ts, at(1_400), "each operation has times of its own");
    let times: Vec<_> = store.history(id).await.unwrap().iter().map(|r| r.event.ts).collect();
    assert_eq!(times, [at(5_000), at(5_000), at(9_000)]);
    let row = store.row(id).await.unwrap().unwrap();
    assert_eq!((row.start_ts, row.end_ts), (at(5_000), Some(at(9_000))));
}
