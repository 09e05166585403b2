//! Why AWS did not make an account, and what to do about it.

use crate::error::{Error, ErrorCode};

/// The reasons of `CreateAccountFailureReason` (AWS Organizations reference, `CreateAccountStatus`), and those of
/// `ConstraintViolationException` that the call itself may answer: reason, code, what it means, what to do next.
const REASONS: &[(&str, ErrorCode, &str, &str)] = &[
    (
        "ACCOUNT_LIMIT_EXCEEDED",
        ErrorCode::UpstreamDenied,
        "the organization has as many accounts as its quota lets it",
        "ask AWS to raise the quota (Service Quotas, AWS Organizations, number of accounts), then make the same call again",
    ),
    (
        "EMAIL_ALREADY_EXISTS",
        ErrorCode::InvalidRequest,
        "another AWS account has this address, in or outside of the organization",
        "use an address that no AWS account has",
    ),
    (
        "INVALID_ADDRESS",
        ErrorCode::UpstreamFailed,
        "the postal address of the management account is not valid",
        "mend the address of the management account, then make the same call again",
    ),
    (
        "INVALID_EMAIL",
        ErrorCode::InvalidRequest,
        "AWS does not take this address",
        "use another address",
    ),
    (
        "CONCURRENT_ACCOUNT_MODIFICATION",
        ErrorCode::UpstreamFailed,
        "another request of the same kind was running",
        "wait until it has ended, then make the same call again: it finds what was made",
    ),
    (
        "INTERNAL_FAILURE",
        ErrorCode::UpstreamFailed,
        "AWS failed",
        "make the same call again later; ask AWS support if it fails again",
    ),
    (
        "GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
        ErrorCode::InvalidRequest,
        "there is an account of GovCloud with this address already",
        "use another address",
    ),
    (
        "MISSING_BUSINESS_VALIDATION",
        ErrorCode::UpstreamDenied,
        "AWS has not validated the business of the management account",
        "complete the business validation in the management account's billing console, then make the same call again",
    ),
    (
        "FAILED_BUSINESS_VALIDATION",
        ErrorCode::UpstreamDenied,
        "AWS could not validate the business of the management account",
        "mend the business validation in the management account's billing console, then make the same call again",
    ),
    (
        "PENDING_BUSINESS_VALIDATION",
        ErrorCode::UpstreamDenied,
        "AWS is still validating the business of the management account",
        "wait until the validation has ended, then make the same call again",
    ),
    (
        "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION",
        ErrorCode::UpstreamDenied,
        "the identity given for the business validation is not valid",
        "mend it in the management account's billing console, then make the same call again",
    ),
    (
        "UNKNOWN_BUSINESS_VALIDATION",
        ErrorCode::UpstreamDenied,
        "AWS does not know how the business validation of the management account stands",
        "ask AWS support",
    ),
    (
        "MISSING_PAYMENT_INSTRUMENT",
        ErrorCode::UpstreamDenied,
        "the management account has no way of payment",
        "add one in the management account's billing console, then make the same call again",
    ),
    (
        "INVALID_PAYMENT_INSTRUMENT",
        ErrorCode::UpstreamDenied,
        "the management account's way of payment is not valid",
        "mend it in the management account's billing console, then make the same call again",
    ),
    (
        "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
        ErrorCode::InvalidRequest,
        "the organization's resource policy does not go with tags on a new account",
        "leave `tags` out, or mend the resource policy first",
    ),
    (
        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        ErrorCode::UpstreamDenied,
        "the organization has as many accounts as its quota lets it, or it is too young to have more",
        "ask AWS to raise the quota (Service Quotas, AWS Organizations, number of accounts); in an organization that was made within the hour wait an hour first",
    ),
    (
        "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED",
        ErrorCode::UpstreamDenied,
        "too many accounts were asked for today",
        "make the same call again tomorrow",
    ),
    (
        "MAX_TAG_LIMIT_EXCEEDED",
        ErrorCode::InvalidRequest,
        "these are too many tags",
        "give fewer tags",
    ),
    (
        "TAG_POLICY_VIOLATION",
        ErrorCode::InvalidRequest,
        "a tag policy of the organization does not let the account have these tags",
        "give tags that the policy allows",
    ),
];

/// The error that a reason means. One that is not known here is told as it is.
pub(super) fn explain(doing: &str, reason: &str) -> Error {
    let known = REASONS.iter().find(|(word, ..)| *word == reason);
    let (code, why, next) = match known {
        Some((_, code, why, next)) => (*code, *why, *next),
        None => (
            ErrorCode::UpstreamFailed,
            "AWS gives a reason that this version does not know",
            "look the reason up in the AWS Organizations reference (CreateAccountStatus), mend it, then make the same call again",
        ),
    };
    let error = Error::new(code, format!("{doing}: {reason}: {why}")).next(next);
    let error = error.detail("reason", reason);
    match reason {
        "EMAIL_ALREADY_EXISTS" | "INVALID_EMAIL" | "GOVCLOUD_ACCOUNT_ALREADY_EXISTS" => {
            error.field("email")
        }
        "MAX_TAG_LIMIT_EXCEEDED"
        | "TAG_POLICY_VIOLATION"
        | "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED" => error.field("tags"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_reference_has_its_own_next_step() {
        for reason in [
            "ACCOUNT_LIMIT_EXCEEDED",
            "EMAIL_ALREADY_EXISTS",
            "INVALID_ADDRESS",
            "INVALID_EMAIL",
            "CONCURRENT_ACCOUNT_MODIFICATION",
            "INTERNAL_FAILURE",
            "GOVCLOUD_ACCOUNT_ALREADY_EXISTS",
            "MISSING_BUSINESS_VALIDATION",
            "FAILED_BUSINESS_VALIDATION",
            "PENDING_BUSINESS_VALIDATION",
            "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION",
            "UNKNOWN_BUSINESS_VALIDATION",
            "MISSING_PAYMENT_INSTRUMENT",
            "INVALID_PAYMENT_INSTRUMENT",
            "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED",
        ] {
            let error = explain("making account dev", reason);
            assert!(error.message.contains(reason), "{error}");
            assert!(!error.message.contains("this version does not know"), "{error}");
            assert_eq!(error.details["reason"], reason);
            assert!(REASONS.iter().any(|(word, ..)| *word == reason), "{reason}");
            assert!(error.next.is_some());
        }
    }

    #[test]
    fn a_reason_of_tomorrow_is_told_as_it_is() {
        let error = explain("making account dev", "MOON_PHASE");
        assert_eq!(error.code, ErrorCode::UpstreamFailed);
        assert!(error.message.contains("MOON_PHASE: AWS gives a reason"), "{error}");
    }
}
