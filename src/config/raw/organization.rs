//! An organization as written in `datamcp.toml`.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Credentials, GcpCredentials, Mfa};

/// An organization; `cloud` says whose, AWS's where it is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Organization {
    /// Of AWS.
    Aws(AwsOrganization),
    /// Of Google Cloud.
    Gcp(GcpOrganization),
}

impl<'de> Deserialize<'de> for Organization {
    /// The one that `cloud` names is read, so that a mistake in it is told as one of that kind.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let cloud = value.get("cloud").and_then(Value::as_str).unwrap_or("aws").to_owned();
        match cloud.as_str() {
            "gcp" => GcpOrganization::deserialize(value).map(Self::Gcp).map_err(D::Error::custom),
            "aws" => {
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("cloud");
                }
                AwsOrganization::deserialize(value).map(Self::Aws).map_err(D::Error::custom)
            }
            other => Err(D::Error::custom(format!(
                "`{other}` is no cloud of an organization: expected aws or gcp"
            ))),
        }
    }
}

/// An organization of AWS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsOrganization {
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
    /// The second factor of the user whose keys the first ones are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Mfa>,
}

/// An organization of Google Cloud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpOrganization {
    /// `gcp`.
    pub cloud: String,
    /// Tier.
    pub tier: String,
    /// Its number.
    pub organization_id: String,
    /// Where projects may be made, `organizations/NUMBER` and `folders/NUMBER`; default: anywhere in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// Accounts that projects may be billed to, default all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub billing_accounts: Vec<String>,
    /// Labels that every project gets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Where the first token comes from, default application default credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<GcpCredentials>,
    /// Service accounts to act as: each gives the next a token, the last one acts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impersonate: Vec<String>,
}
