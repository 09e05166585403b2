//! Under which name a token is kept: a hash over everything that decides whose token it is: what was asked, the
//! variables that lead to credentials, the shared AWS files.
#![expect(clippy::disallowed_methods, reason = "reads the files that decide whose token it is")]

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::model::EksAccess;
use crate::port::{ClusterToken, KeptTokens};

/// The cache.
#[derive(Debug, Clone)]
pub struct TokenCache {
    /// Where tokens are kept.
    pub kept: Arc<dyn KeptTokens>,
    /// A hash over the variables that decide whose credentials are found.
    pub fingerprint: String,
    /// Files that decide it, too.
    pub shared_files: Vec<PathBuf>,
}

impl TokenCache {
    /// A token that was made before and is good for a while yet.
    pub(super) fn find(&self, access: &EksAccess, now: Timestamp) -> Option<ClusterToken> {
        self.kept.find(&self.name(access), now)
    }

    /// Keeps a token, if that can be done.
    pub(super) fn keep(&self, access: &EksAccess, token: &ClusterToken) {
        self.kept.keep(&self.name(access), token);
    }

    fn name(&self, access: &EksAccess) -> String {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        };
        add(self.fingerprint.as_bytes());
        add(access.cluster.as_bytes());
        let state = access.state.as_ref().map(|path| path.display().to_string());
        for field in [
            &access.region,
            &access.role_arn,
            &access.profile,
            &access.endpoint_url,
            &access.external_id,
            &access.mfa_serial,
            &state,
        ] {
            add(if field.is_some() { b"+" } else { b"-" });
            add(field.as_deref().unwrap_or_default().as_bytes());
        }
        for file in &self.shared_files {
            add(&std::fs::read(file).unwrap_or_default());
        }
        hex::encode(digest.finalize())
    }
}
