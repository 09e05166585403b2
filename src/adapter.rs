//! Adapters: each implements ports with one library or binary; none knows another.

pub mod absent;
#[cfg(feature = "argocd")]
pub mod argocd;
#[cfg(feature = "aws")]
pub mod aws;
pub mod by_cloud;
pub mod file;
#[cfg(feature = "gcp")]
pub mod gcp;
pub mod helm;
pub mod kubeconfig;
#[cfg(not(feature = "argocd"))]
pub mod no_argocd;
pub mod premises;
pub mod process;
pub mod secrets;
pub mod sqlite;
pub mod terraform;
