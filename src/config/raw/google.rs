//! Google Cloud as written in `datamcp.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ArgoProject, Cluster, State};

/// Google Cloud.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gcp {
    /// Where a stand-in for Google's APIs answers. Never set it for a real project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// `host:port` of an emulator of Cloud Storage. Never set it for a real project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_emulator: Option<String>,
}

/// One Google Cloud environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpEnvironment {
    /// Tier.
    pub tier: String,
    /// Project that every operation must meet.
    pub project_id: String,
    /// Default region.
    pub region: String,
    /// Where the state lies.
    pub state: State,
    /// Folder of the root module, default `infra/gcp/envs/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// The only workspace it may be used with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Variables of every run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, Value>,
    /// Variables of every run whose values are secrets, by reference.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_vars: BTreeMap<String, String>,
    /// Where the first token comes from, default application default credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<GcpCredentials>,
    /// Service accounts to act as: each gives the next a token, the last one acts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impersonate: Vec<String>,
    /// Its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// Its project of an Argo CD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argocd: Option<ArgoProject>,
}

/// Where the first token comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum GcpCredentials {
    /// As Google's own libraries look for them: a variable, gcloud's file, the metadata server.
    ApplicationDefault {
        /// Programs that the file may start to get its token.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        executables: Vec<PathBuf>,
    },
    /// A file, relative to the settings file.
    File {
        /// Its path.
        path: PathBuf,
        /// Programs that it may start to get its token.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        executables: Vec<PathBuf>,
    },
    /// The metadata server of a Google machine.
    Metadata {},
}
