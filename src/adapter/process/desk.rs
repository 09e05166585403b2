//! The credential process of terraform and helm children: a Unix socket in the run's folder (mode 0700) that the
//! supervisor answers, and the tiny client that the children call. Credentials are in no file, argument or environment.
//!
//! Format of the answer: "Sourcing credentials with an external process", AWS SDKs and Tools Reference Guide.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

#[cfg(feature = "gcp")]
use super::exchange::{self, Exchange};
use crate::error::{Error, Result};
#[cfg(feature = "gcp")]
use crate::model::Cloud;
use crate::model::{Environment, OperationId};
use crate::port::{ChildCredentials, ClusterToken, CredentialDesk, DeskGuard, Identity, Refusal};
use crate::secret::Secret;

/// Name of the socket in a run's folder.
const SOCKET: &str = "desk";

/// Answers on a socket.
pub struct SocketDesk {
    /// State folder.
    pub state: PathBuf,
    /// Where credentials come from.
    pub identity: Arc<dyn Identity>,
    /// Program and arguments that print credentials for a child; the run's folder is added.
    pub command: Vec<String>,
}

impl std::fmt::Debug for SocketDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SocketDesk").finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialDesk for SocketDesk {
    async fn open(&self, operation: OperationId, environment: &Environment) -> Result<DeskGuard> {
        let folder = self.state.join("runs").join(operation.to_string());
        let listener = bind(&folder, SOCKET)?;
        let identity = Arc::clone(&self.identity);
        let environment = environment.clone();
        let session = operation.to_string();
        let refusal = Refusal::default();
        let noted = refusal.clone();
        let exchange = self.exchange(operation, &environment, &refusal, &folder).await?;
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let given = identity.credentials(&environment, &session).await;
                noted.note(given.as_ref().err().cloned());
                let answer = answer(given);
                drop(reply(stream, &answer).await);
            }
        });
        let socket = folder.join(SOCKET);
        Ok(DeskGuard::telling(refusal, move || {
            serving.abort();
            forget(&socket);
            // It closes where it is dropped, here.
            let _closed = exchange;
        }))
    }
}

impl SocketDesk {
    /// What Google's libraries ask instead of a socket, for environments of theirs.
    #[cfg(feature = "gcp")]
    async fn exchange(
        &self,
        operation: OperationId,
        environment: &Environment,
        refusal: &Refusal,
        folder: &Path,
    ) -> Result<Option<Exchange>> {
        if environment.key.cloud != Cloud::Gcp {
            return Ok(None);
        }
        let desk = exchange::Desk {
            identity: Arc::clone(&self.identity),
            environment: environment.clone(),
            operation,
            refusal: refusal.clone(),
            command: self.command.clone(),
        };
        let socket = bind(folder, exchange::PROOF)?;
        Exchange::open(desk, folder, socket).await.map(Some)
    }

    #[cfg(not(feature = "gcp"))]
    #[expect(clippy::unused_async, clippy::unused_self, reason = "the other one needs both")]
    async fn exchange(
        &self,
        _operation: OperationId,
        _environment: &Environment,
        _refusal: &Refusal,
        _folder: &Path,
    ) -> Result<Option<()>> {
        Ok(None)
    }
}

/// The path of a socket has room for about 100 bytes, a state folder may be longer: a short link stands in for it. A child
/// of ours may have a folder for temporary files inside of its run's, which is as long: then it lies in the system's.
fn short(folder: &Path) -> Result<(tempfile::TempDir, PathBuf)> {
    short_in(&std::env::temp_dir(), folder)
}

fn short_in(usual: &Path, folder: &Path) -> Result<(tempfile::TempDir, PathBuf)> {
    const LONGEST: usize = 64;
    let failed = |e| Error::internal("opening the credential desk", e);
    let mut builder = tempfile::Builder::new();
    builder.prefix("dmcp");
    let roomy = usual.as_os_str().len() <= LONGEST;
    let link = builder.tempdir_in(if roomy { usual } else { Path::new("/tmp") });
    let link = link.map_err(failed)?;
    let path = link.path().join("r");
    std::os::unix::fs::symlink(folder, &path).map_err(failed)?;
    Ok((link, path))
}

