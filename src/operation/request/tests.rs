//! Bad inputs 8 to 11, 19, 20 and 47.

use serde_json::json;

use super::*;
use crate::operation::apply_terraform::ApplyRequest;

fn error(request: &Value) -> Error {
    read_change::<ApplyRequest>(request).unwrap_err()
}

#[test]
fn bad_input_8_unknown_fields_are_named_with_a_suggestion() {
    let error = error(&json!({ "cloud": "aws", "enviroment": "dev" }));
    assert_eq!(error.field.as_deref(), Some("enviroment"));
    assert!(error.allowed.unwrap().contains("env"));
    let wokspace = read_change::<ApplyRequest>(&json!({ "wokspace": "x" })).unwrap_err();
    assert_eq!(wokspace.next.as_deref(), Some("did you mean workspace"));
}

#[test]
fn bad_inputs_41_to_45_terraform_options_are_unknown_fields() {
    for (number, field) in [
        (41, "target"),
        (42, "target"),
        (43, "parallelism"),
        (44, "parallelism"),
        (45, "parallelism"),
    ] {
        assert_eq!(
            error(&json!({ field: "x" })).code,
            ErrorCode::InvalidRequest,
            "bad input {number}"
        );
    }
}

#[test]
fn bad_inputs_9_and_11_types_are_never_coerced() {
    for (number, value) in [(9, json!("false")), (11, json!(0))] {
        let error = error(&json!({ "cloud": "aws", "env": "dev", "dry_run": value }));
        assert_eq!(error.field.as_deref(), Some("dry_run"), "bad input {number}");
        assert_eq!(
            error.given.as_deref(),
            Some(value.to_string().as_str().replace('"', "\\\"").as_str())
        );
    }
}

#[test]
fn bad_input_10_null_stays_a_dry_run_and_says_so() {
    let request = json!({ "dry_run": null });
    let (terms, notes) = RawTerms::default().check(&request).unwrap();
    assert!(terms.dry_run);
    assert!(notes.first().is_some_and(|n| n.contains("null")));
}

#[test]
fn promise_1_dry_run_unless_told_otherwise() {
    let (terms, _) = RawTerms::default().check(&json!({})).unwrap();
    assert!(terms.dry_run && !terms.auto_approve);
}

#[test]
fn bad_inputs_19_and_20_plan_ids() {
    for text in [
        "../../x".to_owned(),
        "x".repeat(10_240),
        "0198F2C4-0000-7000-8000-000000000000".to_owned(),
    ] {
        let terms = RawTerms { plan_id: Some(text), ..RawTerms::default() };
        let error = terms.check(&json!({})).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("plan_id"));
        assert!(error.given.unwrap().chars().count() <= 201);
    }
}

#[test]
fn cloud_and_env_are_needed_unless_a_plan_says_them() {
    assert_eq!(key(Some(Cloud::Aws), None, None).unwrap_err().field.as_deref(), Some("env"));
    assert_eq!(key(None, Some("dev".into()), None).unwrap_err().field.as_deref(), Some("cloud"));
    assert_eq!(key(None, None, Some(PlanId::fresh())).unwrap(), None);
}
