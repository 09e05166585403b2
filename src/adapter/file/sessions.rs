//! Sessions of a second factor, a sealed file each: who has one acts as the user until it ends.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Seal, failed, make_folder, off, read, remove, replace};
use crate::error::{Error, ErrorCode, Result};
use crate::port::{Alone, MfaSession, MfaSessions};
use crate::secret::Secret;

const READING: &str = "reading an MFA session";
const KEEPING: &str = "keeping an MFA session";
/// Longest time that another process may take to ask for a session.
const LIMIT: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Sessions under `mfa` of the state folder.
#[derive(Debug, Clone)]
pub struct FileSessions {
    folder: PathBuf,
    seal: Arc<Seal>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    serial: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    made: Timestamp,
    ends: Timestamp,
}

impl FileSessions {
    /// Sessions of this state folder. Touches nothing yet.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        let state = state.into();
        Self { folder: state.join("mfa"), seal: Arc::new(Seal::new(state)) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.age"))
    }

    /// The session in a file, when it has not ended.
    fn open(&self, path: &std::path::Path, now: Timestamp) -> Result<Option<MfaSession>> {
        let Some(sealed) = read(READING, path)? else { return Ok(None) };
        let again = |error: Error| {
            error.next(format!("delete {}: the next code makes a new one", path.display()))
        };
        let text = self.seal.open(&sealed).map_err(again)?;
        let kept: Kept = serde_json::from_slice(&text)
            .map_err(|_| again(failed(READING, path, "it is not as it was written")))?;
        if kept.ends <= now {
            remove(READING, path)?;
            return Ok(None);
        }
        Ok(Some(MfaSession {
            serial: kept.serial,
            access_key_id: kept.access_key_id,
            secret_access_key: Secret::new(kept.secret_access_key),
            session_token: Secret::new(kept.session_token),
            made: kept.made,
            ends: kept.ends,
        }))
    }

    /// Deletes what has ended. What cannot be read is left to whoever looks for it.
    fn sweep(&self, now: Timestamp) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "age") {
                drop(self.open(&path, now));
            }
        }
    }
}

#[async_trait]
impl MfaSessions for FileSessions {
    async fn find(&self, name: &str, now: Timestamp) -> Result<Option<MfaSession>> {
        let (this, path) = (self.clone(), self.file(name));
        off(move || this.open(&path, now)).await
    }

    async fn keep(&self, name: &str, session: &MfaSession, now: Timestamp) -> Result<()> {
        let kept = Kept {
            serial: session.serial.clone(),
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret_access_key.expose().to_owned(),
            session_token: session.session_token.expose().to_owned(),
            made: session.made,
            ends: session.ends,
        };
        let text = serde_json::to_vec(&kept).map_err(|e| Error::internal(KEEPING, e))?;
        let (this, path) = (self.clone(), self.file(name));
        off(move || {
            make_folder(KEEPING, &this.folder)?;
            replace(KEEPING, &path, &this.seal.seal(&text)?)?;
            this.sweep(now);
            Ok(())
        })
        .await
    }

    async fn alone(&self, name: &str) -> Result<Alone> {
        const DOING: &str = "waiting for whoever asks for an MFA session";
        let (folder, path) = (self.folder.clone(), self.folder.join(format!("{name}.lock")));
        let opened = path.clone();
        let file: File = off(move || {
            make_folder(DOING, &folder)?;
            let mut options = File::options();
            let file = options.create(true).truncate(false).write(true).mode(0o600).open(&opened);
            file.map_err(|e| failed(DOING, &opened, e))
        })
        .await?;
        let waiting = async {
            loop {
                match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                    Ok(()) => return Ok(()),
                    Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(LOOK_AGAIN).await,
                    Err(e) => return Err(failed(DOING, &path, std::io::Error::from(e))),
                }
            }
        };
        let slow = |_| {
            let why = format!("{DOING}: not done within {} s", LIMIT.as_secs());
            Error::new(ErrorCode::TimedOut, why).next("call again")
        };
        tokio::time::timeout(LIMIT, waiting).await.map_err(slow)??;
        Ok(Alone::new(file))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn session(ends: i64) -> MfaSession {
        MfaSession {
            serial: "GAHT12345678".into(),
            access_key_id: "id".into(),
            secret_access_key: Secret::new("canary-secret"),
            session_token: Secret::new("canary-token"),
            made: at(0),
            ends: at(ends),
        }
    }

    #[tokio::test]
    async fn promise_7_a_session_is_sealed_private_and_deleted_at_its_end() {
        let state = tempfile::tempdir().unwrap();
        let kept = FileSessions::new(state.path());
        assert!(kept.find("a", at(0)).await.unwrap().is_none());
        kept.keep("a", &session(1000), at(0)).await.unwrap();
        let again = FileSessions::new(state.path());
        let found = again.find("a", at(999)).await.unwrap().unwrap();
        assert_eq!(found.secret_access_key.expose(), "canary-secret");
        assert_eq!((found.session_token.expose(), found.ends), ("canary-token", at(1000)));
        let file = kept.file("a");
        let bytes = std::fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&kept.folder)), (0o600, 0o700));
        assert!(kept.find("a", at(1000)).await.unwrap().is_none());
        assert!(!file.exists(), "one that has ended is deleted when it is looked for");
        kept.keep("a", &session(1000), at(0)).await.unwrap();
        kept.keep("b", &session(3000), at(2000)).await.unwrap();
        assert!(!file.exists(), "and when another is kept");
    }

    #[tokio::test]
    async fn one_at_a_time_asks_for_a_session_of_a_name() {
        let state = tempfile::tempdir().unwrap();
        let (one, two) = (FileSessions::new(state.path()), FileSessions::new(state.path()));
        let held = one.alone("a").await.unwrap();
        let _other_name = two.alone("b").await.unwrap();
        let waits = tokio::spawn(async move { two.alone("a").await.map(drop) });
        tokio::time::sleep(LOOK_AGAIN * 4).await;
        assert!(!waits.is_finished());
        drop(held);
        waits.await.unwrap().unwrap();
    }
}
