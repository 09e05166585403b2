//! Where an environment's credentials come from. Says where, never what: nothing secret is in here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{GoogleAccess, SecretRef};

/// Where the first keys come from. One choice; nothing else is tried when it fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum CredentialSource {
    /// Whatever the surroundings offer first, as the AWS SDKs look for it: variables, profile, web identity, container,
    /// instance. Metadata is asked only when nothing else is there.
    #[default]
    Ambient,
    /// A profile of the shared AWS configuration, and what that profile says.
    Profile {
        /// Its name.
        profile: String,
    },
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// A token file, exchanged at STS.
    WebIdentity {
        /// Absolute path of the token.
        token_file: PathBuf,
        /// The role it is exchanged for.
        role_arn: String,
    },
    /// A program that prints credentials.
    Process {
        /// Program (absolute path) and arguments; no shell.
        command: Vec<String>,
    },
    /// The container credential endpoint (ECS, EKS Pod Identity).
    Container,
    /// The instance metadata service, version 2.
    Instance,
    /// Google Cloud's: a token instead of keys.
    Google(GoogleAccess),
}

impl CredentialSource {
    /// In a few words, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Ambient => "ambient credentials".to_owned(),
            Self::Profile { profile } => format!("profile {profile}"),
            Self::Environment => "environment variables".to_owned(),
            Self::WebIdentity { role_arn, .. } => format!("web identity as {role_arn}"),
            Self::Process { command } => {
                format!("process {}", command.first().map_or("", String::as_str))
            }
            Self::Container => "container credentials".to_owned(),
            Self::Instance => "instance metadata".to_owned(),
            Self::Google(access) => access.words(),
        }
    }
}

/// A role that is assumed with the first keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumedRole {
    /// Its ARN.
    pub arn: String,
    /// What the role's trust policy may ask of third parties.
    pub external_id: Option<String>,
}

/// The second factor of an IAM user: one code of its device gives a session, and roles are assumed from that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mfa {
    /// ARN of a virtual device, or serial number of a hardware one.
    pub serial: String,
    /// Where the seed is that codes are computed from: a variable or a file. Without it a person types the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<SecretRef>,
    /// Seconds that a code is good for.
    pub duration_s: u32,
}

impl Mfa {
    /// Seconds that a code is good for when nobody says (STS reference, "GetSessionToken": `DurationSeconds`).
    pub const DURATION_S: u32 = 43_200;
}
