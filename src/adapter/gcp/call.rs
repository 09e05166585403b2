//! One request, one answer: where it goes, how long it may take, how much is read, what a refusal means. A token follows
//! no redirect, and goes over plain http to this machine's own neighbours only.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result, causes_within};
use crate::secret::Secret;

/// How long one request may take, and its connection.
const DEADLINE: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(5);
/// Waits before a question is asked again where nobody was there to answer it (Google AIP-194).
const AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Further waits where an API counts writes by the second (Cloud Storage, "Retry strategy").
const PATIENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
/// Longest answer that is read: a list of many large clusters.
const BODY_MAX: usize = 16 * 1024 * 1024;
/// How much of what was said is shown.
const SHOWN: usize = 400;
/// Detail of an error: the request went out, and no whole answer came.
const UNANSWERED: &str = "unanswered";

/// Connections, kept.
#[derive(Debug, Default)]
pub(super) struct Web {
    far: OnceLock<reqwest::Client>,
    near: OnceLock<reqwest::Client>,
}

/// What is sent.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// A question.
    Nothing,
    /// JSON.
    Json(&'a Value),
    /// A form.
    Form(&'a [(&'a str, &'a str)]),
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Patch,
    Put,
    Delete,
}

/// When a request is sent once more, after nobody was there to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Never: it may have been carried out.
    Never,
    /// It is a question.
    Question,
    /// It carries a condition, or names what it makes: a second one does no harm. With more patience.
    Harmless,
}

/// A request.
pub(super) struct Call<'a> {
    /// What is being done, for messages.
    pub(super) doing: &'a str,
    /// The whole URL.
    pub(super) url: String,
    /// What it wants.
    pub(super) verb: Verb,
    /// What is sent.
    pub(super) body: Body<'a>,
    /// When it is sent once more.
    pub(super) again: Again,
    /// Whether the answer is a content, and no JSON.
    pub(super) content: bool,
    /// The token to show.
    pub(super) bearer: Option<&'a Secret>,
    /// Further headers.
    pub(super) headers: Vec<(&'a str, String)>,
}

impl<'a> Call<'a> {
    /// A question without a token.
    pub(super) fn get(doing: &'a str, url: String) -> Self {
        Self {
            doing,
            url,
            verb: Verb::Get,
            body: Body::Nothing,
            again: Again::Question,
            content: false,
            bearer: None,
            headers: Vec::new(),
        }
    }

    /// Something sent.
    pub(super) fn post(doing: &'a str, url: String, body: Body<'a>) -> Self {
        Self { verb: Verb::Post, body, again: Again::Never, ..Self::get(doing, url) }
    }
}

/// The URL of a path of one of Google's hosts; of a stand-in that answers for all of them, if there is one.
pub(super) fn url(base: Option<&str>, host: &str, path: &str) -> String {
    match base {
        Some(base) => format!("{base}/{host}{path}"),
        None => format!("https://{host}{path}"),
    }
}

/// An answer: what it says, and whether Google's metadata server said it.
pub(super) struct Answer {
    /// The JSON; null where there is none.
    pub(super) value: Value,
    /// The content, where one was asked for.
    pub(super) content: Vec<u8>,
    pub(super) of_metadata: bool,
}

impl Web {
    /// Asks. What may be asked again is, and only where nobody answered it.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Answer> {
        let waits = match call.again {
            Again::Never => Vec::new(),
            Again::Question => AGAIN.to_vec(),
            Again::Harmless => [AGAIN, PATIENCE].concat(),
        };
        for wait in waits {
            match self.once(call).await {
                Err(error) if is_passing(&error) => tokio::time::sleep(wait).await,
                other => return other,
            }
        }
        self.once(call).await
    }

    async fn once(&self, call: &Call<'_>) -> Result<Answer> {
        let doing = call.doing;
        let client = self.client(&call.url, doing)?;
        let mut headers = HeaderMap::new();
        let fits = |_| Error::internal(doing, "a value does not fit into a header");
        for (name, value) in &call.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Error::internal(doing, "a name does not fit into a header"))?;
            let mut value = HeaderValue::from_str(value).map_err(fits)?;
            // What a settings file sends along may be a token.
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if let Some(token) = call.bearer {
            let bearer = format!("Bearer {}", token.expose());
            let mut bearer = HeaderValue::from_str(&bearer).map_err(fits)?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let request = match call.verb {
            Verb::Get => client.get(&call.url),
            Verb::Post => client.post(&call.url),
            Verb::Patch => client.patch(&call.url),
            Verb::Put => client.put(&call.url),
            Verb::Delete => client.delete(&call.url),
        };
        let request = match call.body {
            Body::Nothing => request,
            Body::Json(value) => request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(value.to_string()),
            Body::Form(pairs) => request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
                .body(form(pairs, doing)?),
        };
        let answer = request.headers(headers).send().await.map_err(|e| lost(call, &e))?;
        read(call, answer).await
    }

    fn client(&self, url: &str, doing: &str) -> Result<&reqwest::Client> {
        let near = url.starts_with("http://");
        let slot = if near { &self.near } else { &self.far };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(DEADLINE)
            .user_agent(concat!("datamcp/", env!("CARGO_PKG_VERSION")));
        // A proxy would be another machine, and would read what is not encrypted.
        let builder = if near { builder.no_proxy() } else { builder.https_only(true) };
        let client = builder.build().map_err(|e| Error::internal(doing, causes_within(&e)))?;
        Ok(slot.get_or_init(|| client))
    }
}

fn form(pairs: &[(&str, &str)], doing: &str) -> Result<String> {
    let mut url = reqwest::Url::parse("http://form/").map_err(|e| Error::internal(doing, e))?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url.query().unwrap_or_default().to_owned())
}

