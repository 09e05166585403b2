//! Tells failures of terraform apart, by the summary of its diagnostics, never by free text of a log.

#[cfg(test)]
mod tests;

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
    // The lock table is asked for single items only: what else may go wrong with it is no matter of settings.
    if says("operation error DynamoDB") {
        return is_denied(found).then(|| {
            no_right(denied(doing, "this identity may not do so in the lock table"), found)
        });
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

/// Calls to the bucket of a state and its lock table, the action that each needs, and what it may need besides.
const CALLS: [(&str, &str, &str); 10] = [
    ("S3: PutObject", "s3:PutObject", ""),
    ("S3: DeleteObject", "s3:DeleteObject", ""),
    ("S3: HeadObject", "s3:GetObject", " and s3:ListBucket"),
    ("S3: GetObject", "s3:GetObject", " and s3:ListBucket"),
    ("S3: ListObjectsV2", "s3:ListBucket", ""),
    ("S3: ListObjects", "s3:ListBucket", ""),
    ("S3: HeadBucket", "s3:ListBucket", ""),
    ("DynamoDB: PutItem", "dynamodb:PutItem", ""),
    ("DynamoDB: GetItem", "dynamodb:GetItem", ""),
    ("DynamoDB: DeleteItem", "dynamodb:DeleteItem", ""),
];

/// Names the action that a refused call to the bucket of the state or its lock table needs: as AWS names it, else by the
/// call. S3 also refuses to read what is not there, where the bucket may not be listed (`HeadObject`, S3 API reference).
fn no_right(error: Error, found: &Diagnostic) -> Error {
    let called = |name: &str| {
        let call = format!("operation error {name},");
        found.summary.contains(&call) || found.detail.contains(&call)
    };
    let told = told_action(&found.summary).or_else(|| told_action(&found.detail));
    let by_call = CALLS.iter().find(|(call, ..)| called(call));
    let (action, more) = match (told, by_call) {
        (Some(action), Some((_, known, more))) if action == *known => (action, *more),
        (Some(action), _) => (action, ""),
        (None, Some((_, action, more))) => (*action, *more),
        (None, None) => {
            let next = "give it the permissions of docs/permissions.md on the bucket, or correct state.bucket";
            return error.next(next);
        }
    };
    let place = match action.split(':').next() {
        Some("kms") => "state.kms_key",
        Some("dynamodb") => "state.lock_table",
        _ => "state.bucket",
    };
    error.detail("action", action).next(format!(
        "give the identity {action}{more} as docs/permissions.md says, or correct {place}"
    ))
}

/// The action that AWS says is missing: a write into a bucket may fail for want of a right to its key.
fn told_action(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("is not authorized to perform: ")?;
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-'));
    let action = after.get(..end.unwrap_or(after.len()))?;
    let (service, name) = action.split_once(':')?;
    (!service.is_empty() && !name.is_empty()).then_some(action)
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
