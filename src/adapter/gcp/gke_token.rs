//! Tokens for the API of a cluster of GKE: tokens of Google, kept until shortly before they end.
#![expect(clippy::disallowed_methods, reason = "reads the file that decides whose token it is")]

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::GoogleIdentity;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::model::{GkeAccess, GoogleSource};
use crate::port::{ClusterToken, GoogleTokens, KeptTokens};

/// Tokens by the credentials of the user's own surroundings.
#[derive(Debug)]
pub struct GkeTokens {
    /// Who finds them.
    pub identity: GoogleIdentity,
    /// Where they are kept until shortly before they end.
    pub cache: TokenCache,
}

/// The cache.
#[derive(Debug)]
pub struct TokenCache {
    /// Where tokens are kept.
    pub kept: Arc<dyn KeptTokens>,
    /// A hash over the variables that decide whose credentials are found.
    pub fingerprint: String,
    /// The file of application default credentials.
    pub default_file: PathBuf,
}

impl TokenCache {
    /// A hash over everything that decides whose token it is.
    fn name(&self, access: &GkeAccess) -> String {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        };
        add(self.fingerprint.as_bytes());
        add(serde_json::to_string(&access.google).unwrap_or_default().as_bytes());
        add(if access.endpoint_url.is_some() { b"+" } else { b"-" });
        add(access.endpoint_url.as_deref().unwrap_or_default().as_bytes());
        let file = match &access.google.source {
            GoogleSource::File { path } => Some(path),
            GoogleSource::ApplicationDefault => Some(&self.default_file),
            GoogleSource::Metadata => None,
        };
        add(&file.and_then(|path| std::fs::read(path).ok()).unwrap_or_default());
        hex::encode(digest.finalize())
    }
}

#[async_trait]
impl GoogleTokens for GkeTokens {
    async fn token(&self, access: &GkeAccess) -> Result<ClusterToken> {
        access.google.check().map_err(|(field, given, bad)| {
            Error::invalid(field, given, bad.why).allowed(bad.allowed)
        })?;
        let name = self.cache.name(access);
        if let Some(kept) = self.cache.kept.find(&name, SystemClock.now()) {
            return Ok(kept);
        }
        let doing = "making a token for GKE";
        let found =
            self.identity.find(&access.google, access.endpoint_url.as_deref(), doing).await?;
        let made = ClusterToken { token: found.token, expires: found.expires };
        self.cache.kept.keep(&name, &made);
        Ok(made)
    }
}
