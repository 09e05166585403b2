//! `SQLite` under the contract, and what only it can show: processes, children that inherit a lock, raw edits.
//!
//! Children inherit the leases of whoever starts them, so lease tests run in a process of their own where no other
//! test starts any: this binary again, told by a variable what to do.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes and are told by a variable that they are one"
)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use datamcp::adapter::sqlite::Sqlite;
use datamcp::approval::ApprovalStore;
use datamcp::audit::AuditStore;
use datamcp::audit::store::Query;
use datamcp::error::ErrorCode;
use datamcp::lock::{Acquired, LeaseStore};
use datamcp::model::Status;

use super::leases::{KEY, blocked, granted, holder};
use super::{approvals, audit, leases};

/// Tests of the same name in the contract, each on a fresh folder.
macro_rules! under_contract {
    ($port:ident as dyn $store:path: $($name:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            let state = tempfile::tempdir().unwrap();
            $port::$name(&|| Arc::new(Sqlite::new(state.path())) as Arc<dyn $store>).await;
        })+
    };
}

under_contract!(audit as dyn AuditStore:
    a_new_store_is_empty,
    events_and_rows_come_back_as_they_went_in,
    hashes_survive_any_number,
    chains_are_apart_and_link_under_concurrency,
    one_operation_per_idempotency_key,
    what_does_not_follow_is_refused_and_not_stored,
    one_end_per_operation,
    times_of_an_operation_never_go_back,
    rows_are_listed_by_what_is_asked,
    the_newest_word_about_a_state_is_found,
);

under_contract!(approvals as dyn ApprovalStore:
    a_plan_has_one_approval,
    what_waits_is_listed_oldest_first,
    a_decision_is_made_once_under_concurrency,
    an_approval_is_spent_once_under_concurrency,
    nothing_else_counts_as_a_decision,
);

const VARIABLE: &str = "DATAMCP_TEST_ALONE";

/// Starts this binary for one test, with a folder.
fn start(test: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("contract::sqlite::{test}")]).env(VARIABLE, folder);
    crate::alone::spawn(command.stdout(Stdio::piped()))
}

fn passes(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The folder, in a process that was started for one test.
fn told() -> Option<std::path::PathBuf> {
    std::env::var_os(VARIABLE).map(Into::into)
}

#[test]
fn faults_17_18_leases_keep_the_contract() {
    let state = tempfile::tempdir().unwrap();
    passes(start("alone_leases", state.path()));
}

/// One test in one process: see the head of this file. Does nothing when run with the others.
#[tokio::test]
async fn alone_leases() {
    let Some(folder) = told() else { return };
    macro_rules! run {
        ($($name:ident),+) => {
            $({
                let state = folder.join(stringify!($name));
                leases::$name(&|| Arc::new(Sqlite::new(&state)) as Arc<dyn LeaseStore>).await;
            })+
        };
    }
    run!(
        one_holder_at_a_time,
        a_loser_learns_who_holds_it,
        an_old_or_foreign_fence_does_nothing,
        a_dead_holder_is_abandoned,
        a_blocked_key_stays_blocked,
        a_dead_holders_claim_can_be_blocked
    );
    a_child_keeps_the_lock_of_a_dead_holder(&folder.join("dead")).await;
    a_child_keeps_a_blocked_key_blocked(&folder.join("blocked")).await;
    a_released_lock_is_free_whatever_children_live(&folder.join("released")).await;
    looking_does_not_disturb(&folder.join("looking")).await;
}

fn open(folder: &Path) -> Arc<dyn LeaseStore> {
    Arc::new(Sqlite::new(folder))
}

fn sleeper() -> Child {
    Command::new("sleep").arg("60").spawn().unwrap()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn a_child_keeps_the_lock_of_a_dead_holder(folder: &Path) {
    let (store, dead) = (open(folder), holder());
    granted(&store, &dead).await;
    let child = sleeper();
    drop(store);
    let store = open(folder);
    assert!(store.lease(KEY).await.unwrap().unwrap().alive);
    let answer = store.acquire(KEY, &holder()).await.unwrap();
    assert_eq!(answer, Acquired::Held(dead.clone()));
    let error = store.clear(KEY, dead.operation).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::LockHeld);
    end(child);
    assert!(!store.lease(KEY).await.unwrap().unwrap().alive);
    let answer = store.acquire(KEY, &holder()).await.unwrap();
    assert_eq!(answer, Acquired::Abandoned(dead.clone()));
    store.clear(KEY, dead.operation).await.unwrap();
    assert_eq!(granted(&store, &holder()).await, 2);
}

async fn a_child_keeps_a_blocked_key_blocked(folder: &Path) {
    let (store, me) = (open(folder), holder());
    granted(&store, &me).await;
    let child = sleeper();
    store.block(KEY, &blocked(me.operation)).await.unwrap();
    assert!(store.lease(KEY).await.unwrap().unwrap().alive);
    let error = store.unblock(KEY, me.operation).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::EnvironmentBlocked);
    let answer = store.acquire(KEY, &holder()).await.unwrap();
    assert_eq!(answer, Acquired::Blocked(blocked(me.operation)));
    end(child);
    store.unblock(KEY, me.operation).await.unwrap();
    assert_eq!(granted(&store, &holder()).await, 2);
}

