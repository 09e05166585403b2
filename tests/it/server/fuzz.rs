//! Any request whatever: understood or refused, never a panic, and what is refused says which field.

use datamcp::error::ErrorCode;
use datamcp::model::{
    Action, ChangeSet, Digest, Effect, EnvironmentKey, Principal, ResourceChange, Role, Target,
    Tier,
};
use datamcp::operation::get_operation::GetOperationRequest;
use datamcp::operation::list_operations::ListOperationsRequest;
use datamcp::operation::{Kind, catalog, request, strict};
use datamcp::policy::{Facts, Verdict, Wish, evaluate};
use proptest::prelude::*;
use serde_json::Value;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        prop_oneof!["aws", "dev", "-x", "../x"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,10}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Requests that mostly use known fields, so that reading gets further than the first unknown one.
fn arguments() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec![
        "cloud",
        "env",
        "workspace",
        "vars",
        "dry_run",
        "auto_approve",
        "plan_id",
        "wait_s",
        "idempotency_key",
        "id",
        "limit",
        "cursor",
        "since",
        "user",
        "tool",
        "status",
        "log_cursor",
    ]);
    let name = prop_oneof![9 => known.prop_map(str::to_owned), 1 => ".{0,12}"];
    prop::collection::vec((name, json()), 0..5)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn refusal_is_clear(error: &datamcp::error::Error) {
    let known = [ErrorCode::InvalidRequest, ErrorCode::UnknownEnvironment];
    assert!(known.contains(&error.code), "{error:?}");
    assert!(error.field.is_some() && !error.message.is_empty(), "{error:?}");
    assert!(error.given.as_ref().is_none_or(|given| given.chars().count() <= 201), "{error:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn promise_8_any_request_is_understood_or_refused(request in prop_oneof![arguments(), json()]) {
        for tool in catalog::TOOLS {
            let Kind::Write(work) = tool.kind else { continue };
            match work.parse(&request) {
                // Nothing but an explicit false makes it real.
                Ok(ask) => prop_assert_eq!(ask.terms.dry_run, request.get("dry_run") != Some(&Value::Bool(false))),
                Err(error) => refusal_is_clear(&error),
            }
        }
        if let Err(error) = request::read::<GetOperationRequest>(&request) { refusal_is_clear(&error); }
        if let Err(error) = request::read::<ListOperationsRequest>(&request) { refusal_is_clear(&error); }
    }

    #[test]
    fn bad_inputs_37_to_40_any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9eE.\\\\udnaN ]{0,60}|.{0,60}") {
        match strict::parse(&text) {
            Ok(value) => prop_assert_eq!(&strict::parse(&value.to_string()).unwrap(), &value),
            Err(error) => refusal_is_clear(&error),
        }
    }

    #[test]
    fn promise_3_the_flag_covers_only_what_tier_and_role_both_allow(
        allowed in prop::collection::btree_set(prop::sample::select(Action::ALL.to_vec()), 0..4),
        planned in prop::collection::vec(prop::sample::select(Action::ALL.to_vec()), 0..5),
        roles in prop::collection::btree_set(prop::sample::select(vec![
            Role::Read, Role::Plan, Role::Change, Role::Destroy, Role::Admin,
        ]), 0..3),
        protected in any::<bool>(),
        outputs in any::<bool>(),
        same_account in any::<bool>(),
        effect in prop::sample::select(vec![Effect::Change, Effect::Destroy]),
    ) {
        let tier = Tier {
            name: "t".into(),
            auto_approve: allowed.iter().copied().collect(),
            approvers: vec![],
            approver_other_than_requester: false,
            mfa: false,
            typed_name: false,
            max_delete: None,
            protected: if protected { vec!["kind".into()] } else { vec![] },
        };
        let resources = planned.iter().map(|action| ResourceChange {
            address: "kind.it".into(), kind: "kind".into(), action: *action,
        }).collect();
        let changes = ChangeSet { resources, outputs: if outputs { vec!["o".into()] } else { vec![] }, ..ChangeSet::default() };
        let (principal, digest) = (Principal("p".into()), Digest::of("x"));
        let target = Target::Environment(EnvironmentKey { cloud: datamcp::model::Cloud::Aws, name: "dev".into() });
        let decision = evaluate(&Facts {
            wish: Wish { principal: &principal, roles: &roles, effect, dry_run: false },
            tier: &tier,
            target: &target,
            changes: &changes,
            digest: &digest,
            account: if same_account { "1" } else { "2" },
            expected_account: "1",
        });
        let takes_away = |a: &Action| matches!(a, Action::Replace | Action::Delete);
        let change = roles.iter().any(|r| matches!(r, Role::Change | Role::Destroy | Role::Admin));
        let destroy = roles.iter().any(|r| matches!(r, Role::Destroy | Role::Admin));
        let inside = changes.actions().iter().all(|a| {
            allowed.contains(a) && if takes_away(a) { destroy } else { change }
        });
        let loses = protected && planned.iter().any(takes_away);
        let may = inside && same_account && !loses;
        if *decision.verdict() == Verdict::AutoApprovable {
            prop_assert!(may, "{:?} {:?} {:?}", allowed, planned, roles);
        }
        prop_assert_eq!(decision.self_approve(true).is_some(), *decision.verdict() == Verdict::AutoApprovable);
        prop_assert!(decision.self_approve(false).is_none());
    }
}
