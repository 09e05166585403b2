//! The credentials of a run in Google Cloud, as Google's own libraries ask for them: a credentials file without a secret in
//! it, a program that proves whose child asks, and a token endpoint on loopback that gives the present token for that
//! proof. All three end with the run.
//!
//! Format of the file and of what the program prints: "Workload identity federation, executable-sourced credentials" of
//! Google's IAM pages (AIP-4117). The endpoint answers as Security Token Service does (RFC 8693).

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use crate::clock::{Clock, SystemClock, fresh_uuid};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Environment, OperationId};
use crate::port::credentials::GOOGLE_FILE;
use crate::port::{ChildCredentials, Identity, Refusal};
use crate::secret::Secret;

/// Name of the socket that tells the proof.
pub(super) const PROOF: &str = "proof";
/// Type of the proof: nobody but our own endpoint looks at it.
const PROOF_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Longest question.
const QUESTION_MAX: usize = 16 * 1024;

/// What the endpoint needs to answer.
pub(super) struct Desk {
    pub(super) identity: Arc<dyn Identity>,
    pub(super) environment: Environment,
    pub(super) operation: OperationId,
    pub(super) refusal: Refusal,
    /// Program and arguments that print the proof; the run's folder is added.
    pub(super) command: Vec<String>,
}

/// An open exchange. Dropped, it answers nobody any more, and its file is gone.
pub(super) struct Exchange {
    file: PathBuf,
    proof: PathBuf,
    tasks: [JoinHandle<()>; 2],
    _answering: Arc<Answering>,
    _links: Option<tempfile::TempDir>,
}

struct Answering {
    desk: Desk,
    /// Digest of the proof: how long a comparison takes says nothing about it.
    proof: [u8; 32],
}

impl Exchange {
    /// Opens one for the run in `folder`; `socket` tells the proof.
    pub(super) async fn open(desk: Desk, folder: &Path, socket: UnixListener) -> Result<Self> {
        let failed = |e| Error::internal("opening the token endpoint", e);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let path = format!("/{}", random());
        let secret = Secret::new(random());
        let (command, links) = command(&desk.command, folder)?;
        let audience = format!("datamcp:{}", desk.environment.key);
        let document = json!({
            "type": "external_account",
            "audience": audience,
            "subject_token_type": PROOF_TYPE,
            "token_url": format!("http://{address}{path}"),
            "credential_source": { "executable": { "command": command, "timeout_millis": 30_000 } },
        });
        let file = folder.join(GOOGLE_FILE);
        write(&file, &document.to_string())?;
        let answering = Arc::new(Answering { desk, proof: Sha256::digest(secret.expose()).into() });
        let router =
            axum::Router::new().route(&path, post(exchange)).with_state(Arc::downgrade(&answering));
        let serving = tokio::spawn(async move {
            // It ends with the run, whatever happens to it.
            drop(axum::serve(listener, router).await);
        });
        let proving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                drop(stream.write_all(secret.expose().as_bytes()).await);
                drop(stream.shutdown().await);
            }
        });
        Ok(Self {
            file,
            proof: folder.join(PROOF),
            tasks: [serving, proving],
            _answering: answering,
            _links: links,
        })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        super::desk::forget(&self.file);
        super::desk::forget(&self.proof);
    }
}

/// 256 bits. A fresh id holds 74 random ones, so four of them hold more than enough.
fn random() -> String {
    let mut digest = Sha256::new();
    for _ in 0..4 {
        digest.update(fresh_uuid().as_bytes());
    }
    hex::encode(digest.finalize())
}

