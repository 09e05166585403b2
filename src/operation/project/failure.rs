//! Why Google did not make a project, have it billed or switch an API on, and what to do about it.

use crate::error::{Error, ErrorCode};
use crate::port::projects::Failure;

/// What Google says of an id that a project has.
const TAKEN: &str = "ALREADY_EXISTS";

/// Codes of `google.rpc.Code` as Resource Manager, Cloud Billing and Service Usage answer them, and reasons of Service Usage
/// ("Error messages"): what is answered, code, what it means, what to do next.
const REASONS: &[(&str, ErrorCode, &str, &str)] = &[
    (
        TAKEN,
        ErrorCode::InvalidRequest,
        "another project has this id: somebody else's, or one that was deleted",
        "use another id: ids are used once in all of Google Cloud",
    ),
    (
        "RESOURCE_EXHAUSTED",
        ErrorCode::UpstreamDenied,
        "the quota of projects is used up",
        "ask Google to raise the quota of projects, or have one that is not used deleted, then make the same call again",
    ),
    (
        "FAILED_PRECONDITION",
        ErrorCode::UpstreamDenied,
        "a rule of the organization or of the billing account is against it",
        "see what is said: an organization policy, or a billing account with as many projects as it takes; have that changed, then make the same call again",
    ),
    (
        "PERMISSION_DENIED",
        ErrorCode::UpstreamDenied,
        "this identity may not do it",
        "have the permission granted that is named, then make the same call again",
    ),
    (
        "INVALID_ARGUMENT",
        ErrorCode::InvalidRequest,
        "Google does not take the request",
        "correct what is named, then make the same call again",
    ),
    (
        "ABORTED",
        ErrorCode::UpstreamFailed,
        "another change was made at the same time",
        "make the same call again: it goes on where it stopped",
    ),
    (
        "UNAVAILABLE",
        ErrorCode::UpstreamFailed,
        "Google does not answer",
        "make the same call again later: it goes on where it stopped",
    ),
    (
        "INTERNAL",
        ErrorCode::UpstreamFailed,
        "Google failed",
        "make the same call again later; ask Google's support if it fails again",
    ),
    (
        "UREQ_PROJECT_BILLING_NOT_FOUND",
        ErrorCode::UpstreamFailed,
        "an API of these needs a project that is billed, and Google does not see it yet",
        "make the same call again in a minute: it goes on where it stopped",
    ),
    (
        "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED",
        ErrorCode::InvalidRequest,
        "an API of these is not there, or not for this identity",
        "correct `apis`: `gcloud services list --available` tells their names",
    ),
];

/// The error of an operation that failed.
pub(super) fn explain(doing: &str, failure: &Failure) -> Error {
    let asked = |word: &str| REASONS.iter().find(|known| known.0 == word);
    let found = failure.reason.as_deref().and_then(asked).or_else(|| asked(&failure.code));
    let said = &failure.message;
    let error = if let Some((word, code, means, next)) = found {
        let error = Error::new(*code, format!("{doing}: {means}: {said}")).next(*next);
        match *word {
            TAKEN => error.field("project_id"),
            "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED" => error.field("apis"),
            _ => error,
        }
    } else {
        let why = format!("{doing}: Google gives a reason that is not known here: {said}");
        Error::new(ErrorCode::UpstreamFailed, why).next(
            "see what Google says and mend that, then make the same call again: it goes on where it stopped",
        )
    };
    let reason = failure.reason.as_ref().unwrap_or(&failure.code);
    error.detail("reason", reason.clone())
}

/// Nothing is done yet: an error that says neither what to do nor what is allowed is told with the next step.
pub(super) fn of_look(error: Error) -> Error {
    if error.next.is_some() || error.allowed.is_some() {
        return error;
    }
    error.next("mend what is said, then make the same call again")
}

/// Whether an error says that the id is taken.
pub(super) fn is_taken(error: &Error) -> bool {
    error.details.get("reason").and_then(|reason| reason.as_str()) == Some(TAKEN)
}

/// The error of a call that was refused, told by its reason where that is known; a permission keeps its own words.
pub(super) fn refused(doing: &str, error: Error) -> Error {
    let reason = error.details.get("reason").and_then(|reason| reason.as_str());
    let known = reason.filter(|reason| {
        REASONS.iter().any(|known| known.0 == *reason) && *reason != "PERMISSION_DENIED"
    });
    match known {
        Some(reason) => {
            let (reason, message) = (reason.to_owned(), error.message.clone());
            explain(doing, &Failure { code: reason, reason: None, message })
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_meaning_and_a_next_step() {
        for (word, code, ..) in REASONS {
            let failure =
                Failure { code: (*word).to_owned(), reason: None, message: "said".into() };
            let error = explain("making project acme-data-4711", &failure);
            assert_eq!(error.code, *code, "{word}");
            assert!(error.next.is_some() && error.message.ends_with(": said"), "{error}");
            assert_eq!(error.details["reason"], *word);
        }
        let failure = Failure {
            code: "code 17".into(),
            reason: Some("MOON_PHASE".into()),
            message: "not tonight".into(),
        };
        let error = explain("making a project", &failure);
        assert_eq!(error.details["reason"], "MOON_PHASE");
        assert!(error.message.contains("not known here: not tonight"), "{error}");
        assert!(error.next.is_some(), "{error}");
    }
}
