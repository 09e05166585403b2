//! The one door to time and to fresh identifiers. Not a scheduler: deadlines stay with tokio; a rest that may take minutes
//! goes by the clock, so that a test need not sit through it.
#![expect(clippy::disallowed_methods, reason = "this is the door that the lint names")]

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a machine has been running since it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uptime {
    /// Which start: another one begins to count anew.
    pub boot: String,
    /// Seconds since.
    pub seconds: u64,
}

/// Source of the current time; tests bring their own.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The current time, UTC.
    fn now(&self) -> Timestamp;

    /// How long the machine has been running, where that is known: a corrected clock does not change it.
    fn uptime(&self) -> Option<Uptime> {
        None
    }

    /// Rests for so long.
    fn rest(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Option<Uptime> {
        let read = |file: &str| std::fs::read_to_string(file).ok();
        let seconds = read("/proc/uptime")?.split(['.', ' ']).next()?.parse().ok()?;
        Some(Uptime { boot: read("/proc/sys/kernel/random/boot_id")?.trim().to_owned(), seconds })
    }
}

/// A clock that stands where it was put until it is moved.
#[derive(Debug)]
pub struct FixedClock(Mutex<(Timestamp, Option<Uptime>)>);

impl FixedClock {
    /// A clock that shows `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new((at, None)))
    }

    /// The same, on a machine that tells how long it has been running.
    #[must_use]
    pub fn with_uptime(self, uptime: Uptime) -> Self {
        self.at().1 = Some(uptime);
        self
    }

    fn at(&self) -> MutexGuard<'_, (Timestamp, Option<Uptime>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass: the clock moves on, and the machine keeps running.
    pub fn pass(&self, seconds: u32) {
        let mut at = self.at();
        at.0 += jiff::SignedDuration::from_secs(seconds.into());
        if let Some(uptime) = &mut at.1 {
            uptime.seconds += u64::from(seconds);
        }
    }

    /// Moves the clock; backwards too, as a corrected system clock would.
    pub fn set(&self, at: Timestamp) {
        self.at().0 = at;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.at().0
    }

    fn uptime(&self) -> Option<Uptime> {
        self.at().1.clone()
    }

    /// Over at once: the clock moves on by it, in whole seconds.
    fn rest(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.pass(u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
        Box::pin(tokio::task::yield_now())
    }
}

/// A fresh `UUIDv7` (RFC 9562): sorts by the time it was made.
pub fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}
