//! Where tokens come from: one source, found without trying others, and the service accounts that are acted as with it.
//! Every source has a limit and a typed failure; none of them is quoted, what it says may be secret.

mod document;
mod federation;
mod impersonation;
mod key;
mod metadata;
mod user;

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::call::Web;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{GoogleAccess, GoogleSource};
use crate::port::Advice;
use crate::secret::{Secret, Variables};

/// What tokens are asked for: all that the identity may do (OAuth 2.0 Scopes for Google APIs).
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Longest credentials file that is read.
const FILE_MAX: u64 = 64 * 1024;

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    /// The service account of this address.
    Account(String),
    /// A person: the token knows who.
    User,
    /// Somebody of a federated identity pool.
    Federated(String),
}

/// A token, and how it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) token: Secret,
    pub(super) expires: Timestamp,
    pub(super) principal: Principal,
    pub(super) source: String,
    pub(super) advice: Vec<Advice>,
    /// The project that a user's calls are counted for.
    pub(super) quota_project: Option<String>,
}

/// What is needed to find one.
pub(super) struct Search<'a> {
    pub(super) web: &'a Web,
    pub(super) variables: &'a Variables,
    /// Where a stand-in answers.
    pub(super) base: Option<&'a str>,
    pub(super) access: &'a GoogleAccess,
    pub(super) doing: &'a str,
}

impl Search<'_> {
    /// Finds a token.
    pub(super) async fn find(&self) -> Result<Found> {
        let found = match &self.access.source {
            GoogleSource::File { path } => self.file(path).await?,
            GoogleSource::Metadata => metadata::token(self).await?,
            GoogleSource::ApplicationDefault => self.application_default().await?,
        };
        match self.access.impersonate.split_last() {
            Some((target, through)) => impersonation::token(self, found, target, through).await,
            None => Ok(found),
        }
    }

    /// The order of Google's libraries: the variable, gcloud's file, the metadata server. What is there is taken, and its
    /// failure is the answer; metadata is asked only when there is no file.
    async fn application_default(&self) -> Result<Found> {
        const NAMED: &str = "GOOGLE_APPLICATION_CREDENTIALS";
        if let Some(path) = self.variables.get(NAMED) {
            let path = Path::new(path);
            if !path.is_absolute() {
                let given = path.to_string_lossy();
                return Err(Error::invalid(NAMED, given, "is not an absolute path")
                    .next("name the file by its absolute path, or in the settings"));
            }
            return self.file(path).await;
        }
        let folder = self.variables.get("CLOUDSDK_CONFIG").map(PathBuf::from).or_else(|| {
            self.variables.get("HOME").map(|home| Path::new(home).join(".config/gcloud"))
        });
        let usual = folder.map(|folder| folder.join("application_default_credentials.json"));
        if let Some(path) = usual.filter(|path| path.is_absolute() && path.exists()) {
            return self.file(&path).await;
        }
        metadata::token(self).await.map_err(|error| {
            if !super::call::is_unreached(&error) {
                return error;
            }
            let doing = self.doing;
            let why = format!(
                "{doing}: there are none: no {NAMED}, no file of gcloud, no metadata server"
            );
            Error::new(ErrorCode::UpstreamDenied, why).next(
                "sign in with `gcloud auth application-default login`, or set `credentials` of the environment",
            )
        })
    }

    async fn file(&self, path: &Path) -> Result<Found> {
        let read = document::read(path, self.doing)?;
        let mut found = self.of_document(&read.document, &path.display().to_string()).await?;
        if read.readable_by_others && read.document.holds_a_secret() {
            found.advice.push(Advice {
                seen: format!("{} can be read by others", path.display()),
                fix: format!("chmod 600 {}", path.display()),
            });
        }
        Ok(found)
    }

    async fn of_document(&self, document: &document::Document, file: &str) -> Result<Found> {
        match document {
            document::Document::AuthorizedUser(user) => user::token(self, user, file).await,
            document::Document::ServiceAccount(key) => key::token(self, key, file).await,
            document::Document::ExternalAccount(pool) => federation::token(self, pool, file).await,
            document::Document::ImpersonatedServiceAccount(other) => {
                let source = Box::pin(self.of_document(&other.source_credentials, file)).await?;
                let (target, through) = other.chain(self.doing)?;
                impersonation::token(self, source, &target, &through).await
            }
        }
    }

    fn url(&self, host: &str, path: &str) -> String {
        super::call::url(self.base, host, path)
    }

    fn now() -> Timestamp {
        SystemClock.now()
    }
}

/// Token and end of what a token endpoint answers (RFC 6749, 5.1).
fn answered(value: &Value, doing: &str) -> Result<(Secret, Timestamp)> {
    let token = value.get("access_token").and_then(Value::as_str).filter(|t| !t.is_empty());
    let seconds = value.get("expires_in").and_then(Value::as_i64).filter(|s| *s > 0);
    match (token, seconds) {
        (Some(token), Some(seconds)) => {
            let now = Search::now();
            let end = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
            Ok((Secret::new(token), end))
        }
        _ => Err(Error::new(
            ErrorCode::UpstreamFailed,
            format!("{doing}: the answer holds no token with an end"),
        )),
    }
}
