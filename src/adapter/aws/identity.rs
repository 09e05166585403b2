//! Who we are in AWS, and short-lived credentials for children: found once, kept in memory, renewed before they end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideFuture;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::credentials::{self, Found, SecondFactor, Wanted, find, redirected};
use super::trust::OnDemand;
use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::Environment;
use crate::port::{
    Caller, ChildCredentials, ChildKeys, Device, Identity, Origin, SignIn, SignedIn,
};
use crate::secret::{Secret, Variables};

/// Longest time to find credentials, and again to ask STS.
const LIMIT: Duration = Duration::from_secs(20);
/// Keys are renewed this long before they end, or a quarter of their life before, whichever is shorter: a request that is
/// signed just now has to arrive while they last.
const MARGIN: Duration = Duration::from_mins(1);
/// Keys that do not say when they end are looked up again after this: somebody may have replaced them.
const WITHOUT_END: Duration = Duration::from_mins(5);

/// Identity by the AWS SDK.
#[derive(Debug, Default)]
pub struct AwsIdentity {
    keys: Arc<Keys>,
    known: Mutex<HashMap<String, SdkConfig>>,
}

/// Keys that are in use, by environment and session.
#[derive(Debug, Default)]
struct Keys {
    /// Endpoint overrides that were inherited from the environment of the process: they could redirect signed calls.
    overrides: Vec<String>,
    variables: Variables,
    factor: SecondFactor,
    held: Mutex<HashMap<String, Arc<Mutex<Option<Held>>>>>,
}

#[derive(Debug, Clone)]
struct Held {
    found: Found,
    /// When to ask the source again.
    until: SystemTime,
}

impl AwsIdentity {
    /// An identity that finds keys by these environment variables, and refuses to work under inherited endpoint
    /// overrides that settings do not repeat.
    pub fn new(
        overrides: Vec<String>,
        variables: impl IntoIterator<Item = (String, String)>,
        factor: SecondFactor,
    ) -> Self {
        let variables = Variables::new(variables);
        let keys = Keys { overrides, variables, factor, held: Mutex::default() };
        Self { keys: Arc::new(keys), known: Mutex::default() }
    }

    /// The session in which the environment's keys are used already; a fetched secret needs none of its own.
    pub(super) async fn session_of(&self, environment: &Environment) -> String {
        let digest = format!("{} ", environment.digest());
        let known = self.known.lock().await;
        let found = known.keys().find_map(|key| key.strip_prefix(&digest));
        found.map_or_else(|| "datamcp-secrets".to_owned(), str::to_owned)
    }

    /// The SDK's settings for an environment: region, endpoint, credentials that renew themselves.
    pub(super) async fn settings(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<SdkConfig> {
        self.keys.held(environment, session).await?;
        let key = key(environment, session);
        if let Some(settings) = self.known.lock().await.get(&key) {
            return Ok(settings.clone());
        }
        let renewing = Renewing {
            keys: Arc::clone(&self.keys),
            environment: environment.clone(),
            session: session.to_owned(),
        };
        let settings = bare(&Place::of(environment)).await?;
        let provider = SharedCredentialsProvider::new(renewing);
        let settings = settings.into_builder().credentials_provider(provider).build();
        self.known.lock().await.insert(key, settings.clone());
        Ok(settings)
    }
}

impl Keys {
    async fn forget(&self, environment: &Environment, session: &str) {
        self.held.lock().await.remove(&key(environment, session));
    }

    /// What is wanted for an environment; refused where an inherited endpoint would redirect it.
    fn wanted<'e>(&self, environment: &'e Environment) -> Result<Wanted<'e>> {
        let wanted = Wanted::of(environment);
        match (&environment.endpoint_url, self.overrides.first()) {
            (None, Some(name)) => Err(redirected(&wanted.doing, name)),
            _ => Ok(wanted),
        }
    }

    /// Keys that last for at least the margin.
    async fn held(&self, environment: &Environment, session: &str) -> Result<Held> {
        let wanted = self.wanted(environment)?;
        let slot = {
            let mut all = self.held.lock().await;
            Arc::clone(all.entry(key(environment, session)).or_default())
        };
        let mut slot = slot.lock().await;
        let fresh = |held: &&Held| now() < held.until;
        if let Some(held) = slot.as_ref().filter(fresh) {
            return Ok(held.clone());
        }
        let found = limited(
            &wanted.doing,
            Box::pin(async {
                let bare = bare(&Place::of(environment)).await?;
                find(&self.variables, &wanted, session, &bare, &self.factor).await
            }),
        )
        .await?;
        let until = match found.keys.expiry() {
            Some(end) => ask_again(now(), end),
            None => now() + WITHOUT_END,
        };
        let held = Held { found, until };
        *slot = Some(held.clone());
        Ok(held)
    }
}

/// When keys that were found at `from` and end at `end` are to be asked for again.
pub(super) fn ask_again(from: SystemTime, end: SystemTime) -> SystemTime {
    let life = end.duration_since(from).unwrap_or_default();
    end.checked_sub(MARGIN.min(life / 4)).unwrap_or(end)
}

