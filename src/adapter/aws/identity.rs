//! Who we are in AWS, and short-lived credentials for children.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;
use crate::port::{Caller, ChildCredentials, Identity};
use crate::secret::Secret;

/// Longest time to find credentials and ask STS.
const LIMIT: Duration = Duration::from_secs(20);
/// Credentials that end sooner than this are asked for again.
const MARGIN: Duration = Duration::from_mins(1);

/// Identity by the AWS SDK.
#[derive(Debug, Default)]
pub struct AwsIdentity {
    /// Endpoint overrides that were inherited from the environment of the process: they could redirect signed calls.
    pub inherited_overrides: Vec<String>,
    known: Mutex<HashMap<String, SdkConfig>>,
    held: Mutex<HashMap<String, Credentials>>,
}

impl AwsIdentity {
    /// An identity that refuses to work under inherited endpoint overrides that settings do not repeat.
    pub fn new(inherited_overrides: Vec<String>) -> Self {
        Self { inherited_overrides, ..Self::default() }
    }

    /// The SDK's settings for an environment: region, endpoint, credentials.
    pub(super) async fn settings(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<SdkConfig> {
        if let (None, Some(name)) = (&environment.endpoint_url, self.inherited_overrides.first()) {
            return Err(Error::new(ErrorCode::InvalidRequest, format!("finding credentials for {}: {name} is set in the environment and would redirect signed calls", environment.key))
                .field(name)
                .next("unset it, or name the endpoint in [aws] endpoint_url"));
        }
        let key = format!("{} {session}", environment.digest());
        let mut known = self.known.lock().await;
        if let Some(settings) = known.get(&key) {
            return Ok(settings.clone());
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(environment.region.clone()));
        if let Some(profile) = &environment.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &environment.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(bundle) = &environment.ca_bundle {
            loader = loader.http_client(super::trust::client(bundle)?);
        }
        let mut settings = loader.load().await;
        if let Some(role) = &environment.role_arn {
            let name: String = session
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || "-_=,.@".contains(*c))
                .take(64)
                .collect();
            let provider = AssumeRoleProvider::builder(role)
                .session_name(name)
                .configure(&settings)
                .build()
                .await;
            settings = settings
                .into_builder()
                .credentials_provider(
                    aws_credential_types::provider::SharedCredentialsProvider::new(provider),
                )
                .build();
        }
        known.insert(key, settings.clone());
        Ok(settings)
    }
}

async fn limited<T>(doing: &str, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorCode::TimedOut,
            format!("{doing}: no answer within {} s", LIMIT.as_secs()),
        ))
    })
}

#[async_trait]
impl Identity for AwsIdentity {
    async fn caller(&self, environment: &Environment, session: &str) -> Result<Caller> {
        let doing = format!("asking AWS who we are for {}", environment.key);
        limited(&doing, Box::pin(async {
            let settings = self.settings(environment, session).await?;
            let answer = aws_sdk_sts::Client::new(&settings).get_caller_identity().send().await;
            let answer = answer.map_err(|e| {
                Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {}", causes(&e)))
                    .next("give credentials: AWS_PROFILE, `profile` or `role_arn` of the environment, or an instance role")
            })?;
            Ok(Caller {
                account: answer.account().unwrap_or_default().to_owned(),
                arn: answer.arn().unwrap_or_default().to_owned(),
            })
        }))
        .await
    }

    async fn credentials(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<ChildCredentials> {
        let doing = format!("finding credentials for {}", environment.key);
        let key = format!("{} {session}", environment.digest());
        let mut held = self.held.lock().await;
        let fresh = |c: &Credentials| {
            c.expiry().is_none_or(|at| at.duration_since(now()).is_ok_and(|left| left > MARGIN))
        };
        if let Some(found) = held.get(&key).filter(|c| fresh(c)) {
            return Ok(child(found));
        }
        let found = limited(
            &doing,
            Box::pin(async {
                let settings = self.settings(environment, session).await?;
                let provider = settings
                    .credentials_provider()
                    .ok_or_else(|| Error::internal(&doing, "no provider"))?;
                provider.provide_credentials().await.map_err(|e| {
                    Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {}", causes(&e)))
                })
            }),
        )
        .await?;
        let answer = child(&found);
        held.insert(key, found);
        Ok(answer)
    }
}

/// The causes of an error, outermost first, each once: the SDK's own rendering adds a dump of its structures.
pub(super) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |e| e.source()) {
        let text = cause.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

fn now() -> std::time::SystemTime {
    crate::clock::Clock::now(&crate::clock::SystemClock).into()
}

fn child(found: &Credentials) -> ChildCredentials {
    ChildCredentials {
        access_key_id: found.access_key_id().to_owned(),
        secret_access_key: Secret::new(found.secret_access_key()),
        session_token: found.session_token().map(Secret::new),
        expires: found
            .expiry()
            .and_then(|at| Timestamp::try_from(at).ok())
            .map(|at| at.to_string()),
    }
}
