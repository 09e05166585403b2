//! Tells failures of terraform apart, by the summary of its diagnostics, never by free text of a log.

use serde_json::{Value, json};

use super::stream::Diagnostic;
use crate::error::{Error, ErrorCode};
use crate::port::StateLock;

/// Most diagnostics that an error carries.
const DETAILS_MAX: usize = 20;
/// Longest detail of one diagnostic in an error.
const DETAIL_MAX: usize = 2000;

/// What terraform says when a workspace of HCP Terraform is locked.
const CLOUD_LOCKED: &str = "workspace already locked";

/// The error that these diagnostics amount to.
pub(super) fn classify(doing: &str, diagnostics: &[Diagnostic]) -> Error {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|d| d.error).collect();
    let error = errors.iter().find_map(|d| known(doing, d)).unwrap_or_else(|| {
        let why = errors.first().map_or("terraform gave no reason".to_owned(), |d| sentence(d));
        Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {why}"))
    });
    error.detail("diagnostics", listed(&errors))
}

fn sentence(found: &Diagnostic) -> String {
    let mut text = found.summary.trim_end_matches('.').to_owned();
    if let Some(place) = &found.place {
        text.push_str(" at ");
        text.push_str(place);
    }
    text
}

fn listed(errors: &[&Diagnostic]) -> Value {
    errors
        .iter()
        .take(DETAILS_MAX)
        .map(|d| {
            json!({
                "summary": d.summary,
                "detail": without_way_around(&d.detail).chars().take(DETAIL_MAX).collect::<String>(),
                "address": d.address,
                "place": d.place,
            })
        })
        .collect()
}

