//! Who we are in the cloud, and short-lived credentials for children.

use async_trait::async_trait;

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
pub struct ChildCredentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Session token, when they are temporary.
    pub session_token: Option<Secret>,
    /// When they end, RFC 3339.
    pub expires: Option<String>,
}

/// Who we are in an environment's cloud. Looks only.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Asks the cloud who the environment's credentials belong to.
    async fn caller(&self, environment: &Environment, session: &str) -> Result<Caller>;

    /// Credentials for a child, fresh enough to be used now. `session` names the role session.
    async fn credentials(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<ChildCredentials>;
}
