//! AWS by its SDK. Only this adapter knows it.

mod credentials;
pub mod identity;
pub mod state_bucket;

pub use identity::AwsIdentity;
pub use state_bucket::StateBucket;
