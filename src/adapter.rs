//! Adapters: each implements ports with one library or binary; none knows another.

pub mod terraform;
