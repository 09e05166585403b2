//! AWS by its SDK. Only this adapter knows it.

mod credentials;
pub mod eks_token;
pub mod identity;
pub mod state_bucket;

pub use eks_token::{EksTokens, TokenCache};
pub use identity::AwsIdentity;
pub use state_bucket::StateBucket;
