//! An organization as written in `datamcp.toml`.

use serde::{Deserialize, Serialize};

use super::Credentials;

/// An organization of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Tier.
    pub tier: String,
    /// Its management account, twelve digits; a delegated administrator may look only.
    pub account_id: String,
    /// Region of what is made beside accounts.
    pub region: String,
    /// Roots and organizational units in which accounts may be placed, default all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// Domains of the addresses that accounts may have, default all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub email_domains: Vec<String>,
    /// Named profile of the shared AWS configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where the first keys come from, when it is not a profile or whatever there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Role to assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Seconds that a session of the role lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_duration_s: Option<u32>,
}
