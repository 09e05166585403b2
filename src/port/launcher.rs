//! Starts supervisors.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::OperationId;

/// Starts the supervisor of an operation whose run file is stored.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Starts it in a session of its own, detached from our terminal, pipes and life. Returns once it was started.
    async fn launch(&self, operation: OperationId) -> Result<()>;
}
