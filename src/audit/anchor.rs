//! The second place that knows the head of each chain: cutting the end off a chain shows.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Head of a chain as the second place knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Sequence number of the newest anchored event.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// Keeps heads outside the store of the events.
#[async_trait]
pub trait Anchor: Send + Sync {
    /// Records a head; durable when it returns. An older head than the known one is ignored.
    async fn put(&self, chain: &str, head: &Head) -> Result<()>;
    /// All heads, by chain.
    async fn heads(&self) -> Result<Vec<(String, Head)>>;
}
