//! Tokens that a cluster's API takes. Changes nothing.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;
use crate::model::EksAccess;
use crate::secret::Secret;

/// A token and when it ends.
#[derive(Debug, Clone)]
pub struct ClusterToken {
    /// The token.
    pub token: Secret,
    /// From when on it must not be used any more.
    pub expires: Timestamp,
}

/// Makes tokens for a cluster's API.
#[async_trait]
pub trait ClusterTokens: Send + Sync {
    /// A token that is good for at least a minute; it may be one that was made before.
    async fn token(&self, access: &EksAccess) -> Result<ClusterToken>;
}