fn bind(folder: &Path, socket: &str) -> Result<UnixListener> {
    forget(&folder.join(socket));
    let (_link, path) = short(folder)?;
    UnixListener::bind(path.join(socket))
        .map_err(|e| Error::internal("opening the credential desk", e))
}

#[expect(clippy::disallowed_methods, reason = "removes what this adapter made")]
pub(super) fn forget(socket: &Path) {
    drop(std::fs::remove_file(socket));
}

fn answer(given: Result<ChildCredentials>) -> Value {
    match given {
        Ok(ChildCredentials::Aws(found)) => {
            let mut answer = Map::new();
            answer.insert("Version".into(), json!(1));
            answer.insert("AccessKeyId".into(), json!(found.access_key_id));
            answer.insert("SecretAccessKey".into(), json!(found.secret_access_key.expose()));
            answer.extend(
                found
                    .session_token
                    .as_ref()
                    .map(|token| ("SessionToken".into(), json!(token.expose()))),
            );
            answer.extend(found.expires.map(|at| ("Expiration".into(), json!(at))));
            Value::Object(answer)
        }
        // A form of our own: the child that asks is ours, too.
        Ok(ChildCredentials::Google(found)) => {
            json!({ "AccessToken": found.token.expose(), "Expiration": found.expires })
        }
        Err(error) => json!({ "error": error }),
    }
}

async fn reply(mut stream: UnixStream, answer: &Value) -> std::io::Result<()> {
    stream.write_all(answer.to_string().as_bytes()).await?;
    stream.shutdown().await
}

/// The client: asks the desk of the run in `folder` and returns what the child is to be told.
pub async fn ask(folder: &Path) -> Result<String> {
    let failed = |e| Error::internal("asking the credential desk", e);
    let text = read(folder, SOCKET).await?;
    let value: Value = serde_json::from_str(&text).map_err(failed)?;
    match value.get("error") {
        Some(error) => Err(serde_json::from_value(error.clone())
            .unwrap_or_else(|e| Error::internal("asking the credential desk", e))),
        None => Ok(text),
    }
}

async fn read(folder: &Path, socket: &str) -> Result<String> {
    let failed = |e| Error::internal("asking the credential desk", e);
    let (_link, path) = short(folder)?;
    let mut stream = UnixStream::connect(path.join(socket)).await.map_err(failed)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.map_err(failed)?;
    Ok(text)
}

/// The client for Google's libraries: what proves to the token endpoint of the run in `folder` that a child of it asks.
#[cfg(feature = "gcp")]
pub async fn ask_proof(folder: &Path) -> String {
    exchange::told(read(folder, exchange::PROOF).await.map(Secret::new))
}

/// Without Google Cloud nobody opens such an endpoint.
#[cfg(not(feature = "gcp"))]
pub async fn ask_proof(_folder: &Path) -> String {
    String::new()
}

/// The client of a run in Google Cloud: the token that its desk gives.
pub async fn ask_token(folder: &Path) -> Result<ClusterToken> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Given {
        access_token: String,
        expiration: jiff::Timestamp,
    }
    // What does not fit is not quoted: it may hold keys.
    let given: Given = serde_json::from_str(&ask(folder).await?)
        .map_err(|_| Error::internal("asking the credential desk", "it gives no token"))?;
    Ok(ClusterToken { token: Secret::new(given.access_token), expires: given.expiration })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes the folders that it needs")]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_reached_also_where_temporary_files_lie_deep() {
        let top = tempfile::tempdir().unwrap();
        let run = top.path().join("a-run".repeat(20));
        let deep = run.join("temporary".repeat(10));
        std::fs::create_dir_all(&deep).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(
            short_in(top.path(), &run).unwrap().1.join(SOCKET),
        );
        drop(listener.unwrap());
        let (_link, path) = short_in(&deep, &run).unwrap();
        assert!(path.join(SOCKET).as_os_str().len() < 100, "{}", path.display());
        assert!(path.join(SOCKET).exists());
    }
}
