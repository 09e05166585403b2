//! Who we are in Google Cloud: tokens found once, kept in memory, renewed before they end; and whether the project is
//! there for us.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;

use super::call::{Call, Web, is_absent, is_ended, url};
use super::credentials::{Found, Principal, Search};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{CredentialSource, Environment, GoogleAccess};
use crate::port::{Caller, ChildCredentials, ClusterToken, Identity, Origin};
use crate::secret::Variables;

/// Longest time to find a token.
const LIMIT: Duration = Duration::from_secs(150);
/// Tokens are renewed this long before they end, or a quarter of their life before, whichever is shorter. The metadata
/// server renews its own five minutes before.
const MARGIN: SignedDuration = SignedDuration::from_mins(4);

/// Identity by tokens of Google.
#[derive(Debug, Default)]
pub struct GoogleIdentity {
    /// Overrides that were inherited from the environment of the process.
    overrides: Vec<String>,
    variables: Variables,
    web: Web,
    held: Mutex<HashMap<String, Arc<Mutex<Option<Held>>>>>,
}

#[derive(Debug, Clone)]
struct Held {
    found: Found,
    /// When to ask the source again.
    until: Timestamp,
}

impl GoogleIdentity {
    /// An identity that finds tokens by these environment variables, and refuses to work under inherited overrides that
    /// settings do not repeat.
    pub fn new(
        overrides: Vec<String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self { overrides, variables: Variables::new(variables), ..Self::default() }
    }

    /// Finds a token.
    pub(super) async fn find(
        &self,
        access: &GoogleAccess,
        base: Option<&str>,
        doing: &str,
    ) -> Result<Found> {
        if let (None, Some(name)) = (base, self.overrides.first()) {
            return Err(Error::new(
                ErrorCode::InvalidRequest,
                format!("{doing}: {name} is set in the environment and would send tools of Google elsewhere"),
            )
            .field(name)
            .next("unset it; a stand-in for Google is named by [gcp] endpoint_url in the settings"));
        }
        let search = Search { web: &self.web, variables: &self.variables, base, access, doing };
        tokio::time::timeout(LIMIT, search.find()).await.unwrap_or_else(|_| {
            let why = format!("{doing}: no token within {} s", LIMIT.as_secs());
            Err(Error::new(ErrorCode::TimedOut, why))
        })
    }

    async fn held(&self, environment: &Environment) -> Result<Held> {
        let doing = format!("finding credentials for {}", environment.key);
        let CredentialSource::Google(access) = &environment.credentials else {
            return Err(Error::internal(&doing, "its credentials are not Google's"));
        };
        let slot = {
            let mut all = self.held.lock().await;
            Arc::clone(all.entry(environment.digest().to_string()).or_default())
        };
        let mut slot = slot.lock().await;
        let now = SystemClock.now();
        if let Some(held) = slot.as_ref().filter(|held| now < held.until) {
            return Ok(held.clone());
        }
        let found = self.find(access, environment.endpoint_url.as_deref(), &doing).await?;
        let held = Held { until: ask_again(now, found.expires), found };
        *slot = Some(held.clone());
        Ok(held)
    }

    async fn forget(&self, environment: &Environment) {
        self.held.lock().await.remove(&environment.digest().to_string());
    }

    /// Asks an API of Google as the environment. A token that is not taken any more is asked for anew, once.
    pub(super) async fn ask(
        &self,
        environment: &Environment,
        doing: &str,
        host: &str,
        path: &str,
    ) -> Result<Value> {
        let answer = self.once(environment, doing, host, path).await;
        if !answer.as_ref().is_err_and(is_ended) {
            return answer;
        }
        self.forget(environment).await;
        self.once(environment, doing, host, path).await
    }

    async fn once(
        &self,
        environment: &Environment,
        doing: &str,
        host: &str,
        path: &str,
    ) -> Result<Value> {
        let found = self.held(environment).await?.found;
        let mut call = Call::get(doing, url(environment.endpoint_url.as_deref(), host, path));
        call.bearer = Some(&found.token);
        if let Some(project) = found.quota_project {
            call.headers.push(("x-goog-user-project", project));
        }
        Ok(self.web.ask(&call).await?.value)
    }

    /// Whose the token is. A user's own address is asked for; where it may not be known, that is said.
    async fn principal(&self, environment: &Environment) -> Result<String> {
        let found = self.held(environment).await?.found;
        Ok(match found.principal {
            Principal::Account(email) => format!("serviceAccount:{email}"),
            Principal::Federated(audience) => format!("principal of {audience}"),
            Principal::User => {
                let doing = format!("asking Google who we are for {}", environment.key);
                let asked =
                    self.ask(environment, &doing, "www.googleapis.com", "/oauth2/v2/userinfo");
                match asked.await {
                    Ok(value) => value.get("email").and_then(Value::as_str).map_or_else(
                        || "user without an address".to_owned(),
                        |email| format!("user:{email}"),
                    ),
                    Err(error) if is_ended(&error) => return Err(error),
                    Err(_) => "user whose address the token does not tell".to_owned(),
                }
            }
        })
    }
}

/// When a token that was found at `from` and ends at `end` is to be asked for again.
fn ask_again(from: Timestamp, end: Timestamp) -> Timestamp {
    let life = end.duration_since(from);
    end.checked_sub(MARGIN.min(life / 4)).unwrap_or(end)
}

#[async_trait]
impl Identity for GoogleIdentity {
    /// The project that is there for us: credentials of Google belong to none, so it is asked for by its id.
    async fn caller(&self, environment: &Environment, _session: &str) -> Result<Caller> {
        let doing = format!("asking for project {} of {}", environment.account, environment.key);
        let path = format!("/v3/projects/{}", environment.account);
        let asked = self.ask(environment, &doing, "cloudresourcemanager.googleapis.com", &path);
        let project = asked.await.map_err(|error| {
            if is_absent(&error) || error.details.get("http_status") == Some(&403.into()) {
                return error.next(
                    "see that project_id is right, and that this identity has resourcemanager.projects.get there (roles/browser)",
                );
            }
            error
        })?;
        let text = |key: &str| project.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("state") != "ACTIVE" {
            let why = format!("{doing}: it is {}", text("state"));
            return Err(Error::new(ErrorCode::UpstreamFailed, why)
                .next("a project that is being deleted can be restored for 30 days"));
        }
        Ok(Caller {
            account: text("projectId").to_owned(),
            arn: self.principal(environment).await?,
        })
    }

    async fn origin(&self, environment: &Environment, _session: &str) -> Result<Origin> {
        // Whoever asks has perhaps just mended something: what was found before does not count.
        self.forget(environment).await;
        let found = self.held(environment).await?.found;
        Ok(Origin {
            source: found.source,
            expires: Some(found.expires.to_string()),
            advice: found.advice,
        })
    }

    async fn credentials(
        &self,
        environment: &Environment,
        _session: &str,
    ) -> Result<ChildCredentials> {
        let held = self.held(environment).await?;
        Ok(ChildCredentials::Google(ClusterToken { token: held.found.token, expires: held.until }))
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn fault_43_a_token_is_asked_for_again_before_it_ends() {
        let at = |s: i64| Timestamp::from_second(1_700_000_000 + s).unwrap();
        for (life, told) in [(3600, 3360), (960, 720), (300, 225), (60, 45), (0, 0)] {
            assert_eq!(ask_again(at(0), at(life)), at(told), "{life}");
        }
    }
}
