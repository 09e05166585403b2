//! Tokens that were made before, in files of the user's cache that nobody else may read.
//!
//! A file is named by a hash over everything that decides whose token it is: what was asked, the variables that
//! lead to credentials, the shared AWS files. A cache that cannot be used is no error: the token is made anew.
#![expect(
    clippy::disallowed_methods,
    reason = "this adapter keeps its own files; it is the door to them"
)]

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::EksAccess;
use crate::port::ClusterToken;
use crate::secret::Secret;

/// A kept token that ends sooner than this is made anew.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// The cache.
#[derive(Debug, Clone)]
pub struct TokenCache {
    /// Its folder.
    pub folder: PathBuf,
    /// A hash over the variables that decide whose credentials are found.
    pub fingerprint: String,
    /// Files that decide it, too.
    pub shared_files: Vec<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    token: String,
    expires: Timestamp,
}

impl TokenCache {
    /// A token that was made before and is good for a while yet.
    pub(super) fn find(&self, access: &EksAccess, now: Timestamp) -> Option<ClusterToken> {
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).ok()?;
        let mut file =
            File::options().read(true).custom_flags(no_link).open(self.file(access)).ok()?;
        let facts = file.metadata().ok()?;
        let mine = facts.uid() == rustix::process::getuid().as_raw();
        if !mine || facts.mode() & 0o777 != 0o600 || !facts.is_file() {
            return None;
        }
        let mut text = Vec::new();
        Read::by_ref(&mut file).take(64 * 1024).read_to_end(&mut text).ok()?;
        let kept: Kept = serde_json::from_slice(&text).ok()?;
        (kept.expires.duration_since(now) > MARGIN)
            .then(|| ClusterToken { token: Secret::new(kept.token), expires: kept.expires })
    }

    /// Keeps a token, if that can be done.
    pub(super) fn keep(&self, access: &EksAccess, token: &ClusterToken) {
        let kept = Kept { token: token.token.expose().to_owned(), expires: token.expires };
        let written = serde_json::to_vec(&kept).map_err(std::io::Error::from).and_then(|bytes| {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let mut file = tempfile::Builder::new().prefix(".").tempfile_in(&self.folder)?;
            file.write_all(&bytes)?;
            file.persist(self.file(access)).map_err(|e| e.error).map(drop)
        });
        if let Err(error) = written {
            tracing::debug!(%error, "a token was not kept");
        }
    }

    fn file(&self, access: &EksAccess) -> PathBuf {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        };
        add(self.fingerprint.as_bytes());
        add(access.cluster.as_bytes());
        for field in [&access.region, &access.role_arn, &access.profile, &access.endpoint_url] {
            add(if field.is_some() { b"+" } else { b"-" });
            add(field.as_deref().unwrap_or_default().as_bytes());
        }
        for file in &self.shared_files {
            add(&std::fs::read(file).unwrap_or_default());
        }
        self.folder.join(format!("{}.json", hex::encode(digest.finalize())))
    }
}