/// Terraform's text without its advice to switch the lock off or to take it away by force: an error of ours never leads
/// around a guard.
fn without_way_around(detail: &str) -> String {
    let paragraphs =
        detail.split("\n\n").map(|paragraph| match paragraph.find("For most commands") {
            Some(advice) if paragraph.contains("-lock=false") => {
                paragraph.get(..advice).unwrap_or_default()
            }
            _ if paragraph.contains("force-unlock") => "",
            _ => paragraph,
        });
    paragraphs.filter(|p| !p.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn known(doing: &str, found: &Diagnostic) -> Option<Error> {
    let summary = found.summary.as_str();
    let new = |code, why: &str| Some(Error::new(code, format!("{doing}: {why}")));
    match summary {
        "Error acquiring the state lock" => Some(lock_held(doing, &found.detail)),
        // The GCS backend stores a first, empty state while it is initialised, under the lock.
        text if text.starts_with("Error loading state") && text.contains("Lock Info:") => {
            Some(lock_held(doing, text))
        }
        "Saved plan is stale" | "Saved plan does not match the given state" => {
            new(ErrorCode::StalePlan, "the state has moved on since the plan was computed")
                .map(|e| e.next("compute a new plan"))
        }
        "Inconsistent dependency lock file"
        | "Failed to query available provider packages"
        | "Failed to install provider"
        | "Provider dependency changes detected"
        | "Required plugins are not installed"
        | "Could not load plugin"
        | "Failed to load plugin schemas" => {
            let next = if found.detail.contains("checksums previously recorded") {
                "find out what changed: the lock file pins other bytes than this package of the provider has"
            } else {
                "provide the provider (terraform.provider_mirror in datamcp.toml) or refresh the lock file with `terraform providers lock`"
            };
            new(ErrorCode::ToolMissing, &sentence(found)).map(|e| e.next(next))
        }
        "Unsupported Terraform Core version" | "Unsupported OpenTofu Core version" => {
            new(ErrorCode::ToolMissing, &sentence(found))
                .map(|e| e.next("use a terraform version that required_version allows"))
        }
        "Failed to save state"
        | "Failed to persist state to backend"
        | "Failed to update state" => new(ErrorCode::UpstreamFailed, "the state was not saved")
            .map(|e| e.detail("state_not_saved", true)),
        "No value for required variable" => {
            new(ErrorCode::InvalidRequest, &first_line(&found.detail)).map(|e| e.field("vars"))
        }
        "Invalid value for input variable" | "Invalid value for variable" => {
            new(ErrorCode::InvalidRequest, &sentence(found)).map(|e| e.field("vars"))
        }
        _ => place_of_state(doing, found)
            .or_else(|| is_denied(found).then(|| denied(doing, &sentence(found)))),
    }
}

fn denied(doing: &str, why: &str) -> Error {
    Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {why}"))
}

/// Failures of the bucket in which the state lies: there is none, it is elsewhere, it may not be looked into. A finding
/// about a resource has an address and is not about the state.
fn place_of_state(doing: &str, found: &Diagnostic) -> Option<Error> {
    let says = |text: &str| found.summary.contains(text) || found.detail.contains(text);
    if found.address.is_some() {
        return None;
    }
    if says("googleapi: Error") || says("storage: bucket") {
        return place_in_google(doing, found);
    }
    if !(says("operation error S3") || says("S3 bucket")) {
        return None;
    }
    let invalid = |field: &str, why: &str| {
        Some(Error::new(ErrorCode::InvalidRequest, format!("{doing}: {why}")).field(field))
    };
    if says("NoSuchBucket") || (says("S3 bucket") && says("does not exist")) {
        return invalid("state.bucket", "the bucket of the state does not exist").map(|e| {
            e.next("`datamcp bootstrap-state-backend` makes it, or correct state.bucket")
        });
    }
    if ["StatusCode: 301", "PermanentRedirect", "incorrect region", "AuthorizationHeaderMalformed"]
        .iter()
        .any(|text| says(text))
    {
        return invalid("state.region", "the bucket of the state is in another region")
            .map(|e| e.next("set state.region to the bucket's region"));
    }
    is_denied(found).then(|| {
        no_right(denied(doing, "this identity may not do so in the bucket of the state"), found)
    })
}

/// The same in Cloud Storage, which names the permission in its sentence.
fn place_in_google(doing: &str, found: &Diagnostic) -> Option<Error> {
    let text = format!("{}\n{}", found.summary, found.detail);
    let says = |part: &str| text.contains(part);
    if says("storage: bucket doesn't exist") || says("The specified bucket does not exist") {
        let why = format!("{doing}: the bucket of the state does not exist");
        return Some(
            Error::new(ErrorCode::InvalidRequest, why)
                .field("state.bucket")
                .next("`datamcp bootstrap-state-backend` of an environment of Google Cloud makes it; or correct state.bucket"),
        );
    }
    if !says("googleapi: Error 403") || !says("storage.") {
        return None;
    }
    let error = denied(doing, "this identity may not do so in the bucket of the state");
    let word = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let permission = word
        .map(|word| word.trim_end_matches('.'))
        .find(|word| word.starts_with("storage.objects.") || word.starts_with("storage.buckets."));
    Some(match permission {
        Some(name) => error
            .detail("permission", name)
            .next(format!("have {name} granted to this identity on the bucket of the state")),
        None => error.next("have a role on the bucket of the state granted to this identity"),
    })
}

/// Names the action that a refused call to the bucket of the state needs. S3 also refuses to read what is not there, where
/// the bucket may not be listed (`HeadObject`, S3 API reference).
fn no_right(error: Error, found: &Diagnostic) -> Error {
    let called = |name: &str| {
        let call = format!("operation error S3: {name},");
        found.summary.contains(&call) || found.detail.contains(&call)
    };
    let (action, more) = if called("PutObject") {
        ("s3:PutObject", "")
    } else if called("DeleteObject") {
        ("s3:DeleteObject", "")
    } else if called("HeadObject") || called("GetObject") {
        ("s3:GetObject", " and s3:ListBucket")
    } else if called("ListObjectsV2") || called("ListObjects") || called("HeadBucket") {
        ("s3:ListBucket", "")
    } else {
        let next =
            "give it the permissions of docs/permissions.md on the bucket, or correct state.bucket";
        return error.next(next);
    };
    error.detail("action", action).next(format!(
        "give the identity {action}{more} as docs/permissions.md says, or correct state.bucket"
    ))
}

/// Error codes of AWS and Google that stand for "you may not"; they are part of the provider's diagnostic.
fn is_denied(found: &Diagnostic) -> bool {
    const CODES: [&str; 9] = [
        "AccessDenied",
        "UnauthorizedOperation",
        "StatusCode: 403",
        "StatusCode: 401",
        "ExpiredToken",
        "InvalidClientTokenId",
        "No valid credential sources found",
        "googleapi: Error 403",
        "PERMISSION_DENIED",
    ];
    CODES.iter().any(|code| found.summary.contains(code) || found.detail.contains(code))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

fn lock_held(doing: &str, detail: &str) -> Error {
    if detail.contains(CLOUD_LOCKED) {
        let why = format!(
            "{doing}: the workspace is locked in HCP Terraform, which does not say by whom"
        );
        return Error::new(ErrorCode::LockHeld, why)
            .next("wait until it is unlocked there, then ask again");
    }
    let Some(lock) = lock_info(detail) else {
        let found = Diagnostic { detail: detail.to_owned(), ..Diagnostic::default() };
        if is_denied(&found) {
            return no_right(denied(doing, "the state lock may not be taken"), &found);
        }
        // Two conditional writes at once; S3 asks for another try, and terraform's SDK does not make one.
        if detail.contains("ConditionalRequestConflict") {
            let why = format!("{doing}: another request for the state lock was under way");
            return Error::new(ErrorCode::LockHeld, why)
                .detail("lock_conflict", true)
                .next("ask again");
        }
        let why = format!("{doing}: the state lock cannot be taken");
        return Error::new(ErrorCode::UpstreamFailed, why);
    };
    let why = format!(
        "{doing}: {} holds the state lock for {} since {}",
        lock.who, lock.operation, lock.created
    );
    Error::new(ErrorCode::LockHeld, why)
        .detail("state_lock", json!(lock))
        .next("wait until it has finished, then ask again")
}

/// The lock that terraform's text describes. Where the state is in HCP Terraform, the text describes the lock that was
/// *not* taken: our own. Nothing may be told from it.
pub(super) fn lock_info(detail: &str) -> Option<StateLock> {
    if detail.contains(CLOUD_LOCKED) {
        return None;
    }
    let (_, info) = detail.split_once("Lock Info:")?;
    let field = |name: &str| {
        info.lines()
            .filter_map(|line| line.trim().split_once(':'))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    Some(StateLock {
        id: field("ID")?,
        who: field("Who").unwrap_or_default(),
        operation: field("Operation").unwrap_or_default(),
        created: field("Created").unwrap_or_default(),
    })
}

/// Findings of a command that has no `-json` form: the summary stands after `Error:` in its box.
pub(super) fn from_text(text: &str) -> Vec<Diagnostic> {
    let mut out: Vec<Diagnostic> = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches(['│', '╷', '╵', ' ']).trim_end();
        if let Some(summary) = line.strip_prefix("Error: ") {
            out.push(Diagnostic {
                error: true,
                summary: summary.to_owned(),
                ..Diagnostic::default()
            });
        } else if let Some(last) = out.last_mut().filter(|_| !line.is_empty()) {
            last.detail.push_str(line);
            last.detail.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
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
        let error = recorded(include_str!("../../../fixtures/terraform/lock_held/plan.jsonl"));
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
        let error = recorded(include_str!("../../../fixtures/terraform/stale/apply.jsonl"));
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
    fn boxes_of_plain_text() {
        let found =
            from_text("╷\n│ Error: Backend initialization required\n│ \n│ Reason: new\n╵\n");
        assert_eq!(found[0].summary, "Backend initialization required");
        assert_eq!(found[0].detail, "Reason: new\n");
    }
}
