//! Reads the state version that a saved plan was computed against: the plan is a zip, its member `tfstate` is that state.

use std::io::{Cursor, Read};

use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};
use crate::model::StateVersion;

/// Largest state that is read.
const STATE_MAX: u64 = 512 * 1024 * 1024;

#[derive(Default, Deserialize)]
struct Head {
    #[serde(default)]
    lineage: String,
    #[serde(default)]
    serial: u64,
}

/// Lineage and serial of a state; nothing at all is the state that does not exist yet.
pub(super) fn version_of(state: &[u8]) -> Result<StateVersion> {
    if state.iter().all(u8::is_ascii_whitespace) {
        return Ok(StateVersion::default());
    }
    let head: Head = serde_json::from_slice(state).map_err(|e| broken("the state", e))?;
    Ok(StateVersion { lineage: head.lineage, serial: head.serial })
}

/// The state that the plan was computed against.
pub(super) fn prior_state(plan: &[u8]) -> Result<StateVersion> {
    let mut zip =
        zip::ZipArchive::new(Cursor::new(plan)).map_err(|e| broken("the saved plan", e))?;
    let member = zip.by_name("tfstate").map_err(|e| broken("the saved plan", e))?;
    let mut state = Vec::new();
    member.take(STATE_MAX).read_to_end(&mut state).map_err(|e| broken("the saved plan", e))?;
    version_of(&state)
}

fn broken(what: &str, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::UpstreamFailed, format!("reading {what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PRIOR: &[u8] = include_bytes!("../../../fixtures/terraform/replace/prior.tfstate.json");

    #[test]
    fn the_version_is_read_from_the_member() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("tfstate", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(PRIOR).unwrap();
        let version = prior_state(&zip.finish().unwrap().into_inner()).unwrap();
        assert_eq!(version.serial, 3);
        assert_eq!(version.lineage, "d440e7f9-643a-45ef-7044-fd945ff6b409");
    }

    #[test]
    fn no_state_is_version_nothing() {
        assert_eq!(version_of(b"\n").unwrap(), StateVersion::default());
    }

    #[test]
    fn fault_37_bytes_that_are_no_plan() {
        assert_eq!(prior_state(b"PK nonsense").unwrap_err().code, ErrorCode::UpstreamFailed);
    }
}
