//! A lab on an emulator that somebody else runs: `DATAMCP_TEST_AWS_ENDPOINT` names it (LocalStack, a moto server of one's own).
//! It lacks the lab's additions; a test that needs one says so in these words, and the lane counts them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Lab, Tools};
use crate::child::Identity;

/// How the end of a test begins that needs what such an emulator does not have.
pub(crate) const NEEDS: &str = "needs the lab's addition";

/// The endpoint of somebody else's emulator, where one is named.
pub(crate) fn endpoint() -> Option<String> {
    let named = std::env::var("DATAMCP_TEST_AWS_ENDPOINT").ok()?;
    Some(named.trim_end_matches('/').to_owned()).filter(|named| !named.is_empty())
}

/// What a test says that needs an addition.
pub fn without(addition: &str) -> String {
    format!("{NEEDS} {addition}, which DATAMCP_TEST_AWS_ENDPOINT does not have")
}

/// A lab on that emulator, in the account that it plays for the lab's keys. It counts as up as long as the process that
/// asks for it.
pub(super) fn describe(tools: &Tools, folder: &Path, endpoint: String) -> Result<Lab> {
    let us = Identity::of(std::process::id()).context("looking at this process")?;
    let mut lab = Lab::described(tools, folder, us, endpoint, (String::new(), PathBuf::new()))?;
    lab.aws.account_id = lab.emulator().account()?;
    Ok(lab)
}
