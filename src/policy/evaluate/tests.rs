//! Promises 1 and 3: who may ask, who may decide. Security rows 5, 19 and 21.

use super::*;
use crate::model::{Cloud, Digest, EnvironmentKey, Principal, ResourceChange, Target, Tier};

fn tier(auto: &[Action]) -> Tier {
    Tier {
        name: "dev".into(),
        auto_approve: auto.to_vec(),
        approvers: vec![],
        approver_other_than_requester: false,
        mfa: false,
        typed_name: false,
        max_delete: Some(3),
        protected: vec!["aws_db_instance".into()],
    }
}

fn changes(actions: &[(Action, &str)]) -> ChangeSet {
    ChangeSet {
        resources: actions
            .iter()
            .enumerate()
            .map(|(i, (action, kind))| ResourceChange {
                address: format!("{kind}.r{i}"),
                kind: (*kind).into(),
                action: *action,
            })
            .collect(),
        ..ChangeSet::default()
    }
}

fn decide(
    roles: &[Role],
    effect: Effect,
    tier: &Tier,
    changes: &ChangeSet,
    account: &str,
) -> Verdict {
    let roles = roles.iter().copied().collect();
    let principal = Principal("agent".into());
    let target = Target::Environment(EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() });
    let digest = Digest::of("x");
    evaluate(&Facts {
        wish: Wish { principal: &principal, roles: &roles, effect, dry_run: false },
        tier,
        target: &target,
        changes,
        digest: &digest,
        account,
        expected_account: "123456789012",
    })
    .verdict()
    .clone()
}

const ACCOUNT: &str = "123456789012";

#[test]
fn promise_3_auto_approve_needs_tier_and_role() {
    let create = changes(&[(Action::Create, "aws_vpc")]);
    let delete = changes(&[(Action::Delete, "aws_vpc")]);
    let all = tier(&Action::ALL);
    assert_eq!(
        decide(&[Role::Change], Effect::Change, &all, &create, ACCOUNT),
        Verdict::AutoApprovable
    );
    assert!(matches!(
        decide(&[Role::Change], Effect::Change, &all, &delete, ACCOUNT),
        Verdict::NeedsPerson(_)
    ));
    assert_eq!(
        decide(&[Role::Destroy], Effect::Change, &all, &delete, ACCOUNT),
        Verdict::AutoApprovable
    );
    assert!(matches!(
        decide(&[Role::Admin], Effect::Change, &tier(&[]), &create, ACCOUNT),
        Verdict::NeedsPerson(_)
    ));
}

#[test]
fn security_5_the_flag_counts_only_where_the_policy_says_so() {
    let roles = BTreeSet::from([Role::Change]);
    let principal = Principal("agent".into());
    let target = Target::Environment(EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() });
    let digest = Digest::of("x");
    for (auto, flag, runs) in [(true, true, true), (true, false, false), (false, true, false)] {
        let tier = tier(if auto { &[Action::Create] } else { &[] });
        let changes = changes(&[(Action::Create, "aws_vpc")]);
        let decision = evaluate(&Facts {
            wish: Wish {
                principal: &principal,
                roles: &roles,
                effect: Effect::Change,
                dry_run: false,
            },
            tier: &tier,
            target: &target,
            changes: &changes,
            digest: &digest,
            account: ACCOUNT,
            expected_account: ACCOUNT,
        });
        assert_eq!(decision.self_approve(flag).is_some(), runs, "tier {auto}, flag {flag}");
    }
}

#[test]
fn security_19_another_account_is_refused() {
    let verdict =
        decide(&[Role::Admin], Effect::Change, &tier(&Action::ALL), &changes(&[]), "999999999999");
    assert!(matches!(verdict, Verdict::Deny(e) if e.code == ErrorCode::WrongIdentity));
}

#[test]
fn security_21_blast_radius_and_protected_types() {
    let all = tier(&Action::ALL);
    let many = changes(&[(Action::Delete, "aws_vpc"); 4]);
    assert!(
        matches!(decide(&[Role::Admin], Effect::Destroy, &all, &many, ACCOUNT), Verdict::Deny(e) if e.code == ErrorCode::PolicyDenied)
    );
    let database = changes(&[(Action::Replace, "aws_db_instance")]);
    assert!(
        matches!(decide(&[Role::Admin], Effect::Change, &all, &database, ACCOUNT), Verdict::NeedsPerson(o) if o.typed_name)
    );
}

#[test]
fn roles_decide_what_may_be_asked_for() {
    let principal = Principal("agent".into());
    for (role, effect, dry_run, allowed) in [
        (Role::Read, Effect::Read, false, true),
        (Role::Read, Effect::Change, true, false),
        (Role::Plan, Effect::Destroy, true, true),
        (Role::Plan, Effect::Change, false, false),
        (Role::Change, Effect::Change, false, true),
        (Role::Change, Effect::Destroy, false, false),
        (Role::Destroy, Effect::Destroy, false, true),
    ] {
        let roles = BTreeSet::from([role]);
        let wish = Wish { principal: &principal, roles: &roles, effect, dry_run };
        assert_eq!(admit(&wish).is_ok(), allowed, "{role:?} {effect:?} {dry_run}");
    }
}
