//! Where an environment's Terraform state lies. Not how it is reached: that is rendered by the adapter.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Digest, SecretRef};

/// Where the state lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "lowercase")]
pub enum Backend {
    /// An object in S3, locked by a lock file beside it.
    S3 {
        /// Bucket.
        bucket: String,
        /// Object key of the default workspace's state.
        key: String,
        /// The bucket's region.
        region: String,
        /// A `DynamoDB` table in which the lock is taken as well, for clients that know no lock file.
        #[serde(default)]
        lock_table: Option<String>,
        /// ARN of the KMS key that encrypts it, instead of a key of S3.
        #[serde(default)]
        kms_key: Option<String>,
    },
    /// An object in Google Cloud Storage; its own lock is always on.
    Gcs {
        /// Bucket.
        bucket: String,
        /// Folder of the states, one object a workspace.
        prefix: String,
        /// File with Google credentials, for the backend alone.
        #[serde(default)]
        credentials: Option<PathBuf>,
        /// `host:port` of an emulator of the storage.
        #[serde(default)]
        emulator: Option<String>,
        /// What the bucket should be like.
        #[serde(default)]
        terms: Box<GcsTerms>,
    },
    /// A workspace of HCP Terraform or Terraform Enterprise whose runs are carried out here.
    Cloud {
        /// Host.
        hostname: String,
        /// Organization.
        organization: String,
        /// Workspace.
        workspace: String,
        /// Where the token is.
        token: SecretRef,
    },
    /// A file on this machine.
    Local {
        /// Absolute path.
        path: PathBuf,
    },
}

/// What a bucket of Cloud Storage should be like, where settings say it. Terraform is told none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcsTerms {
    /// Where it is: a region, or a name of several, as `EU`; `None`: the environment's region.
    pub location: Option<String>,
    /// Name of the key of Cloud KMS that encrypts by default.
    pub kms_key: Option<String>,
    /// Days that deleted objects can be restored.
    pub soft_delete_days: Option<u32>,
    /// Newest replaced versions that never expire.
    pub keep_versions: Option<u32>,
    /// Labels of the bucket.
    pub labels: BTreeMap<String, String>,
}

impl Backend {
    /// The name that Terraform gives to this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::S3 { .. } => "s3",
            Self::Gcs { .. } => "gcs",
            Self::Cloud { .. } => "cloud",
            Self::Local { .. } => "local",
        }
    }

    /// The block that a root module holds for this kind; its values come from settings.
    pub fn block(&self) -> String {
        match self {
            Self::Cloud { .. } => "cloud {}".to_owned(),
            other => format!("backend \"{}\" {{}}", other.kind()),
        }
    }

    /// Identity of the place, as bound into approvals.
    pub fn identity(&self) -> String {
        match self {
            Self::S3 { bucket, key, region, .. } => format!("s3://{bucket}/{key}@{region}"),
            Self::Gcs { bucket, prefix, .. } => format!("gs://{bucket}/{prefix}"),
            Self::Cloud { hostname, organization, workspace, .. } => {
                format!("cloud:{hostname}/{organization}/{workspace}")
            }
            Self::Local { path } => format!("local:{}", path.display()),
        }
    }

    /// Digest of how the place is reached, locked and encrypted, beside its identity: a saved plan carries it inside.
    pub fn terms(&self) -> Digest {
        Digest::of_json(&match self {
            Self::S3 { lock_table, kms_key, .. } => json!([lock_table, kms_key]),
            Self::Gcs { credentials, emulator, .. } => json!([credentials, emulator]),
            Self::Cloud { token, .. } => json!([token]),
            Self::Local { .. } => json!([]),
        })
    }
}