fn key(environment: &Environment, session: &str) -> String {
    format!("{} {session}", environment.digest())
}

/// Where AWS is asked.
#[derive(Debug)]
pub(super) struct Place<'p> {
    pub(super) region: &'p str,
    pub(super) endpoint_url: Option<&'p str>,
    pub(super) ca_bundle: Option<&'p Path>,
}

impl<'p> Place<'p> {
    fn of(environment: &'p Environment) -> Self {
        Self {
            region: &environment.region,
            endpoint_url: environment.endpoint_url.as_deref(),
            ca_bundle: environment.ca_bundle.as_deref(),
        }
    }
}

/// Settings without credentials. No profile is read for them: a file could turn calls elsewhere.
pub(super) async fn bare(place: &Place<'_>) -> Result<SdkConfig> {
    let nothing = EnvConfigFiles::builder()
        .with_file(EnvConfigFileKind::Config, "/dev/null")
        .with_file(EnvConfigFileKind::Credentials, "/dev/null")
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .profile_files(nothing)
        .no_credentials()
        .region(Region::new(place.region.to_owned()));
    if let Some(endpoint) = place.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader = match place.ca_bundle {
        Some(bundle) => loader.http_client(super::trust::client(bundle)?),
        None => loader.http_client(OnDemand::default()),
    };
    Ok(loader.load().await)
}

/// Gives the SDK's clients the keys of an environment, renewed.
#[derive(Debug)]
struct Renewing {
    keys: Arc<Keys>,
    environment: Environment,
    session: String,
}

impl ProvideCredentials for Renewing {
    fn provide_credentials<'a>(&'a self) -> ProvideFuture<'a>
    where
        Self: 'a,
    {
        ProvideFuture::new(async {
            let held = self.keys.held(&self.environment, &self.session).await;
            held.map(|held| held.found.keys).map_err(CredentialsError::provider_error)
        })
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
        let doing = format!("asking AWS who we are for {}", environment.target());
        let settings = self.settings(environment, session).await?;
        limited(
            &doing,
            Box::pin(async {
                let asked = aws_sdk_sts::Client::new(&settings).get_caller_identity().send().await;
                let answer = asked.map_err(|e| {
                    Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {}", causes(&e)))
                        .next("check the keys where they come from: `profile`, `credentials` or `role_arn` of the environment")
                })?;
                Ok(Caller {
                    account: answer.account().unwrap_or_default().to_owned(),
                    arn: answer.arn().unwrap_or_default().to_owned(),
                })
            }),
        )
        .await
    }

    async fn origin(&self, environment: &Environment, session: &str) -> Result<Origin> {
        // Whoever asks has perhaps just mended something: what was found before does not count.
        self.keys.forget(environment, session).await;
        self.known.lock().await.remove(&key(environment, session));
        let Found { keys, source, advice } = self.keys.held(environment, session).await?.found;
        Ok(Origin { source, expires: keys.expiry().and_then(spelled), advice })
    }

    async fn credentials(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<ChildCredentials> {
        let held = self.keys.held(environment, session).await?;
        Ok(child(&held))
    }
}

#[async_trait]
impl SignIn for AwsIdentity {
    async fn device(&self, environment: &Environment) -> Result<Option<Device>> {
        let wanted = self.keys.wanted(environment)?;
        credentials::device(&self.keys.variables, &wanted).await
    }

    async fn sign_in(&self, environment: &Environment, code: &Secret) -> Result<SignedIn> {
        let wanted = self.keys.wanted(environment)?;
        let made = limited(
            &wanted.doing,
            Box::pin(async {
                let (bare, keys) = (bare(&Place::of(environment)).await?, &self.keys);
                let (variables, factor) = (&keys.variables, &keys.factor);
                credentials::sign_in(variables, &wanted, &bare, factor, code).await
            }),
        )
        .await?;
        Ok(SignedIn { serial: made.serial, until: made.ends })
    }
}

pub(super) fn now() -> SystemTime {
    crate::clock::Clock::now(&crate::clock::SystemClock).into()
}

fn spelled(at: SystemTime) -> Option<String> {
    Timestamp::try_from(at).ok().map(|at| at.to_string())
}

/// What a child is told: these keys, and when to ask again. Told their real end, a provider would sign its last requests
/// with keys that end on the way.
fn child(held: &Held) -> ChildCredentials {
    let found: &Credentials = &held.found.keys;
    ChildCredentials::Aws(ChildKeys {
        access_key_id: found.access_key_id().to_owned(),
        secret_access_key: Secret::new(found.secret_access_key()),
        session_token: found.session_token().map(Secret::new),
        expires: found.expiry().and_then(|_| spelled(held.until)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_43_children_ask_again_before_their_keys_end() {
        let from = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        for (life, told) in [(3600, 3540), (240, 180), (60, 45), (20, 15), (0, 0)] {
            let until = ask_again(from, from + Duration::from_secs(life));
            assert_eq!(until.duration_since(from).unwrap(), Duration::from_secs(told), "{life}");
        }
    }
}
