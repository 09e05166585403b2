//! Where AWS keys come from, as written in `datamcp.toml`: nothing secret is among it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the first keys come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credentials {
    /// A profile of the shared AWS configuration.
    Profile {
        /// Its name.
        profile: String,
    },
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment {},
    /// A token file, exchanged at STS.
    WebIdentity {
        /// The token's file.
        token_file: PathBuf,
        /// The role it is exchanged for.
        role_arn: String,
    },
    /// A program that prints credentials.
    Process {
        /// Program and arguments.
        command: Vec<String>,
    },
    /// The container credential endpoint.
    Container {},
    /// The instance metadata service.
    Instance {},
}

/// The MFA device of the IAM user whose keys the first ones are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mfa {
    /// ARN of a virtual device, or serial number of a hardware one.
    pub serial: String,
    /// The seed that codes are computed from, `env:NAME` or `file:PATH`; left out: a person types the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<String>,
    /// Seconds that a code is good for, default 12 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<u32>,
}
