//! Failures of terraform, as recorded or as written down from its sources, and what becomes of them.

use super::super::report::Report;
use super::super::stream::Parser;
use super::*;

fn recorded(text: &str) -> Error {
    let (mut report, mut parser) = (Report::default(), Parser::default());
    parser.push(text.as_bytes(), &mut |p| report.take(p));
    classify("planning aws/dev", &report.diagnostics)
}

#[test]
fn fault_29_a_held_state_lock_names_its_holder() {
    let error = recorded(include_str!("../../../../fixtures/terraform/lock_held/plan.jsonl"));
    assert_eq!(error.code, ErrorCode::LockHeld);
    assert!(
        error.message.contains("deploy@host holds the state lock for OperationTypeApply"),
        "{error}"
    );
    assert!(error.details["state_lock"]["id"].as_str().unwrap().len() == 36);
    assert!(!error.details["diagnostics"].to_string().contains("-lock=false"), "no way around");
    assert!(!error.next.unwrap().contains("force"));
}

#[test]
fn fault_29_a_lock_that_the_gcs_backend_meets_at_init_names_its_holder() {
    let found = Diagnostic {
        error: true,
        summary: "Error loading state: writing \"gs://b/dev/default.tflock\" failed: googleapi: Error 412: Precondition \
                  failed, conditionNotMet\nLock Info:\n  ID:        1795410316051478\n  Path:      \n  Operation: init\n  \
                  Who:       mira@desk\n  Created:   2026-11-22 10:00:00 +0000 UTC\n"
            .into(),
        ..Diagnostic::default()
    };
    let error = classify("initialising gcp/dev", &[found]);
    assert_eq!(error.code, ErrorCode::LockHeld);
    assert!(error.message.contains("mira@desk holds the state lock for init"), "{error}");
    assert_eq!(error.details["state_lock"]["id"], "1795410316051478");
}

#[test]
fn fault_29_a_lock_that_cannot_be_given_back_is_no_advice_to_force_it() {
    let found = Diagnostic {
        error: true,
        summary: "Error releasing the state lock".into(),
        detail: "Error message: failed to delete the lock file: operation error S3: DeleteObject, https response error \
                 StatusCode: 403, api error AccessDenied: Access Denied\nLock Info:\n  ID: 1\n\nTerraform acquires a \
                 lock.\n\nIn this scenario, please call the \"force-unlock\" command to unlock the\nstate manually."
            .into(),
        ..Diagnostic::default()
    };
    let error = classify("planning aws/dev", &[found]);
    assert_eq!(error.details["action"], "s3:DeleteObject");
    let shown = error.details["diagnostics"].to_string();
    assert!(shown.contains("acquires a lock") && !shown.contains("force"), "{shown}");
}

#[test]
fn fault_36_a_stale_plan() {
    let error = recorded(include_str!("../../../../fixtures/terraform/stale/apply.jsonl"));
    assert_eq!(error.code, ErrorCode::StalePlan);
}

#[test]
fn fault_29_a_locked_workspace_is_not_blamed_on_ourselves() {
    let found = Diagnostic {
        error: true,
        summary: "Error acquiring the state lock".into(),
        detail: "Error message: workspace already locked (lock ID: \"acme/dev\")\nLock Info:\n  ID: 0\n  Who: us@here\n"
            .into(),
        ..Diagnostic::default()
    };
    let error = classify("planning aws/dev", &[found]);
    assert_eq!(error.code, ErrorCode::LockHeld);
    assert!(!error.message.contains("us@here"), "{error}");
    assert!(!error.details.contains_key("state_lock"));
}

fn one(summary: &str, detail: &str) -> ErrorCode {
    let found = Diagnostic {
        error: true,
        summary: summary.into(),
        detail: detail.into(),
        ..Diagnostic::default()
    };
    classify("planning", &[found]).code
}

#[test]
fn codes_by_summary() {
    assert_eq!(one("Inconsistent dependency lock file", ""), ErrorCode::ToolMissing);
    assert_eq!(one("Unsupported Terraform Core version", ""), ErrorCode::ToolMissing);
    assert_eq!(
        one("creating S3 Bucket", "StatusCode: 403, AccessDenied"),
        ErrorCode::UpstreamDenied
    );
    assert_eq!(one("something new", ""), ErrorCode::UpstreamFailed);
}

