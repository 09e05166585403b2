//! Terraform in Google Cloud: the real terraform with its real backend for Cloud Storage, the google provider's stand-in,
//! and tokens that somebody checks at every step.

mod credentials;
mod path;
mod permissions;
mod project;
mod secret;
mod storage;
