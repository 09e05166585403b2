//! Of sealed plans.

use super::*;
use crate::model::{
    Binding, ChangeSet, Digest, Intent, Meaning, OperationId, Principal, StateVersion, Target,
    TerraformFacts,
};

fn record(expires: i64) -> PlanRecord {
    let digest = Digest::of("x");
    PlanRecord {
        id: PlanId::fresh(),
        operation: OperationId::fresh(),
        tool: "apply_terraform".into(),
        intent: Intent::Apply,
        binding: Binding {
            plan_file: digest.clone(),
            plan_json: digest.clone(),
            target: Target::Unbound,
            environment: digest.clone(),
            account: "123456789012".into(),
            requester: Principal("os:me".into()),
            meaning: Meaning::Terraform(TerraformFacts {
                workspace: "default".into(),
                backend: "local:/x".into(),
                state: StateVersion::default(),
                terraform: "terraform 1.11.4".into(),
                providers: digest.clone(),
                tree: digest.clone(),
                variables: digest,
                seen: std::collections::BTreeMap::new(),
            }),
        },
        changes: ChangeSet::default(),
        text: String::new(),
        created: Timestamp::UNIX_EPOCH,
        expires: Timestamp::from_second(expires).unwrap(),
        made: None,
        own: Map::new(),
        variables: Map::new(),
        secrets: vec!["canary".into()],
    }
}

#[tokio::test]
async fn a_plan_is_kept_sealed_and_comes_back() {
    let state = tempfile::tempdir().unwrap();
    let plans = FilePlans::new(state.path());
    let kept = record(100);
    plans.put(&kept, b"canary in the plan").await.unwrap();
    assert_eq!(plans.record(kept.id).await.unwrap().unwrap(), kept);
    assert_eq!(plans.file(kept.id).await.unwrap(), b"canary in the plan");
    assert!(plans.put(&kept, b"other").await.is_err());
    for name in [RECORD, FILE] {
        let bytes = std::fs::read(plans.at(kept.id).join(name)).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"canary"));
    }
}

#[tokio::test]
async fn fault_37_a_flipped_byte_and_another_plans_file_are_refused() {
    let state = tempfile::tempdir().unwrap();
    let plans = FilePlans::new(state.path());
    let (one, two) = (record(100), record(100));
    plans.put(&one, b"one").await.unwrap();
    plans.put(&two, b"two").await.unwrap();
    let file = plans.at(one.id).join(FILE);
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 0x40;
        std::fs::write(&file, bad).unwrap();
        let error = plans.file(one.id).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ApprovalMismatch, "byte {at}");
        assert_eq!(error.details["changed"], json!(["plan file"]));
    }
    std::fs::copy(plans.at(two.id).join(RECORD), plans.at(one.id).join(RECORD)).unwrap();
    let error = plans.record(one.id).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ApprovalMismatch);
}

#[tokio::test]
async fn fault_39_a_burnt_plan_is_told_apart_from_an_unknown_one() {
    let state = tempfile::tempdir().unwrap();
    let plans = FilePlans::new(state.path());
    let kept = record(100);
    plans.put(&kept, b"x").await.unwrap();
    plans.burn(kept.id).await.unwrap();
    plans.burn(kept.id).await.unwrap();
    assert_eq!(plans.file(kept.id).await.unwrap_err().code, ErrorCode::ApprovalUsed);
    assert!(plans.record(kept.id).await.unwrap().is_some());
    let unknown = PlanId::fresh();
    assert_eq!(plans.file(unknown).await.unwrap_err().code, ErrorCode::InvalidRequest);
    assert!(plans.record(unknown).await.unwrap().is_none());
    plans.burn(unknown).await.unwrap();
}

#[tokio::test]
async fn what_expired_is_swept() {
    let state = tempfile::tempdir().unwrap();
    let plans = FilePlans::new(state.path());
    let now = Timestamp::from_second(100).unwrap();
    assert_eq!(plans.sweep(now).await.unwrap(), 0);
    let (old, burnt, young) = (record(99), record(98), record(100));
    for plan in [&old, &burnt, &young] {
        plans.put(plan, b"x").await.unwrap();
    }
    plans.burn(burnt.id).await.unwrap();
    assert_eq!(plans.sweep(now).await.unwrap(), 1, "the burnt one has no file any more");
    assert!(!plans.at(old.id).join(FILE).exists());
    for known in [&old, &burnt, &young] {
        assert!(
            plans.record(known.id).await.unwrap().is_some(),
            "expired is told apart from unknown"
        );
    }
    assert_eq!(plans.sweep(now + REMEMBERED).await.unwrap(), 1);
    assert!(!plans.at(old.id).exists() && !plans.at(burnt.id).exists());
}

#[tokio::test]
async fn variables_are_kept_by_place() {
    let state = tempfile::tempdir().unwrap();
    let plans = FilePlans::new(state.path());
    assert_eq!(plans.kept_variables("aws/dev/default").await.unwrap(), None);
    let vars = |n: i64| Map::from_iter([("canary".to_owned(), json!(n))]);
    for (place, n) in [("aws/dev/default", 1), ("aws/dev/Default", 2), ("aws/dev/default", 3)] {
        plans.keep_variables(place, &vars(n)).await.unwrap();
    }
    for (place, n) in [("aws/dev/default", 3), ("aws/dev/Default", 2)] {
        assert_eq!(plans.kept_variables(place).await.unwrap(), Some(vars(n)));
    }
    let file = plans.place("variables", "aws/dev/default");
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(6).any(|w| w == b"canary"));
    std::fs::write(&file, &bytes[1..]).unwrap();
    assert!(plans.kept_variables("aws/dev/default").await.is_err());
}