#[test]
fn fault_33_failures_of_a_bucket_of_google_have_their_own_errors() {
    let failed = |address: Option<&str>, summary: &str| {
        let found = Diagnostic {
            error: true,
            summary: summary.into(),
            address: address.map(str::to_owned),
            ..Diagnostic::default()
        };
        classify("initialising gcp/dev", &[found])
    };
    let gone = "Failed to get existing workspaces: querying Cloud Storage failed: storage: bucket doesn't exist";
    let error = failed(None, gone);
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    assert_eq!(error.field.as_deref(), Some("state.bucket"));
    let closed = "querying Cloud Storage failed: googleapi: Error 403: me@example.com does not have \
                  storage.objects.list access to the Google Cloud Storage bucket., forbidden";
    let error = failed(None, closed);
    assert_eq!(error.code, ErrorCode::UpstreamDenied);
    assert_eq!(error.details["permission"], "storage.objects.list");
    assert!(error.next.unwrap().contains("storage.objects.list"));
    let resource = failed(Some("google_storage_bucket.x"), gone);
    assert_eq!(resource.field, None, "a resource's bucket is another one");
}

#[test]
fn fault_33_each_failure_of_the_states_bucket_has_its_own_error() {
    let failed = |address: Option<&str>, detail: &str| {
        let found = Diagnostic {
            error: true,
            summary: "Failed to get existing workspaces".into(),
            detail: format!("operation error S3: ListObjectsV2, {detail}"),
            address: address.map(str::to_owned),
            ..Diagnostic::default()
        };
        classify("initialising aws/dev", &[found])
    };
    for (detail, code, field) in [
        ("StatusCode: 404, NoSuchBucket", ErrorCode::InvalidRequest, Some("state.bucket")),
        ("StatusCode: 301, PermanentRedirect", ErrorCode::InvalidRequest, Some("state.region")),
        ("StatusCode: 403, AccessDenied", ErrorCode::UpstreamDenied, None),
        ("StatusCode: 500, InternalError", ErrorCode::UpstreamFailed, None),
    ] {
        let error = failed(None, detail);
        assert_eq!((error.code, error.field.as_deref()), (code, field), "{detail}");
        assert_eq!(error.next.is_some(), code != ErrorCode::UpstreamFailed);
    }
    let resource = failed(Some("aws_s3_object.x"), "StatusCode: 404, NoSuchBucket");
    assert_eq!(resource.code, ErrorCode::UpstreamFailed, "a resource's bucket is another one");
}

#[test]
fn fault_33_the_action_that_is_missing_is_named_as_aws_names_it_or_by_the_call() {
    let refused = |summary: &str, detail: &str| {
        let (summary, detail) = (summary.to_owned(), detail.to_owned());
        let found = Diagnostic { error: true, summary, detail, ..Diagnostic::default() };
        classify("planning aws/dev", &[found])
    };
    let lock = "Error acquiring the state lock";
    for (summary, detail, action, place) in [
        (
            lock,
            "operation error DynamoDB: PutItem, https response error StatusCode: 400, api error \
             AccessDeniedException: User: arn:aws:iam::1:user/a is not authorized to perform: dynamodb:PutItem",
            "dynamodb:PutItem",
            "state.lock_table",
        ),
        (
            "Error releasing the state lock",
            "failed to retrieve lock info: operation error DynamoDB: GetItem, api error AccessDeniedException",
            "dynamodb:GetItem",
            "state.lock_table",
        ),
        (
            lock,
            "operation error S3: PutObject, https response error StatusCode: 403, api error AccessDenied: User: \
             arn:aws:iam::1:user/a is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:x",
            "kms:GenerateDataKey",
            "state.kms_key",
        ),
        (
            lock,
            "operation error S3: PutObject, StatusCode: 403, api error AccessDenied: Access Denied",
            "s3:PutObject",
            "state.bucket",
        ),
    ] {
        let error = refused(summary, detail);
        assert_eq!(error.code, ErrorCode::UpstreamDenied, "{detail}");
        assert_eq!(error.details["action"], action, "{detail}");
        let next = error.next.unwrap();
        assert!(next.contains(action) && next.contains(place), "{next}");
    }
    assert_eq!(told_action("is not authorized to perform: everything"), None);
}

#[test]
fn boxes_of_plain_text() {
    let found = from_text("╷\n│ Error: Backend initialization required\n│ \n│ Reason: new\n╵\n");
    assert_eq!(found[0].summary, "Backend initialization required");
    assert_eq!(found[0].detail, "Reason: new\n");
}
