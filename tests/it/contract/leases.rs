//! What every lease store promises. Dropping what `open` gave is the death of its process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use datamcp::error::ErrorCode;
use datamcp::lock::{Acquired, Blocked, Holder, LeaseStore};
use datamcp::model::OperationId;

use super::{OpenLeases, at};

pub(crate) const KEY: &str = "aws/dev";

pub(crate) fn holder() -> Holder {
    Holder {
        operation: OperationId::fresh(),
        tool: "apply_terraform".into(),
        user: "ada".into(),
        place: "host:1".into(),
        since: at(1),
    }
}

pub(crate) fn blocked(operation: OperationId) -> Blocked {
    Blocked { operation, reason: "nobody saw the end".into(), since: at(2) }
}

pub(crate) async fn granted(store: &Arc<dyn LeaseStore>, holder: &Holder) -> u64 {
    match store.acquire(KEY, holder).await.unwrap() {
        Acquired::Granted(fence) => fence,
        other => panic!("{other:?}"),
    }
}

/// Fault 17: a thousand tries at once, one winner at a time; the loser learns who holds it.
pub(crate) async fn one_holder_at_a_time(open: OpenLeases<'_>) {
    let (inside, highest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let (wins, tries) = (Arc::new(AtomicUsize::new(0)), 1000);
    let stores: Vec<_> = (0..8).map(|_| open()).collect();
    let tasks: Vec<_> = (0..tries)
        .map(|n| {
            let store = Arc::clone(&stores[n % stores.len()]);
            let (inside, highest, wins) =
                (Arc::clone(&inside), Arc::clone(&highest), Arc::clone(&wins));
            tokio::spawn(async move {
                let me = holder();
                match store.acquire(KEY, &me).await {
                    Ok(Acquired::Granted(fence)) => {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                        let before = highest.swap(fence, Ordering::SeqCst);
                        assert!(fence > before, "fence {fence} after {before}");
                        store.check(KEY, me.operation, fence).await.unwrap();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        store.release(KEY, me.operation, fence).await.unwrap();
                        wins.fetch_add(1, Ordering::SeqCst);
                    }
                    Ok(Acquired::Held(other)) => assert_ne!(other.operation, me.operation),
                    // Between two holders nobody is named.
                    Err(error) => assert_eq!(error.code, ErrorCode::LockHeld, "{error}"),
                    Ok(other) => panic!("{other:?}"),
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let wins = wins.load(Ordering::SeqCst);
    assert!(wins > 0);
    let row = open().lease(KEY).await.unwrap().unwrap();
    assert_eq!(row.fence, wins as u64, "one fence a grant");
    assert_eq!((row.holder, row.alive, row.blocked), (None, false, None));
}

pub(crate) async fn a_loser_learns_who_holds_it(open: OpenLeases<'_>) {
    let (one, two) = (open(), open());
    assert_eq!(two.lease(KEY).await.unwrap(), None);
    let first = holder();
    let fence = granted(&one, &first).await;
    assert_eq!(fence, 1);
    for store in [&one, &two] {
        let answer = store.acquire(KEY, &holder()).await.unwrap();
        assert_eq!(answer, Acquired::Held(first.clone()));
        let row = store.lease(KEY).await.unwrap().unwrap();
        assert!(row.alive);
        assert_eq!(row.holder, Some(first.clone()));
    }
    let again = one.acquire(KEY, &first).await.unwrap_err();
    assert!(again.message.contains("already"), "{}", again.message);
    let Acquired::Granted(1) = two.acquire("aws/prod", &holder()).await.unwrap() else {
        panic!("keys are apart");
    };
    let keys: Vec<_> = one.leases().await.unwrap().into_iter().map(|l| l.0).collect();
    assert_eq!(keys, ["aws/dev", "aws/prod"]);
    one.release(KEY, first.operation, fence).await.unwrap();
    assert_eq!(granted(&two, &holder()).await, 2);
}

pub(crate) async fn an_old_or_foreign_fence_does_nothing(open: OpenLeases<'_>) {
    let (store, me) = (open(), holder());
    let old = granted(&store, &me).await;
    store.check(KEY, me.operation, old).await.unwrap();
    store.release(KEY, me.operation, old).await.unwrap();
    store.release(KEY, me.operation, old).await.unwrap();
    let error = store.check(KEY, me.operation, old).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::LockHeld);
    let stranger = store.release(KEY, OperationId::fresh(), old).await;
    assert!(stranger.is_err());

    let new = granted(&store, &me).await;
    assert!(new > old);
    for (operation, fence) in
        [(me.operation, old), (me.operation, new + 1), (OperationId::fresh(), new)]
    {
        let check = store.check(KEY, operation, fence).await.unwrap_err();
        assert_eq!(check.code, ErrorCode::LockHeld);
        let release = store.release(KEY, operation, fence).await.unwrap_err();
        assert_eq!(release.code, ErrorCode::LockHeld);
    }
    store.check(KEY, me.operation, new).await.unwrap();
    let elsewhere = open().release(KEY, me.operation, new).await.unwrap_err();
    assert_eq!(elsewhere.code, ErrorCode::LockHeld);
    assert!(store.check("aws/never", me.operation, 1).await.is_err());
}

/// A dead holder is told, never taken over; the same operation (fault 18: its answer was lost) goes on.
pub(crate) async fn a_dead_holder_is_abandoned(open: OpenLeases<'_>) {
    let dead = holder();
    {
        let store = open();
        assert_eq!(granted(&store, &dead).await, 1);
    }
    let store = open();
    let row = store.lease(KEY).await.unwrap().unwrap();
    assert_eq!((row.alive, row.holder), (false, Some(dead.clone())));
    for _ in 0..3 {
        let answer = store.acquire(KEY, &holder()).await.unwrap();
        assert_eq!(answer, Acquired::Abandoned(dead.clone()));
    }
    let other = store.clear(KEY, OperationId::fresh()).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::LockHeld);
    store.clear(KEY, dead.operation).await.unwrap();
    store.clear(KEY, dead.operation).await.unwrap();
    let next = holder();
    assert_eq!(granted(&store, &next).await, 2);
    let alive = open().clear(KEY, next.operation).await.unwrap_err();
    assert_eq!(alive.code, ErrorCode::LockHeld);
    drop(store);
    assert_eq!(granted(&open(), &next).await, 3);
}

/// Promise 6: an unknown end blocks until a person has reconciled.
pub(crate) async fn a_blocked_key_stays_blocked(open: OpenLeases<'_>) {
    let (store, me) = (open(), holder());
    let fence = granted(&store, &me).await;
    let foreign = blocked(OperationId::fresh());
    let error = store.block(KEY, &foreign).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::LockHeld);
    let why = blocked(me.operation);
    store.block(KEY, &why).await.unwrap();
    store.block(KEY, &why).await.unwrap();
    assert!(store.check(KEY, me.operation, fence).await.is_err());
    for who in [&holder(), &me] {
        let answer = open().acquire(KEY, who).await.unwrap();
        assert_eq!(answer, Acquired::Blocked(why.clone()));
    }
    let row = store.lease(KEY).await.unwrap().unwrap();
    assert_eq!((row.fence, row.holder, row.alive), (fence, None, false));
    assert_eq!(row.blocked, Some(why));
    let error = store.unblock(KEY, foreign.operation).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::EnvironmentBlocked);
    store.unblock(KEY, me.operation).await.unwrap();
    assert_eq!(granted(&store, &holder()).await, fence + 1);
}

pub(crate) async fn a_dead_holders_claim_can_be_blocked(open: OpenLeases<'_>) {
    let dead = holder();
    granted(&open(), &dead).await;
    let store = open();
    store.block(KEY, &blocked(dead.operation)).await.unwrap();
    let answer = store.acquire(KEY, &holder()).await.unwrap();
    assert_eq!(answer, Acquired::Blocked(blocked(dead.operation)));
    store.unblock(KEY, dead.operation).await.unwrap();
    assert_eq!(granted(&store, &holder()).await, 2);
    store.block("aws/new", &blocked(dead.operation)).await.unwrap();
    store.unblock("aws/new", dead.operation).await.unwrap();
    let answer = store.acquire("aws/new", &holder()).await.unwrap();
    assert_eq!(answer, Acquired::Granted(1));
}
