//! AWS by its SDK. Only this adapter knows it.

mod credentials;
pub mod eks_token;
pub mod identity;
mod lock_table;
pub mod state_bucket;
mod trust;

pub use eks_token::{EksTokens, TokenCache};
pub use identity::AwsIdentity;
pub use state_bucket::StateBucket;
