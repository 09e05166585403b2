//! Durable operations: what a supervisor needs, what it notes, how its work is waited for and taken over.
//!
//! Nothing here knows a tool: the work itself is behind [`CarryOut`].

pub mod adopt;
pub mod fault;
pub mod file;
pub mod journal;
pub mod supervise;
pub mod wait;

pub use adopt::{Settled, settle};
pub use file::RunFile;
pub use journal::Journal;
pub use supervise::{CarryOut, supervise};
pub use wait::{Progress, wait};

use std::sync::Arc;

use crate::audit::Log;
use crate::clock::Clock;
use crate::lock::LeaseStore;
use crate::port::Runs;

/// What waiting and taking over need of the world.
#[derive(Clone)]
pub struct Stores {
    /// The log.
    pub log: Log,
    /// Leases.
    pub leases: Arc<dyn LeaseStore>,
    /// Run folders.
    pub runs: Arc<dyn Runs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores")
    }
}
