//! One request, one answer: where the token may go, how long it may take, how much is read, what a refusal means.
#![expect(
    clippy::disallowed_methods,
    reason = "a certificate authority is in a file; this adapter reads it"
)]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Response, StatusCode};
use serde_json::Value;

use super::{presented, token};
use crate::clock::Clock;
use crate::error::{Error, ErrorCode, Result, causes_within};
use crate::model::ArgoProject;
use crate::port::Secrets;
use crate::secret::{Redactor, Secret};

/// How long one request may take.
const DEADLINE: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(10);
/// Longest answer that is read: objects of a large application.
const BODY_MAX: usize = 32 * 1024 * 1024;
/// How much of an answer that is not what it should be is shown.
const SHOWN: usize = 200;

/// What the adapter is given.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where tokens are found that settings refer to.
    pub secrets: Arc<dyn Secrets>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// Clients, one for each server: they keep their connections.
pub(super) struct Client {
    settings: Settings,
    clock: Arc<dyn Clock>,
    known: Mutex<BTreeMap<(String, Option<PathBuf>), reqwest::Client>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    pub(super) fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, known: Mutex::default() }
    }

    /// Asks as the project.
    pub(super) async fn ask(
        &self,
        place: &ArgoProject,
        doing: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let token = token::read(place, &*self.settings.secrets, self.clock.now()).await?;
        let clean = Redactor::new([token.expose()]);
        let answer = self.send(place, doing, (method, path), body, Some(&token)).await;
        answer.map_err(|error| error.map_text(&|text| clean.clean(text)))
    }

    /// Asks as nobody.
    pub(super) async fn ask_openly(
        &self,
        place: &ArgoProject,
        doing: &str,
        path: &str,
    ) -> Result<Value> {
        self.send(place, doing, (Method::Get, path), None, None).await
    }

    async fn send(
        &self,
        place: &ArgoProject,
        doing: &str,
        (method, path): (Method, &str),
        body: Option<&Value>,
        token: Option<&Secret>,
    ) -> Result<Value> {
        let client = self.client(place, doing)?;
        let url = format!("{}{path}", place.url);
        let mut request = match method {
            Method::Get => client.get(&url),
            Method::Post => client.post(&url),
            Method::Put => client.put(&url),
            Method::Delete => client.delete(&url),
        };
        if method != Method::Get {
            // Exactly this: Argo CD refuses it with a charset behind, and a DELETE without it.
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = token {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| Error::internal(doing, "the token does not fit into a header"))?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        match request.send().await {
            Ok(answer) => read(doing, place, answer).await,
            Err(error) => {
                let told = unreachable(doing, place, &error);
                if certificate(&error).is_none() {
                    return Err(told);
                }
                Err(match presented::subject(&place.url).await {
                    Some(subject) => told.detail("subject", subject),
                    None => told,
                })
            }
        }
    }

    fn client(&self, place: &ArgoProject, doing: &str) -> Result<reqwest::Client> {
        let key = (place.url.clone(), place.ca.clone());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&key) {
            return Ok(client.clone());
        }
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(DEADLINE)
            .user_agent(concat!("datamcp/", env!("CARGO_PKG_VERSION")));
        if place.url.starts_with("http://") {
            // A proxy would be another host, and would read the token.
            builder = builder.no_proxy();
        } else {
            builder = builder.https_only(true);
        }
        if let Some(path) = &place.ca {
            let wrong = |why: String| {
                Error::invalid("argocd.ca", path.to_string_lossy(), why)
                    .allowed("a PEM file with certificates of authorities")
            };
            let pem = std::fs::read(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
            let found = Certificate::from_pem_bundle(&pem)
                .map_err(|e| wrong(format!("holds no certificate: {e}")))?;
            if found.is_empty() {
                return Err(wrong("holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_only(found);
        }
        let client = builder.build().map_err(|e| Error::internal(doing, causes_within(&e)))?;
        known.insert(key, client.clone());
        Ok(client)
    }
}

async fn read(doing: &str, place: &ArgoProject, mut answer: Response) -> Result<Value> {
    let status = answer.status();
    if status.is_redirection() {
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        return Err(Error::new(
            ErrorCode::UpstreamFailed,
            format!("{doing}: {} leads elsewhere, and the token does not follow", place.url),
        )
        .given(to)
        .next(format!("correct argocd.{}.url", place.server)));
    }
    let json = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| unreachable(doing, place, &e))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BODY_MAX {
            let why = format!("{doing}: the answer is longer than {BODY_MAX} bytes");
            return Err(lost(Error::new(ErrorCode::UpstreamFailed, why)));
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let parsed: Option<Value> = json.then(|| serde_json::from_str(&text).ok()).flatten();
    match parsed {
        Some(value) if status.is_success() => Ok(value),
        Some(value) => {
            let said = value.get("message").and_then(Value::as_str).unwrap_or_default();
            let code = value.get("code").and_then(Value::as_i64).unwrap_or_default();
            Err(refused(doing, place, (status, code), said))
        }
        None if status == StatusCode::UNAUTHORIZED || status == StatusCode::NOT_FOUND => {
            Err(refused(doing, place, (status, 0), first(&text)))
        }
        None => {
            let why = format!("{doing}: {} answers with {status} and no JSON", place.url);
            let error = Error::new(ErrorCode::UpstreamFailed, why)
                .detail("http_status", status.as_u16())
                .detail("body", first(&text))
                .next("see whether a proxy or a sign-in page stands before Argo CD");
            Err(if status.is_client_error() { error } else { lost(error) })
        }
    }
}

fn first(text: &str) -> &str {
    text.char_indices().nth(SHOWN).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// What a refusal means. Argo CD's codes are gRPC's; one code has several meanings, so its text counts too.
fn refused(
    doing: &str,
    place: &ArgoProject,
    (status, code): (StatusCode, i64),
    said: &str,
) -> Error {
    let said: String = said.chars().take(500).collect();
    let error = |kind, why: &str| {
        Error::new(kind, format!("{doing}: {why}"))
            .detail("http_status", status.as_u16())
            .detail("said", said.clone())
    };
    match (status.as_u16(), code) {
        (401, _) => error(ErrorCode::UpstreamDenied, "Argo CD does not take the token")
            .next(format!("have a new token made and put where {} says", place.token)),
        (403, _) if said.contains("sync window") => {
            error(ErrorCode::UpstreamDenied, "a sync window of the project is closed")
                .detail("sync_window", true)
                .next("wait until it is open; the people of the project decide on its windows")
        }
        // The same for what is not there and for what may not be seen: on purpose, so that nobody can tell.
        (403, _) => error(ErrorCode::UpstreamDenied, "not found or not permitted").next(format!(
            "see that the token belongs to a role of project {} that may do this",
            place.project
        )),
        (404, _) => error(ErrorCode::InvalidRequest, "there is none"),
        (_, 9) if said.contains("another operation is already in progress") => {
            error(ErrorCode::LockHeld, "another operation runs on it")
                .detail("busy", true)
                .next("wait for it: argo_app_status shows it")
        }
        (_, _) if said.contains("to a commit SHA") => {
            error(ErrorCode::InvalidRequest, "the repository has no such revision")
                .field("revision")
        }
        (400, _) => error(ErrorCode::InvalidRequest, &format!("Argo CD refuses it: {said}")),
        (502..=504, _) => lost(error(ErrorCode::UpstreamFailed, "Argo CD is not there")),
        _ => error(ErrorCode::UpstreamFailed, &format!("Argo CD says {status}: {said}")),
    }
}

/// Marks an error after which nobody knows whether the request was taken.
fn lost(error: Error) -> Error {
    error.detail("lost", true)
}

pub(super) fn is_lost(error: &Error) -> bool {
    error.details.contains_key("lost")
}

/// Whether it may be that there is something that this token does not see.
pub(super) fn is_hidden(error: &Error) -> bool {
    error.details.get("http_status") == Some(&Value::from(403))
}

pub(super) fn is_absent(error: &Error) -> bool {
    error.details.get("http_status") == Some(&Value::from(404))
}

/// No answer, or only a part of one.
fn unreachable(doing: &str, place: &ArgoProject, error: &reqwest::Error) -> Error {
    let url = &place.url;
    if let Some(why) = certificate(error) {
        return Error::new(
            ErrorCode::UpstreamFailed,
            format!("{doing}: the certificate of {url} {why}"),
        )
        .detail("certificate", why)
        .next("have it renewed; with an authority of your own set argocd.*.ca");
    }
    let (code, why) = if error.is_timeout() {
        (ErrorCode::TimedOut, format!("{doing}: {url} does not answer in time"))
    } else {
        (
            ErrorCode::UpstreamFailed,
            format!("{doing}: {url} is not reached: {}", causes_within(error)),
        )
    };
    let told = Error::new(code, why).next("see whether Argo CD is there, and reached from here");
    // What could not connect has sent nothing.
    if error.is_connect() { told } else { lost(told) }
}

/// What is wrong with a certificate, when that is it.
fn certificate(error: &reqwest::Error) -> Option<String> {
    use rustls::CertificateError as Bad;
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(cause) = next {
        let mut inner = cause;
        while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(|e| e.get_ref()) {
            inner = wrapped;
        }
        if let Some(rustls::Error::InvalidCertificate(bad)) = inner.downcast_ref() {
            return Some(match bad {
                Bad::ExpiredContext { not_after, .. } => {
                    let at = i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX);
                    let at = jiff::Timestamp::from_second(at).map(|t| t.to_string());
                    format!("has expired at {}", at.unwrap_or_default())
                }
                Bad::Expired => "has expired".to_owned(),
                Bad::UnknownIssuer | Bad::BadSignature => {
                    "is of an authority that is not trusted".to_owned()
                }
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                    "is another host's".to_owned()
                }
                other => format!("is not valid: {other}"),
            });
        }
        next = cause.source();
    }
    None
}
