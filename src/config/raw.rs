//! `datamcp.toml` as written. Unknown keys are errors; meaning is given by `config::valid`.

mod credentials;
mod google;
mod organization;
mod secrets;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Action, Role};

pub use credentials::{Credentials, Mfa};
pub use google::{Gcp, GcpCredentials, GcpEnvironment};
pub use organization::{AwsOrganization, GcpOrganization, Organization};
pub use secrets::Secrets;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// Id of the project: names the state folder.
    pub project: String,
    /// Environments by cloud and name.
    #[serde(default)]
    pub environments: Environments,
    /// Organizations by name: accounts are made there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub organizations: BTreeMap<String, Organization>,
    /// Tiers by name.
    #[serde(default)]
    pub tiers: BTreeMap<String, Tier>,
    /// Principals by name: who asks.
    #[serde(default)]
    pub principals: BTreeMap<String, Principal>,
    /// People by name: who decides.
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    /// Programs by name that use datamcp as a library and may bring a person's decision.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, Program>,
    /// Terraform.
    #[serde(default)]
    pub terraform: Terraform,
    /// Helm.
    #[serde(default, skip_serializing_if = "Helm::is_default")]
    pub helm: Helm,
    /// Argo CD servers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub argocd: BTreeMap<String, ArgoServer>,
    /// AWS.
    #[serde(default)]
    pub aws: Aws,
    /// Google Cloud.
    #[serde(default)]
    pub gcp: Gcp,
    /// Where secrets may lie.
    #[serde(default, skip_serializing_if = "Secrets::is_default")]
    pub secrets: Secrets,
    /// Where state and log lie.
    #[serde(default)]
    pub store: Store,
    /// Waiting for a held environment.
    #[serde(default)]
    pub lock: Lock,
    /// What the first sequence goes on with once there is a cluster.
    #[serde(default, skip_serializing_if = "Poc::is_default")]
    pub poc: Poc,
}

/// Environments by cloud.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environments {
    /// AWS environments by name.
    #[serde(default)]
    pub aws: BTreeMap<String, AwsEnvironment>,
    /// Google Cloud environments by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gcp: BTreeMap<String, GcpEnvironment>,
}

/// One AWS environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsEnvironment {
    /// Tier.
    pub tier: String,
    /// Account that every operation must meet, twelve digits.
    pub account_id: String,
    /// Default region.
    pub region: String,
    /// Where the state lies.
    pub state: State,
    /// Folder of the root module, default `infra/aws/envs/NAME`.
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
    /// Its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// Its project of an Argo CD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argocd: Option<ArgoProject>,
}

/// What `datamcp poc` goes on with in the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poc {
    /// Argo CD's own chart, a folder below `helm/` or a chart of a source; left out: the environment's Argo CD is there
    /// already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<String>,
    /// Version that it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// File with the values for it, relative to the settings file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<PathBuf>,
    /// Namespace that it goes into, default `argocd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The application that is made and synced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<PocApplication>,
}

impl Poc {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The application of the first sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PocApplication {
    /// Its name.
    pub name: String,
    /// URL of the repository with its manifests.
    pub repo: String,
    /// Folder in it.
    pub path: String,
    /// Commit, tag or branch to follow.
    pub revision: String,
    /// Namespace to deploy to.
    pub namespace: String,
}

/// The cluster of an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name in the cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In place of a name: a kubeconfig, relative to the settings file, whose `context` is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
    /// In place of a name: the cluster that we run in, as the pod's service account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_cluster: bool,
    /// The one command, with its arguments, that the kubeconfig's user may run for credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exec: Vec<String>,
    /// Uid that its namespace `kube-system` must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Name of its kube context, default `CLOUD-ENV`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Role that the cluster's access entries know, default the environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// GKE: region or zone that it is in, default the environment's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Namespaces that may be changed, default all but those of Kubernetes itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// An Argo CD server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgoServer {
    /// Where it is: https, or http on this machine.
    pub url: String,
    /// `env:NAME` or `file:PATH`.
    pub token: String,
    /// PEM file with the authorities to trust, in place of the system's; relative to the settings file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// The project of an Argo CD that is an environment's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgoProject {
    /// Name of the server under `[argocd]`.
    pub server: String,
    /// Its project.
    pub project: String,
    /// The project's own token, default the server's: `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// URL of the cluster to deploy to, as Argo CD knows it, default the one that Argo CD runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Repositories that its applications may come from, default what the project allows: URLs, or beginnings of URLs
    /// that end with a slash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<String>,
}

