//! Hands credentials to children while an operation runs; they are never in a file, an argument or an environment.

mod child;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::error::{Error, ErrorCode, Result};
use crate::model::{Environment, OperationId};

pub use child::{PASSED, aws_config};

/// Name of the credentials file of a run in Google Cloud, in the run's folder. Nothing secret is in it.
pub const GOOGLE_FILE: &str = "google.json";

/// Serves the credential process of terraform and helm children.
#[async_trait]
pub trait CredentialDesk: Send + Sync {
    /// Opens the desk for one operation; it closes when the guard is dropped.
    async fn open(&self, operation: OperationId, environment: &Environment) -> Result<DeskGuard>;
}

/// Keeps a desk open, and knows why it last had nothing to give.
pub struct DeskGuard {
    close: Option<Box<dyn FnOnce() + Send + Sync>>,
    refusal: Refusal,
}

/// Why a desk last had nothing to give; cleared when it gave something again.
#[derive(Debug, Clone, Default)]
pub struct Refusal(Arc<Mutex<Option<Error>>>);

impl Refusal {
    /// Notes what came of a question.
    pub fn note(&self, error: Option<Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    fn last(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for DeskGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeskGuard")
    }
}

impl DeskGuard {
    /// A guard that runs `close` when dropped.
    pub fn new(close: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self::telling(Refusal::default(), close)
    }

    /// The same, for a desk that notes its refusals.
    pub fn telling(refusal: Refusal, close: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { close: Some(Box::new(close)), refusal }
    }

    /// Why a child failed, where it failed for want of credentials: the child only knows that its credential process
    /// did. The error's code stays, it says what became of the change.
    pub fn explain(&self, mut error: Error) -> Error {
        let failed = matches!(error.code, ErrorCode::UpstreamFailed | ErrorCode::PartialApply);
        let Some(cause) = self.refusal.last().filter(|_| failed) else {
            return error;
        };
        if let Some(next) = cause.next {
            let then = error.next.take().map_or_else(String::new, |n| format!("; then {n}"));
            error.next = Some(format!("{next}{then}"));
        }
        error.message = format!("{}; {}", error.message, cause.message);
        error.detail("credentials", cause.code.word())
    }
}

impl Drop for DeskGuard {
    fn drop(&mut self) {
        if let Some(close) = self.close.take() {
            close();
        }
    }
}