async fn a_released_lock_is_free_whatever_children_live(folder: &Path) {
    let (store, me) = (open(folder), holder());
    let fence = granted(&store, &me).await;
    let child = sleeper();
    store.release(KEY, me.operation, fence).await.unwrap();
    assert_eq!(granted(&open(folder), &holder()).await, fence + 1);
    end(child);
}

async fn looking_does_not_disturb(folder: &Path) {
    let looker = open(folder);
    let store = open(folder);
    let looks = tokio::spawn(async move {
        for _ in 0..500 {
            looker.lease(KEY).await.unwrap();
        }
    });
    while !looks.is_finished() {
        let me = holder();
        let fence = granted(&store, &me).await;
        store.release(KEY, me.operation, fence).await.unwrap();
    }
    looks.await.unwrap();
}

#[tokio::test]
async fn promise_5_processes_that_append_at_once_make_one_chain() {
    let state = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4).map(|_| start("alone_appends", state.path())).collect();
    children.into_iter().for_each(passes);
    let store = Sqlite::new(state.path());
    let events = store.events("aws/dev", 0, 1000).await.unwrap();
    assert_eq!(events.len(), 200);
    for (n, pair) in events.windows(2).enumerate() {
        assert_eq!(pair[1].seq, n as u64 + 2);
        assert_eq!(pair[1].prev_hash, pair[0].hash);
    }
}

/// What each of the processes does. Does nothing when run with the others.
#[tokio::test]
async fn alone_appends() {
    let Some(folder) = told() else { return };
    let store = Sqlite::new(folder);
    for _ in 0..50 {
        audit::receive(&store, "aws/dev", 1).await;
    }
}

#[tokio::test]
async fn promise_5_a_log_that_cannot_be_written_says_so_and_is_still_read() {
    let state = tempfile::tempdir().unwrap();
    let store = Sqlite::new(state.path());
    let id = audit::receive(&store, "aws/dev", 1).await;
    let raw = rusqlite::Connection::open(state.path().join("log.db")).unwrap();
    raw.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let end = || audit::event("aws/dev", id, 2, audit::closed(Status::Failed));
    let error = store.append(end()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AuditUnavailable);
    assert!(error.message.contains("locked for more than 5 s"), "{error}");
    assert!(error.next.is_some());
    assert!(store.row(id).await.unwrap().is_some());
    assert_eq!(store.rows(&Query::default()).await.unwrap().rows.len(), 1);
    raw.execute_batch("ROLLBACK").unwrap();
    store.append(end()).await.unwrap();
}

#[tokio::test]
async fn promise_5_a_state_folder_that_cannot_be_made_says_so() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("state");
    std::fs::write(&file, "a file, not a folder").unwrap();
    let store = Sqlite::new(&file);
    let id = datamcp::model::OperationId::fresh();
    let body = audit::received(serde_json::json!({}), None);
    let error = store.append(audit::event("aws/dev", id, 1, body)).await;
    assert_eq!(error.unwrap_err().code, ErrorCode::AuditUnavailable);
    let error = store.acquire(KEY, &holder()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AuditUnavailable);
}