/// State backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "lowercase", deny_unknown_fields)]
pub enum State {
    /// S3 with a lock file.
    S3 {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
        /// Region of the bucket, default the environment's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// `DynamoDB` table in which the lock is taken as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lock_table: Option<String>,
        /// ARN of the KMS key that encrypts state and table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kms_key: Option<String>,
    },
    /// Google Cloud Storage.
    Gcs {
        /// Bucket.
        bucket: String,
        /// Folder of the states in it.
        prefix: String,
        /// File with Google credentials, relative to the settings file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credentials: Option<PathBuf>,
        /// Where the bucket is, default the environment's region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        /// Key of Cloud KMS that encrypts by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kms_key: Option<String>,
        /// Days that deleted objects can be restored, default 7 or what is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        soft_delete_days: Option<u32>,
        /// Newest replaced versions that never expire, default 10.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep_versions: Option<u32>,
        /// Labels of the bucket.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
    },
    /// HCP Terraform or Terraform Enterprise, runs carried out here.
    Cloud {
        /// Organization.
        organization: String,
        /// Workspace.
        workspace: String,
        /// Host, default `app.terraform.io`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hostname: Option<String>,
        /// `env:NAME` or `file:PATH`.
        token: String,
    },
    /// A file, relative to the settings file.
    Local {
        /// Path.
        path: PathBuf,
    },
}

/// Tier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What `auto_approve` may cover.
    #[serde(default)]
    pub auto_approve: Vec<Action>,
    /// People who may decide.
    #[serde(default)]
    pub approvers: Vec<String>,
    /// Default: true for `prod` and `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver_other_than_requester: Option<bool>,
    /// Second factor.
    #[serde(default)]
    pub mfa: bool,
    /// Default: true for `prod` and `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed_name: Option<bool>,
    /// Most resources that one plan may delete or replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete: Option<usize>,
    /// Types that only a person who types the environment's name may delete or replace, instead of the built-in list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<Vec<String>>,
    /// Programs whose word for a person's decision counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// The operating system's user.
    pub os_user: String,
    /// Roles.
    pub roles: Vec<Role>,
}

/// Who decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The operating system's user at the terminal; left out for somebody who decides through a program only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_user: Option<String>,
}

/// A program that uses datamcp as a library and has a way of its own to ask people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The operating system's user that it runs as.
    pub os_user: String,
}

/// Terraform.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terraform {
    /// Path of `terraform` or `tofu`, default the first on `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<PathBuf>,
    /// Folder with `registry.terraform.io/…`; given, nothing is downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_mirror: Option<PathBuf>,
    /// Providers that may run, instead of the built-in list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<String>>,
    /// Code that modules may run on this machine: `local-exec`, `remote-exec`, `external`, `http`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_code: Vec<String>,
    /// Minutes after which a plan is checked for drift before it runs, default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_after_min: Option<u32>,
    /// Prefixes of remote module sources that may be used, with a pinned ref.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
}

/// Helm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Helm {
    /// Path of `helm`, default the first on `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<PathBuf>,
    /// Places by name that charts may be fetched from, besides the project's own folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, ChartSource>,
}

/// A place that charts may be fetched from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartSource {
    /// `https://HOST/PATH` of a repository, or `oci://HOST/PATH` of a registry: all charts below it.
    pub url: String,
    /// Speak plain http: only with this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain_http: bool,
    /// User's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// That user's password: `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Certificates of authorities, PEM, in place of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Public keys (`gpg --export`) that signatures are checked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyring: Option<PathBuf>,
    /// Refuse a chart that is not signed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// Beginnings of URLs, besides `url`, that the source may send us to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
}

impl Helm {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// AWS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// Endpoint of an AWS-compatible emulator. Never set it for a real account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// PEM file with the authorities to trust, in place of the system's; relative to the settings file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<PathBuf>,
}

/// Stores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// State folder, default `$XDG_STATE_HOME/datamcp/PROJECT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PathBuf>,
    /// The second place that knows the heads of the log's chains, default a folder in the state folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<PathBuf>,
    /// Days that the folder of an operation (its whole log and answer) is kept, default 90; 0 keeps all. The operations
    /// log itself is never shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_runs_days: Option<u32>,
}

/// Waiting for a held environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Seconds to wait before `lock_held` is answered.
    #[serde(default)]
    pub wait_s: u64,
}
