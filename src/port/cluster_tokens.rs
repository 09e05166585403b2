//! Tokens that a cluster's API takes. Changes nothing.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;
use crate::model::{EksAccess, GkeAccess};
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

/// Makes tokens of Google Cloud: the API of every cluster of GKE takes them.
#[async_trait]
pub trait GoogleTokens: Send + Sync {
    /// A token that is good for at least a minute; it may be one that was made before.
    async fn token(&self, access: &GkeAccess) -> Result<ClusterToken>;
}

/// Keeps tokens between the runs of a program, in a place that nobody else can read. A place that cannot be used is no
/// error: tokens are made anew.
pub trait KeptTokens: std::fmt::Debug + Send + Sync {
    /// The token that was kept under this name, when it is good for a while yet.
    fn find(&self, name: &str, now: Timestamp) -> Option<ClusterToken>;

    /// Keeps a token, if that can be done.
    fn keep(&self, name: &str, token: &ClusterToken);
}
