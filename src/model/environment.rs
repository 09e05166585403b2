//! Environments: one root module with its account, its state and its rules.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Action, ArgoProject, AssumedRole, Backend, Cluster, CredentialSource, Digest, Mfa,
    Organization, SecretRef, Target,
};

/// A cloud.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
}

impl Cloud {
    /// The word used in paths and requests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
        }
    }
}

/// Cloud and name: what a request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EnvironmentKey {
    /// The cloud.
    pub cloud: Cloud,
    /// The name, unique within the cloud.
    pub name: String,
}

impl fmt::Display for EnvironmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cloud.word(), self.name)
    }
}

/// How careful to be: the part of the policy that belongs to a kind of environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Its name in configuration.
    pub name: String,
    /// Kinds of change that `auto_approve` may cover.
    pub auto_approve: Vec<Action>,
    /// People who may decide; empty: the operating system's user at a terminal.
    pub approvers: Vec<String>,
    /// Whether the approver has to be somebody else than the requester.
    pub approver_other_than_requester: bool,
    /// Whether an approval needs a second factor.
    pub mfa: bool,
    /// Whether the approver types the environment's name for every change, not only for destruction.
    pub typed_name: bool,
    /// Most resources one plan may delete or replace; no argument lifts it.
    pub max_delete: Option<usize>,
    /// Resource types that only a person who types the environment's name may delete or replace.
    pub protected: Vec<String>,
}

/// One environment as configuration describes it, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Cloud and name.
    pub key: EnvironmentKey,
    /// Its tier.
    pub tier: Tier,
    /// Absolute path of the tree that is copied for a run (the `infra/{cloud}` folder).
    pub tree: PathBuf,
    /// The root module, relative to `tree`.
    pub root: PathBuf,
    /// AWS account id or GCP project id that every operation must meet.
    pub account: String,
    /// Default region.
    pub region: String,
    /// Where the state lives.
    pub backend: Backend,
    /// The only workspace it may be used with, when configuration fixes one.
    pub workspace: Option<String>,
    /// Variables of every run, before the request's.
    pub vars: BTreeMap<String, Value>,
    /// Variables of every run whose values are secrets, fetched when they are needed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_vars: BTreeMap<String, SecretRef>,
    /// Where credentials come from.
    pub credentials: CredentialSource,
    /// Role to assume with them, session name = operation id.
    pub role: Option<AssumedRole>,
    /// Seconds that a role session lasts; `None`: what AWS gives, an hour.
    pub session_duration_s: Option<u32>,
    /// The second factor of the user whose keys the first ones are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Mfa>,
    /// Endpoint of an emulator of the cloud's APIs, when configuration names one.
    pub endpoint_url: Option<String>,
    /// Certificates of the authorities to trust for AWS, in place of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Its cluster.
    pub cluster: Option<Cluster>,
    /// Its project of an Argo CD.
    pub argocd: Option<ArgoProject>,
    /// The organization that it stands for: then it has neither root module nor state, and `key` holds the
    /// organization's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<Organization>,
    /// Role that is assumed last, in an account of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_role: Option<String>,
}

impl Environment {
    /// Where its cluster is.
    pub fn cluster_location(&self) -> &str {
        let own = self.cluster.as_ref().and_then(|cluster| cluster.location.as_deref());
        own.unwrap_or(&self.region)
    }

    /// What an operation on it is about.
    pub fn target(&self) -> Target {
        match &self.organization {
            Some(organization) => Target::Organization(organization.name.clone()),
            None => Target::Environment(self.key.clone()),
        }
    }

    /// One account of an organization, reached from where the organization is reached by a role in that account.
    #[must_use]
    pub fn member(&self, account: &str, role: &str, backend: Backend) -> Self {
        let mut member = self.clone();
        member.member_role = Some(format!("arn:aws:iam::{account}:role/{role}"));
        account.clone_into(&mut member.account);
        member.backend = backend;
        if let Some(organization) = &mut member.organization {
            organization.member = true;
        }
        member
    }

    /// Digest of what configuration says about how it is reached and where its module lies: part of what an approval
    /// means. The tier is asked anew before every effect; variables, account and place of the state are bound by
    /// themselves.
    pub fn digest(&self) -> Digest {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            for key in ["tier", "vars", "account", "backend"] {
                map.remove(key);
            }
            map.insert("state".to_owned(), self.backend.terms().to_string().into());
        }
        Digest::of_json(&value)
    }
}
