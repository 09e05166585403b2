//! References to secrets. Settings say where a secret is, never what it is.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::EnvironmentKey;

/// How a reference to a secret of AWS Secrets Manager begins.
pub const AWS_SECRET: &str = "aws-secretsmanager";
/// How a reference to a secret of Google's Secret Manager begins.
pub const GCP_SECRET: &str = "gcp-secretmanager";

/// Where a secret is; never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// An environment variable of datamcp.
    Env(String),
    /// A file that holds nothing else.
    File(PathBuf),
    /// A secret of AWS Secrets Manager.
    Aws(CloudSecret),
    /// A secret of Google's Secret Manager.
    Gcp(CloudSecret),
}

/// A secret that a cloud keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudSecret {
    /// The environment as which it is fetched.
    pub environment: EnvironmentKey,
    /// Account or project that it has to be in.
    pub account: String,
    /// Region; Google's secrets have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Name, or ARN.
    pub name: String,
    /// The one entry of a JSON object that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Version, stage or alias; left out: the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl SecretRef {
    /// Whether a value, or one in it, is written like a reference to a secret manager. Where none is read, its text would
    /// go on as it stands. `env:` and `file:` are not looked for: plain values begin so, too.
    pub fn is_written_in(value: &Value) -> bool {
        match value {
            Value::String(text) => text
                .split_once(':')
                .is_some_and(|(scheme, _)| [AWS_SECRET, GCP_SECRET].contains(&scheme)),
            Value::Array(items) => items.iter().any(Self::is_written_in),
            Value::Object(entries) => entries.values().any(Self::is_written_in),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// The cloud's secret that is meant, if it is one.
    pub fn in_cloud(&self) -> Option<&CloudSecret> {
        match self {
            Self::Aws(secret) | Self::Gcp(secret) => Some(secret),
            Self::Env(_) | Self::File(_) => None,
        }
    }

    /// The environment variable that is meant, if it is one.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Aws(secret) => write!(f, "{AWS_SECRET}:{secret}"),
            Self::Gcp(secret) => {
                write!(f, "{GCP_SECRET}:projects/{}/secrets/{secret}", secret.account)
            }
        }
    }
}

impl fmt::Display for CloudSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(key) = &self.key {
            write!(f, "#{key}")?;
        }
        if let Some(version) = &self.version {
            write!(f, "@{version}")?;
        }
        Ok(())
    }
}
