//! AWS by its SDK. Only this adapter knows it.

pub mod identity;

pub use identity::AwsIdentity;
