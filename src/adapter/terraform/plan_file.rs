//! Reads the state version that a saved plan was computed against: the plan is a zip, its member `tfstate` is that state.

use std::collections::BTreeSet;
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

#[derive(Deserialize)]
struct Inventory {
    #[serde(default)]
    resources: Vec<Stored>,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    module: Option<String>,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<serde::de::IgnoredAny>,
}

/// Addresses of the managed resources in a state, without the keys of their instances, and how many instances there are.
pub(super) fn resources_of(state: &[u8]) -> Result<(BTreeSet<String>, usize)> {
    if state.iter().all(u8::is_ascii_whitespace) {
        return Ok((BTreeSet::new(), 0));
    }
    let all: Inventory = serde_json::from_slice(state).map_err(|e| broken("the state", e))?;
    let managed = || all.resources.iter().filter(|r| r.mode == "managed");
    let address = |r: &Stored| match &r.module {
        Some(module) => format!("{module}.{}.{}", r.kind, r.name),
        None => format!("{}.{}", r.kind, r.name),
    };
    let addresses = managed().filter(|r| !r.instances.is_empty()).map(address).collect();
    Ok((addresses, managed().map(|r| r.instances.len()).sum()))
}

/// Whether a resource, or one instance of it, is among addresses without keys.
pub(super) fn is_among(addresses: &BTreeSet<String>, address: &str) -> bool {
    let instance = |of: &String| address.strip_prefix(of).is_some_and(|key| key.starts_with('['));
    let cut = address.strip_suffix(']').and_then(|open| open.rsplit_once('[')).map(|(of, _)| of);
    addresses.contains(address)
        || cut.is_some_and(|of| addresses.contains(of))
        || addresses.iter().any(instance)
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
    fn bar_28_resources_of_a_state_are_known_by_address() {
        let state = br#"{"lineage":"a","serial":1,"resources":[
            {"mode":"managed","type":"t","name":"one","instances":[{"index_key":0},{"index_key":1}]},
            {"module":"module.m[\"k\"]","mode":"managed","type":"t","name":"two","instances":[{}]},
            {"mode":"managed","type":"t","name":"none","instances":[]},
            {"mode":"data","type":"t","name":"read","instances":[{}]}]}"#;
        let (addresses, instances) = resources_of(state).unwrap();
        assert_eq!(instances, 3);
        for there in ["t.one", "t.one[1]", "t.one[\"a[0]\"]", "module.m[\"k\"].t.two"] {
            assert!(is_among(&addresses, there), "{there}");
        }
        for absent in ["t.on", "t.none", "t.read", "module.m.t.two", "module.m[\"k\"].t.one"] {
            assert!(!is_among(&addresses, absent), "{absent}");
        }
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        assert_eq!(addresses, ["module.m[\"k\"].t.two", "t.one"]);
        assert_eq!(resources_of(b"").unwrap().1, 0);
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
