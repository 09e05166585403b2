//! What every approval store promises.

use datamcp::approval::{ApprovalRecord, ApprovalState, Channel, Evidence};
use datamcp::model::{ApprovalId, Digest, OperationId, PlanId, Principal, Target};

use super::{OpenApprovals, at};

fn record(created: i64, expires: i64) -> ApprovalRecord {
    ApprovalRecord {
        id: ApprovalId::fresh(),
        plan: PlanId::fresh(),
        digest: Digest::of("x"),
        tool: "apply_terraform".into(),
        target: Target::Unbound,
        requester: Principal("ada".into()),
        requester_os_user: "ada".into(),
        text: "adds \"one\" thing\n".into(),
        typed_name: true,
        created: at(created),
        expires: at(expires),
        state: ApprovalState::Requested,
    }
}

fn evidence(by: &str) -> Evidence {
    Evidence {
        approver: by.into(),
        os_user: by.into(),
        channel: Channel::Terminal,
        place: "tty1".into(),
        statement: None,
        typed_name: true,
        at: at(5),
    }
}

pub(crate) async fn a_plan_has_one_approval(open: OpenApprovals<'_>) {
    let store = open();
    let first = record(1, 100);
    assert_eq!(store.approval(first.id).await.unwrap(), None);
    assert_eq!(store.for_plan(first.plan).await.unwrap(), None);
    assert_eq!(store.request(&first).await.unwrap(), first);
    let second = ApprovalRecord { plan: first.plan, ..record(2, 200) };
    assert_eq!(open().request(&second).await.unwrap(), first);
    assert_eq!(open().approval(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.for_plan(first.plan).await.unwrap(), Some(first));
    assert_eq!(store.approval(second.id).await.unwrap(), None);
}

pub(crate) async fn what_waits_is_listed_oldest_first(open: OpenApprovals<'_>) {
    let store = open();
    let (late, early, granted) = (record(3, 100), record(1, 100), record(2, 100));
    let (old, rejected, spent) = (record(1, 10), record(1, 100), record(1, 100));
    for r in [&late, &early, &granted, &old, &rejected, &spent] {
        store.request(r).await.unwrap();
    }
    for id in [granted.id, spent.id] {
        let state = ApprovalState::Granted(evidence("bob"));
        assert!(store.decide(id, &state).await.unwrap());
    }
    let state = ApprovalState::Rejected(evidence("bob"));
    assert!(store.decide(rejected.id, &state).await.unwrap());
    assert!(store.spend(spent.id, OperationId::fresh()).await.unwrap());
    let ids = |list: Vec<ApprovalRecord>| list.into_iter().map(|r| r.id).collect::<Vec<_>>();
    let open_at = |second| store.open(at(second));
    assert_eq!(ids(open_at(10).await.unwrap()), [early.id, granted.id, late.id]);
    assert_eq!(ids(open_at(9).await.unwrap()).len(), 4);
    assert!(open_at(100).await.unwrap().is_empty());
}

pub(crate) async fn a_decision_is_made_once_under_concurrency(open: OpenApprovals<'_>) {
    let asked = record(1, 100);
    open().request(&asked).await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (store, id) = (open(), asked.id);
            let evidence = evidence(&format!("p{n}"));
            let state = if n % 2 == 0 {
                ApprovalState::Granted(evidence)
            } else {
                ApprovalState::Rejected(evidence)
            };
            tokio::spawn(async move { (store.decide(id, &state).await.unwrap(), state) })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        if let (true, state) = task.await.unwrap() {
            made.push(state);
        }
    }
    assert_eq!(made.len(), 1);
    let stored = open().approval(asked.id).await.unwrap().unwrap();
    assert_eq!(Some(stored.state), made.pop());
}

/// Fault 39: fifty that want to spend one approval at once; one does.
pub(crate) async fn an_approval_is_spent_once_under_concurrency(open: OpenApprovals<'_>) {
    let asked = record(1, 100);
    let store = open();
    store.request(&asked).await.unwrap();
    let early = store.spend(asked.id, OperationId::fresh()).await.unwrap();
    assert!(!early, "nobody granted it yet");
    let state = ApprovalState::Granted(evidence("bob"));
    assert!(store.decide(asked.id, &state).await.unwrap());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (store, id, operation) = (open(), asked.id, OperationId::fresh());
            tokio::spawn(async move { (store.spend(id, operation).await.unwrap(), operation) })
        })
        .collect();
    let mut spent = Vec::new();
    for task in tasks {
        if let (true, operation) = task.await.unwrap() {
            spent.push(operation);
        }
    }
    let [operation] = spent.as_slice() else {
        panic!("{spent:?}");
    };
    let stored = store.approval(asked.id).await.unwrap().unwrap();
    let want = ApprovalState::Spent { operation: *operation, evidence: evidence("bob") };
    assert_eq!(stored.state, want);
    assert!(!store.decide(asked.id, &state).await.unwrap());
}

/// Promise 3: only a decision decides, and only about what was asked.
pub(crate) async fn nothing_else_counts_as_a_decision(open: OpenApprovals<'_>) {
    let store = open();
    let asked = record(1, 100);
    store.request(&asked).await.unwrap();
    let spent = ApprovalState::Spent { operation: OperationId::fresh(), evidence: evidence("eve") };
    for state in [spent, ApprovalState::Requested] {
        assert!(store.decide(asked.id, &state).await.is_err());
    }
    let unknown = ApprovalId::fresh();
    let state = ApprovalState::Granted(evidence("bob"));
    assert!(store.decide(unknown, &state).await.is_err());
    assert!(!store.spend(unknown, OperationId::fresh()).await.unwrap());
    let state = ApprovalState::Rejected(evidence("bob"));
    assert!(store.decide(asked.id, &state).await.unwrap());
    assert!(!store.spend(asked.id, OperationId::fresh()).await.unwrap());
}
