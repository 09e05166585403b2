//! Google Cloud by its REST APIs: tokens, who we are, clusters of GKE, the buckets of states, projects. Only this adapter speaks
//! to them, and it changes nothing but those buckets and projects.

mod call;
pub mod clusters;
mod credentials;
pub mod gke_token;
pub mod identity;
pub mod projects;
pub mod secrets;
pub mod storage;
#[cfg(test)]
mod tests;

pub use clusters::GkeClusters;
pub use gke_token::{GkeTokens, TokenCache};
pub use identity::GoogleIdentity;
pub use projects::GoogleProjects;
pub use secrets::GoogleSecrets;
pub use storage::GoogleStorage;
