//! Tokens that were made before, in files of the user's cache that nobody else may read. A cache that cannot be used is
//! no error: the token is made anew.
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

use crate::port::{ClusterToken, KeptTokens};
use crate::secret::Secret;

/// A kept token that ends sooner than this is made anew.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// Tokens, a file each.
#[derive(Debug, Clone)]
pub struct FileTokens {
    /// Its folder.
    pub folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    token: String,
    expires: Timestamp,
}

impl KeptTokens for FileTokens {
    fn find(&self, name: &str, now: Timestamp) -> Option<ClusterToken> {
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).ok()?;
        let mut file =
            File::options().read(true).custom_flags(no_link).open(self.file(name)).ok()?;
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

    fn keep(&self, name: &str, token: &ClusterToken) {
        let kept = Kept { token: token.token.expose().to_owned(), expires: token.expires };
        let written = serde_json::to_vec(&kept).map_err(std::io::Error::from).and_then(|bytes| {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let mut file = tempfile::Builder::new().prefix(".").tempfile_in(&self.folder)?;
            file.write_all(&bytes)?;
            file.persist(self.file(name)).map_err(|e| e.error).map(drop)
        });
        if let Err(error) = written {
            tracing::debug!(%error, "a token was not kept");
        }
    }
}

impl FileTokens {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_token_is_kept_until_shortly_before_its_end_for_its_owner_alone() {
        let top = tempfile::tempdir().unwrap();
        let kept = FileTokens { folder: top.path().join("eks") };
        assert!(kept.find("a", at(0)).is_none());
        kept.keep("a", &ClusterToken { token: Secret::new("kept"), expires: at(1000) });
        assert_eq!(kept.find("a", at(939)).unwrap().token.expose(), "kept");
        assert!(kept.find("a", at(940)).is_none());
        assert!(kept.find("b", at(0)).is_none());
        let file = kept.file("a");
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&kept.folder)), (0o600, 0o700));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(kept.find("a", at(0)).is_none());
    }
}
