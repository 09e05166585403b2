//! Adapters: each implements ports with one library or binary; none knows another.

#[cfg(feature = "aws")]
pub mod aws;
pub mod process;
