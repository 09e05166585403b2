//! The one door to time and to fresh identifiers. Not a scheduler: sleeping stays with tokio.
#![expect(clippy::disallowed_methods, reason = "this is the door that the lint names")]

use jiff::Timestamp;
use uuid::Uuid;

/// Source of the current time; tests bring their own.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The current time, UTC.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands where it was put until it is moved.
#[derive(Debug)]
pub struct FixedClock(std::sync::Mutex<Timestamp>);

impl FixedClock {
    /// A clock that shows `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(std::sync::Mutex::new(at))
    }

    /// Moves the clock; backwards too, as a corrected system clock would.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = at;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A fresh `UUIDv7` (RFC 9562): sorts by the time it was made.
pub fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}
