//! Where a managed cluster's API is, as its cloud says. Looks only.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::error::Result;
use crate::model::Environment;
use crate::secret::Secret;

/// What the cloud says of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its name.
    pub name: String,
    /// Its full name in the cloud; it holds the account.
    pub arn: String,
    /// URL of its API.
    pub endpoint: String,
    /// Account or project that it is in.
    pub account: String,
    /// What the cloud calls this sort of cluster, for people: `EKS`, `GKE Autopilot`.
    pub kind: String,
    /// Certificate of the authority behind its API, base64 of PEM, as kubeconfigs hold it; empty where it is one that
    /// every system trusts.
    pub certificate_authority: String,
    /// Version of Kubernetes.
    pub version: String,
    /// Whether its API can be reached from inside of its network only.
    pub private_only: bool,
}

/// As whom the API of a cluster is spoken to.
#[derive(Debug, Clone)]
pub enum ClusterUser {
    /// As the environment's identity: our own program makes the tokens.
    Minted,
    /// As whom settings lead to.
    Given(Box<GivenUser>),
}

/// A user that a kubeconfig or the pod that we run in gives.
#[derive(Debug, Clone)]
pub struct GivenUser {
    /// Who it is, as far as that can be told without a question and without a secret. Plans are bound to it.
    pub about: String,
    /// The name that the API's certificate has, when it is not the endpoint's host.
    pub tls_server_name: Option<String>,
    /// What proves it.
    pub proof: UserProof,
}

/// What proves to a cluster who speaks.
#[derive(Debug, Clone)]
pub enum UserProof {
    /// A token.
    Token(Secret),
    /// A file with a token that somebody keeps fresh.
    TokenFile(PathBuf),
    /// A certificate and its key, both base64 of PEM.
    Certificate {
        /// The certificate.
        certificate: String,
        /// Its key.
        key: Secret,
    },
    /// A program that prints a token: settings name it, with its arguments.
    Command {
        /// Version of what it prints.
        api_version: String,
        /// The program and its arguments.
        words: Vec<String>,
    },
}

impl ClusterUser {
    /// Texts that nobody is to see.
    pub fn secrets(&self) -> Vec<String> {
        match self {
            Self::Given(given) => match &given.proof {
                UserProof::Token(secret) | UserProof::Certificate { key: secret, .. } => {
                    vec![secret.expose().to_owned()]
                }
                UserProof::TokenFile(_) | UserProof::Command { .. } => Vec::new(),
            },
            Self::Minted => Vec::new(),
        }
    }
}

/// A cluster that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterFound {
    /// It is there and its API answers.
    Active(ClusterFacts),
    /// It is there, but its API cannot be used now: the cloud's word for why.
    NotActive(String),
    /// There is none of this name; these there are.
    Absent(Vec<String>),
    /// There is none of this name there, but one in this other location.
    Elsewhere(String),
}

/// Something that the cloud does to a cluster now, or could not do last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOperation {
    /// The cloud's name for it.
    pub id: String,
    /// What it is: `UPGRADE_MASTER`.
    pub kind: String,
    /// Since when.
    pub since: String,
    /// How far it is, where the cloud tells.
    pub progress: Option<String>,
    /// Why it failed. Then it has ended.
    pub error: Option<String>,
}

impl ClusterOperation {
    /// At most so many of them in words, the running ones first.
    pub fn words(all: &[Self], most: usize) -> String {
        let one = |o: &Self| {
            let Self { id, kind, since, .. } = o;
            match (&o.error, &o.progress) {
                (Some(why), _) => format!("{kind} ({id}) of {since} failed: {why}"),
                (None, Some(far)) => format!("{kind} ({id}) since {since}, {far}"),
                (None, None) => format!("{kind} ({id}) since {since}"),
            }
        };
        let named: Vec<String> = all.iter().take(most).map(one).collect();
        let more = if all.len() > most { " and more" } else { "" };
        format!("{}{more}", named.join("; "))
    }
}

/// Finds clusters.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// Asks the cloud about a cluster of the environment's account, in one question when it is there. `region` is where it
    /// is looked for; a zone will do where the cloud has clusters of zones.
    async fn find(
        &self,
        environment: &Environment,
        session: &str,
        region: &str,
        name: &str,
    ) -> Result<ClusterFound>;

    /// What the cloud does to a cluster now, then what it did last if that failed; nothing where it does not tell.
    async fn operations(
        &self,
        _environment: &Environment,
        _session: &str,
        _region: &str,
        _name: &str,
    ) -> Result<Vec<ClusterOperation>> {
        Ok(Vec::new())
    }

    /// Permissions that the use of a cluster takes in the environment's account, and that its identity does not have; nothing
    /// where that cannot be asked.
    async fn lacks(&self, _environment: &Environment) -> Result<Vec<&'static str>> {
        Ok(Vec::new())
    }
}
