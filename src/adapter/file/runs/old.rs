//! Runs whose folders have served: the log keeps what they did, the folder only said it at length.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde_json::Value;

use super::{failed, read, try_lock};
use crate::error::Result;
use crate::model::{OperationId, Status};

const DOING: &str = "deleting the folders of old runs";

/// Deletes what may go of `folder`; how many.
pub(super) fn delete(folder: &Path, before: Timestamp) -> Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(failed(DOING, folder, e)),
    };
    let mut deleted = 0;
    for entry in entries {
        let run = entry.map_err(|e| failed(DOING, folder, e))?.path();
        let name = run.file_name().and_then(|n| n.to_str());
        // An id says when its operation was received.
        let began = name.and_then(|n| n.parse::<OperationId>().ok()).and_then(OperationId::time);
        if began.is_none_or(|began| began >= before) || !has_served(&run)? {
            continue;
        }
        match std::fs::remove_dir_all(&run) {
            Ok(()) => deleted += 1,
            // Another supervisor deletes too.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(failed(DOING, &run, e)),
        }
    }
    Ok(deleted)
}

/// It has answered, and how it ended is known; it left no evidence (a state that could not be saved is in there); nobody
/// works in it.
fn has_served(run: &Path) -> Result<bool> {
    if run.join("evidence").exists() || run.join("scratch").exists() {
        return Ok(false);
    }
    let Some(text) = read(DOING, &run.join("result.json"))? else { return Ok(false) };
    let status = serde_json::from_slice::<Value>(&text)
        .ok()
        .and_then(|result| serde_json::from_value::<Status>(result.get("status")?.clone()).ok());
    if status.is_none_or(|status| !status.is_final() || status == Status::Unknown) {
        return Ok(false);
    }
    let lock = run.join("lock");
    match File::open(&lock) {
        Ok(file) => try_lock(&file, FlockOperation::NonBlockingLockExclusive, &lock),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
        Err(e) => Err(failed(DOING, &lock, e)),
    }
}
