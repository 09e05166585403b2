//! The operating system's file locks, and which file is whose.

use std::fs::File;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// A look at a lock (`lease`) or another's try holds it for a moment: a busy lock is looked at again before it counts.
pub(super) const PAUSE: Duration = Duration::from_millis(5);
/// Looks before a busy lock counts.
pub(super) const LOOKS: u32 = 3;

/// A key as a file's name: `aws/dev` is `aws+dev`, anything unusual is written in hexadecimal.
pub(super) fn plain(key: &str) -> String {
    key.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(b).to_string(),
            b'/' => "+".to_owned(),
            _ => format!("%{b:02x}"),
        })
        .collect()
}

pub(super) fn try_lock(file: &File, how: FlockOperation, doing: &str) -> Result<bool> {
    match flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(Error::internal(doing, e)),
    }
}

pub(super) fn patiently(file: &File, how: FlockOperation, doing: &str) -> Result<bool> {
    for _ in 1..LOOKS {
        if try_lock(file, how, doing)? {
            return Ok(true);
        }
        sleep(PAUSE);
    }
    try_lock(file, how, doing)
}

/// Unlocks for every process that has inherited this file. Closing it would do where nobody has.
pub(super) fn unlock(file: &File) {
    let _ = flock(file, FlockOperation::Unlock);
}
