//! Processes of our own: supervisors, and the desk that hands credentials to the children of an operation.

pub mod desk;
#[cfg(feature = "gcp")]
mod exchange;
pub mod launcher;

pub use desk::SocketDesk;
pub use launcher::{ProcessLauncher, same_version};