async fn read(call: &Call<'_>, mut answer: reqwest::Response) -> Result<Answer> {
    let (doing, place) = (call.doing, place(&call.url));
    let status = answer.status();
    if status.is_redirection() {
        let why = format!("{doing}: {place} leads elsewhere, and the token does not follow");
        return Err(Error::new(ErrorCode::UpstreamFailed, why)
            .next("see whether a proxy or a sign-in page stands before it"));
    }
    let of_metadata =
        answer.headers().get("metadata-flavor").is_some_and(|flavor| flavor == "Google");
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| lost(call, &e))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BODY_MAX {
            let why = format!("{doing}: the answer of {place} is longer than {BODY_MAX} bytes");
            return Err(Error::new(ErrorCode::UpstreamFailed, why).detail(UNANSWERED, true));
        }
    }
    if status.is_success() && (call.content || bytes.is_empty()) {
        return Ok(Answer { value: Value::Null, content: bytes, of_metadata });
    }
    let value: Option<Value> = serde_json::from_slice(&bytes).ok();
    match value {
        Some(value) if status.is_success() => {
            Ok(Answer { value, content: Vec::new(), of_metadata })
        }
        Some(value) => Err(refused(doing, status.as_u16(), &value)),
        None => {
            let why = format!("{doing}: {place} answers with {status} and no JSON");
            Err(Error::new(ErrorCode::UpstreamFailed, why)
                .detail("http_status", status.as_u16())
                .next("see whether a proxy or a sign-in page stands before it"))
        }
    }
}

/// What a refusal means: of an API (Google AIP-193) or of a token endpoint (RFC 6749, 5.2).
fn refused(doing: &str, status: u16, value: &Value) -> Error {
    let text = |at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let oauth = value.get("error").is_some_and(Value::is_string);
    let reason = if oauth { text("/error") } else { reason(value) };
    let said = if oauth { text("/error_description") } else { text("/error/message") };
    let said: String = said.chars().take(SHOWN).collect();
    let error = |code, why: String| {
        Error::new(code, format!("{doing}: {why}"))
            .detail("http_status", status)
            .detail("reason", reason)
    };
    match (status, reason) {
        (_, "invalid_grant") => error(
            ErrorCode::UpstreamDenied,
            format!("Google does not take the credentials any more: {said}"),
        )
        .next("they have been revoked or have ended: sign in again, or have new ones made"),
        (401, _) => {
            error(ErrorCode::UpstreamDenied, format!("Google does not take the token: {said}"))
                .next(
                    "it has been revoked or has ended: sign in again, or have new credentials made",
                )
        }
        (403, "SERVICE_DISABLED") => {
            error(ErrorCode::UpstreamDenied, said).next("have the API switched on in the project")
        }
        (403, _) => {
            let permission = details(value)
                .find_map(|d| d.pointer("/metadata/permission").and_then(Value::as_str));
            let error = error(ErrorCode::UpstreamDenied, format!("not permitted: {said}"));
            match permission {
                Some(name) => error
                    .detail("permission", name)
                    .next(format!("have {name} granted to this identity")),
                None => error.next("have a role granted to this identity that allows it"),
            }
        }
        (429, _) => error(ErrorCode::UpstreamFailed, format!("too many requests: {said}"))
            .next("try again in a minute"),
        (400 | 404, _) if !oauth => error(ErrorCode::InvalidRequest, said),
        _ => error(ErrorCode::UpstreamFailed, format!("{status} {reason}: {said}")),
    }
}

fn details(value: &Value) -> impl Iterator<Item = &Value> {
    value.pointer("/error/details").and_then(Value::as_array).into_iter().flatten()
}

fn reason(value: &Value) -> &str {
    let detailed = details(value).find_map(|d| d.get("reason").and_then(Value::as_str));
    let status = || value.pointer("/error/status").and_then(Value::as_str);
    detailed.or_else(status).unwrap_or_default()
}

pub(super) fn is_absent(error: &Error) -> bool {
    status(error) == Some(404)
}

pub(super) fn is_ended(error: &Error) -> bool {
    status(error) == Some(401)
}

/// Whether a request went out and its answer did not come: nobody knows what was done.
pub(super) fn is_unanswered(error: &Error) -> bool {
    error.details.contains_key(UNANSWERED)
}

/// Whether nobody was there to answer; the next one may be.
fn is_passing(error: &Error) -> bool {
    matches!(status(error), Some(429 | 500 | 502..=504)) || error.details.contains_key("unreached")
}

/// Whether there is nobody at that address.
pub(super) fn is_unreached(error: &Error) -> bool {
    error.details.contains_key("unreached")
}

/// Whether a condition of the request did not hold.
pub(super) fn is_otherwise(error: &Error) -> bool {
    status(error) == Some(412)
}

pub(super) fn status(error: &Error) -> Option<u64> {
    error.details.get("http_status").and_then(Value::as_u64)
}

/// Scheme and host of a URL: its path and query may hold more than should be told.
fn place(url: &str) -> String {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    url.get(..end).unwrap_or_default().to_owned()
}

fn lost(call: &Call<'_>, error: &reqwest::Error) -> Error {
    let (doing, place) = (call.doing, place(&call.url));
    let told = if error.is_timeout() {
        Error::new(ErrorCode::TimedOut, format!("{doing}: {place} does not answer in time"))
    } else {
        let why = format!("{doing}: {place} is not reached: {}", causes_within(error));
        Error::new(ErrorCode::UpstreamFailed, why)
    };
    let told = told.next("look at the network between this machine and there, then try again");
    told.detail(if error.is_connect() { "unreached" } else { UNANSWERED }, true)
}
