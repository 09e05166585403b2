//! AWS by its SDK. Only this adapter knows it.

mod credentials;
pub mod identity;
mod lock_table;
pub mod state_bucket;
mod trust;

pub use identity::AwsIdentity;
pub use state_bucket::StateBucket;
