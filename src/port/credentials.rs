//! Hands credentials to children while an operation runs; they are never in a file, an argument or an environment.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::{Environment, OperationId};

/// Serves the credential process of terraform and helm children.
#[async_trait]
pub trait CredentialDesk: Send + Sync {
    /// Opens the desk for one operation; it closes when the guard is dropped.
    async fn open(&self, operation: OperationId, environment: &Environment) -> Result<DeskGuard>;
}

/// Keeps a desk open.
pub struct DeskGuard(Option<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for DeskGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeskGuard")
    }
}

impl DeskGuard {
    /// A guard that runs `close` when dropped.
    pub fn new(close: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(close)))
    }
}

impl Drop for DeskGuard {
    fn drop(&mut self) {
        if let Some(close) = self.0.take() {
            close();
        }
    }
}