/// The command as Google's libraries take it apart, at blanks and without any quoting: paths that hold some are reached by
/// links, in a folder of their own that only we may enter.
fn command(words: &[String], folder: &Path) -> Result<(String, Option<tempfile::TempDir>)> {
    let failed = |e| Error::internal("writing the credentials file", e);
    let folder = folder.to_string_lossy();
    let plain = |word: &str| !word.contains(|c: char| c.is_whitespace() || c.is_control());
    let (program, arguments) =
        words.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let (mut program, mut run) = (program.to_owned(), folder.clone().into_owned());
    let mut links = None;
    if !plain(&program) || !plain(&run) {
        let usual = std::env::temp_dir();
        let roomy = plain(&usual.to_string_lossy());
        let usual = if roomy { usual } else { PathBuf::from("/tmp") };
        let made = tempfile::Builder::new().prefix("dmcp").tempdir_in(usual).map_err(failed)?;
        let (to_program, to_run) = (made.path().join("datamcp"), made.path().join("run"));
        symlink(&program, &to_program).map_err(failed)?;
        symlink(folder.as_ref(), &to_run).map_err(failed)?;
        program = to_program.to_string_lossy().into_owned();
        run = to_run.to_string_lossy().into_owned();
        links = Some(made);
    }
    let text = std::iter::once(program.as_str())
        .chain(arguments.iter().map(String::as_str))
        .chain(["--google", &run])
        .collect::<Vec<_>>()
        .join(" ");
    Ok((text, links))
}

#[expect(clippy::disallowed_methods, reason = "writes the file that leads children to this desk")]
fn write(file: &Path, text: &str) -> Result<()> {
    let failed = |e| Error::internal("writing the credentials file", e);
    super::desk::forget(file);
    let mut made =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    made.write_all(text.as_bytes()).map_err(failed)
}

/// What the program prints for Google's libraries. That it failed is told in its answer: of an exit code they say nothing.
pub(super) fn told(proof: Result<Secret>) -> String {
    let answer = match proof {
        Ok(proof) => json!({
            "version": 1, "success": true, "token_type": PROOF_TYPE, "id_token": proof.expose(),
        }),
        Err(error) => json!({
            "version": 1, "success": false, "code": error.code.word(), "message": error.message,
        }),
    };
    answer.to_string()
}

/// One question for a token.
async fn exchange(State(answering): State<Weak<Answering>>, question: Request) -> Response {
    let Some(answering) = answering.upgrade() else {
        return refuse(StatusCode::GONE, "invalid_request", "the run has ended");
    };
    let Ok(body) = to_bytes(question.into_body(), QUESTION_MAX).await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request",
            "the question is too long",
        );
    };
    if !answering.is_proven(&body) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant", "this proof is none of the run's");
    }
    let Desk { identity, environment, operation, refusal, .. } = &answering.desk;
    let given = identity.credentials(environment, &operation.to_string()).await;
    refusal.note(given.as_ref().err().cloned());
    match given {
        Ok(ChildCredentials::Google(found)) => {
            let seconds = found.expires.duration_since(SystemClock.now()).as_secs().max(1);
            let body = json!({
                "access_token": found.token.expose(),
                "issued_token_type": TOKEN_TYPE,
                "token_type": "Bearer",
                "expires_in": seconds,
            });
            answer(StatusCode::OK, &body)
        }
        Ok(ChildCredentials::Aws(_)) => {
            refuse(StatusCode::BAD_REQUEST, "invalid_request", "the environment is not Google's")
        }
        Err(error) => {
            let status = match error.code {
                ErrorCode::UpstreamFailed | ErrorCode::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::FORBIDDEN,
            };
            refuse(status, "access_denied", &error.message)
        }
    }
}

impl Answering {
    /// A question for exactly what there is, with the run's own proof.
    fn is_proven(&self, body: &Bytes) -> bool {
        let mut shown = None;
        let mut asked = false;
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "grant_type" => {
                    asked = value == "urn:ietf:params:oauth:grant-type:token-exchange";
                }
                "subject_token" => shown = Some(Sha256::digest(value.as_bytes())),
                _ => {}
            }
        }
        asked && shown.is_some_and(|shown| shown[..] == self.proof)
    }
}

fn refuse(status: StatusCode, error: &str, why: &str) -> Response {
    answer(status, &json!({ "error": error, "error_description": why }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests;
