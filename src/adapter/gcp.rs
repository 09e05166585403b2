//! Google Cloud by its REST APIs: tokens, who we are, clusters of GKE. Only this adapter speaks to them, and it changes
//! nothing there.

mod call;
pub mod clusters;
mod credentials;
pub mod gke_token;
pub mod identity;
pub mod secrets;
#[cfg(test)]
mod tests;

pub use clusters::GkeClusters;
pub use gke_token::{GkeTokens, TokenCache};
pub use identity::GoogleIdentity;
pub use secrets::GoogleSecrets;
