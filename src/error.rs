//! The one error type that callers see: a stable code, what was being done, and what to do next.
//!
//! Codes are a closed set; finer causes go into `details`. `docs/errors.md` is generated from [`ErrorCode::ALL`].

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request cannot be understood or breaks a rule.
    InvalidRequest,
    /// Configuration knows no such environment.
    UnknownEnvironment,
    /// The credentials belong to another account or project.
    WrongIdentity,
    /// The policy does not let this principal do this here.
    PolicyDenied,
    /// Something that the approval was bound to has changed.
    ApprovalMismatch,
    /// The plan or its approval is too old.
    ApprovalExpired,
    /// The approval was used before.
    ApprovalUsed,
    /// Another operation holds the environment.
    LockHeld,
    /// An operation ended in an unknown way; a person has to look.
    EnvironmentBlocked,
    /// The state has moved on since the plan was computed.
    StalePlan,
    /// The operations log, or another file of the state folder, cannot be written.
    AuditUnavailable,
    /// A binary or provider is missing or too old.
    ToolMissing,
    /// The other side refused.
    UpstreamDenied,
    /// The other side failed.
    UpstreamFailed,
    /// It took longer than allowed.
    TimedOut,
    /// Stopped on request.
    Cancelled,
    /// Some of the change was made.
    PartialApply,
    /// A defect of datamcp.
    Internal,
}

impl ErrorCode {
    /// Every code with the meaning that the reference gives.
    pub const ALL: [(Self, &'static str, &'static str); 18] = [
        (
            Self::InvalidRequest,
            "invalid_request",
            "the request or the configuration breaks a rule; `field`, `given` and `allowed` say which",
        ),
        (
            Self::UnknownEnvironment,
            "unknown_environment",
            "configuration has no environment of that name; `allowed` lists the known ones",
        ),
        (
            Self::WrongIdentity,
            "wrong_identity",
            "the credentials in use belong to another account or project than the environment's",
        ),
        (
            Self::PolicyDenied,
            "policy_denied",
            "the policy does not let this principal do this in this environment",
        ),
        (
            Self::ApprovalMismatch,
            "approval_mismatch",
            "something the plan was bound to has changed; `details.changed` names it",
        ),
        (
            Self::ApprovalExpired,
            "approval_expired",
            "the plan or its approval is older than it may be",
        ),
        (Self::ApprovalUsed, "approval_used", "the plan was carried out before; a plan runs once"),
        (
            Self::LockHeld,
            "lock_held",
            "another operation holds the environment or its Terraform state; `details` says which, since when and for what",
        ),
        (
            Self::EnvironmentBlocked,
            "environment_blocked",
            "an earlier operation ended in a way nobody saw, or the Terraform state is not the one that the log knows; a person looks first",
        ),
        (
            Self::StalePlan,
            "stale_plan",
            "the Terraform state has moved on since the plan was computed",
        ),
        (
            Self::AuditUnavailable,
            "audit_unavailable",
            "the operations log, or another file of the state folder, cannot be written: a change that has not begun is not \
             started; `details.disk_full` names the folder of a full disk",
        ),
        (Self::ToolMissing, "tool_missing", "a binary, provider or plugin is missing or too old"),
        (Self::UpstreamDenied, "upstream_denied", "the cloud, cluster or server refused the call"),
        (
            Self::UpstreamFailed,
            "upstream_failed",
            "the cloud, cluster, server or terraform itself failed",
        ),
        (Self::TimedOut, "timed_out", "the work took longer than allowed"),
        (Self::Cancelled, "cancelled", "the operation was stopped on request"),
        (Self::PartialApply, "partial_apply", "some of the change was made; `details` lists what"),
        (Self::Internal, "internal", "a defect of datamcp; the log has more"),
    ];

    /// The word used in answers.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(code, ..)| *code == self).map_or("internal", |(_, word, _)| word)
    }
}

/// A refusal or failure, for a program and for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Stable code.
    pub code: ErrorCode,
    /// What was being done and what stood in the way: lower case, no full stop.
    pub message: String,
    /// The field of the request or key of the configuration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What was given, cut to 200 characters and escaped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub given: Option<String>,
    /// What is allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Finer causes, by name.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub details: Map<String, Value>,
}

/// Longest piece of the caller's input that is quoted back.
const GIVEN_MAX: usize = 200;
/// Longest name of a field of the caller's.
const FIELD_MAX: usize = 100;
/// Longest message about a field.
const MESSAGE_MAX: usize = 600;

/// At most so many characters of a text.
fn beginning(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Error {
    /// An error of this code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            given: None,
            allowed: None,
            next: None,
            details: Map::new(),
        }
    }

    /// A bad value of a field.
    pub fn invalid(
        field: impl Into<String>,
        given: impl AsRef<str>,
        why: impl std::fmt::Display,
    ) -> Self {
        // Both may hold what the caller sent: a key, a value that a parser quotes.
        let field = beginning(&field.into(), FIELD_MAX);
        let message = beginning(&format!("{field} {why}"), MESSAGE_MAX);
        let mut error = Self::new(ErrorCode::InvalidRequest, message);
        error.field = Some(field);
        error.given(given)
    }

    /// A defect of ours.
    pub fn internal(doing: &str, cause: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::Internal, format!("{doing}: {cause}"))
    }

    /// A file of ours that could not be made, written or read. A full disk is no defect: it is said which one, and what to
    /// do about it.
    pub fn file(doing: &str, path: &Path, cause: &std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match cause.kind() {
            StorageFull | QuotaExceeded => Self::disk_full(doing, path),
            _ => Self::internal(doing, format!("{}: {cause}", path.display())),
        }
    }

    /// There is no space left for this file.
    pub fn disk_full(doing: &str, path: &Path) -> Self {
        let folder = path.parent().unwrap_or(path).display().to_string();
        let why = format!("{doing}: {}: no space left on the disk", path.display());
        Self::new(ErrorCode::AuditUnavailable, why)
            .next(format!("make space on the disk of {folder}, then ask again"))
            .detail("disk_full", folder)
    }

    /// Quotes what was given: escaped, at most 200 characters.
    #[must_use]
    pub fn given(mut self, given: impl AsRef<str>) -> Self {
        let escaped: String =
            given.as_ref().chars().take(GIVEN_MAX + 1).flat_map(char::escape_debug).collect();
        let mut cut: String = escaped.chars().take(GIVEN_MAX).collect();
        if escaped.chars().count() > GIVEN_MAX {
            cut.push('…');
        }
        self.given = Some(cut);
        self
    }

    /// Says what is allowed.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    /// Names the field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds a finer cause.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The same error with every text passed through `clean` (redaction).
    #[must_use]
    pub fn map_text(mut self, clean: &dyn Fn(&str) -> String) -> Self {
        fn walk(value: &mut Value, clean: &dyn Fn(&str) -> String) {
            match value {
                Value::String(text) => *text = clean(text),
                Value::Array(items) => items.iter_mut().for_each(|v| walk(v, clean)),
                Value::Object(map) => map.values_mut().for_each(|v| walk(v, clean)),
                _ => {}
            }
        }
        self.message = clean(&self.message);
        for text in [&mut self.given, &mut self.allowed, &mut self.next].into_iter().flatten() {
            *text = clean(text);
        }
        self.details.values_mut().for_each(|v| walk(v, clean));
        self
    }
}

/// Result with our error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
/// The causes of an error, outermost first, each once.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |e| e.source()) {
        let text = cause.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// As [`causes`], without the outermost: an HTTP client's own text names the whole URL, which may hold a secret.
pub fn causes_within(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| "no cause is told".to_owned(), causes)
}
