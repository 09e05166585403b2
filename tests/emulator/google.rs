//! Terraform in Google Cloud: the real terraform with its real backend for Cloud Storage, the google provider's stand-in,
//! and tokens that somebody checks at every step.

mod begin;
mod credentials;
mod moved;
mod path;
mod permissions;
pub(crate) mod project;
mod secret;
mod storage;
