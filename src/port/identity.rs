//! Who we are in the cloud, and short-lived credentials for children.

use async_trait::async_trait;

use super::ClusterToken;
use crate::error::Result;
use crate::model::Environment;
use crate::secret::Secret;

/// Who the cloud says we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Account id or project id.
    pub account: String,
    /// ARN or e-mail address.
    pub arn: String,
}

/// Credentials handed to a child by the credential process.
#[derive(Debug, Clone)]
pub enum ChildCredentials {
    /// Keys of AWS.
    Aws(ChildKeys),
    /// A token of Google Cloud.
    Google(ClusterToken),
}

/// Keys of AWS for a child.
#[derive(Debug, Clone)]
pub struct ChildKeys {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Session token, when they are temporary.
    pub session_token: Option<Secret>,
    /// When the child is to ask again, RFC 3339: a little before they end.
    pub expires: Option<String>,
}

/// Where an environment's keys come from, as `preflight` tells it. Nothing in it is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The source that was found, with every role on the way.
    pub source: String,
    /// When the keys end, RFC 3339; `None` when they do not, or do not say.
    pub expires: Option<String>,
    /// What works but should be looked at.
    pub advice: Vec<Advice>,
}

/// Something that should be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    pub fix: String,
}

/// Who we are in an environment's cloud. Looks only.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Asks the cloud who the environment's credentials belong to.
    async fn caller(&self, environment: &Environment, session: &str) -> Result<Caller>;

    /// Finds the environment's keys and tells where they came from.
    async fn origin(&self, environment: &Environment, session: &str) -> Result<Origin>;

    /// Credentials for a child, fresh enough to be used now. `session` names the role session.
    async fn credentials(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<ChildCredentials>;
}
