//! AWS by its SDK. Only this adapter knows it.

pub mod clusters;
mod credentials;
pub mod eks_token;
pub mod identity;
mod lock_table;
pub mod member_account;
pub mod organization;
mod quota;
pub mod secrets;
mod signed;
pub mod state_bucket;
mod trust;

pub use clusters::EksClusters;
pub use credentials::SecondFactor;
pub use eks_token::{EksTokens, TokenCache};
pub use identity::AwsIdentity;
pub use member_account::AwsMemberAccount;
pub use organization::AwsOrganization;
pub use secrets::AwsSecrets;
pub use state_bucket::StateBucket;

#[cfg(test)]
mod tests;
