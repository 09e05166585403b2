//! Workload identity federation: another provider's token is exchanged at Google's Security Token Service (RFC 8693;
//! AIP-4117), and for a service account's if the file names one.
#![expect(clippy::disallowed_methods, reason = "tokens of other providers lie in files")]

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::document::{Executable, Format, Pool, Source, impersonated, refused};
use super::{FILE_MAX, Found, Principal, SCOPE, Search, answered, impersonation};
use crate::adapter::gcp::call::{Body, Call};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};
use crate::secret::Secret;

/// Longest and usual time for a program (AIP-4117), in milliseconds.
const LONGEST: u64 = 120_000;
const USUAL: u64 = 30_000;

pub(super) async fn token(search: &Search<'_>, pool: &Pool, file: &str) -> Result<Found> {
    let doing = search.doing;
    let host = host(&pool.token_url)
        .ok_or_else(|| refused(doing, "token_url", "is not Google's Security Token Service"))?;
    if pool.client_id.is_some() {
        return Err(refused(doing, "client_id", "clients of OAuth are not supported here"));
    }
    let target = pool.service_account_impersonation_url.as_deref();
    let target = target.map(|url| impersonated(url, doing)).transpose()?;
    let (subject, how) = subject(search, pool, target.as_deref()).await?;
    let mut body = json!({
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": pool.audience,
        "scope": SCOPE,
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "subjectToken": subject.expose(),
        "subjectTokenType": pool.subject_token_type,
    });
    if let (Some(project), Some(map)) = (&pool.workforce_pool_user_project, body.as_object_mut()) {
        map.insert("options".into(), json!(json!({ "userProject": project }).to_string()));
    }
    let url = search.url(host, "/v1/token");
    let answer = search.web.ask(&Call::post(doing, url, Body::Json(&body))).await;
    let (token, expires) = answered(&answer.map_err(|e| unsaid(e, &subject))?.value, doing)?;
    let found = Found {
        token,
        expires,
        principal: Principal::Federated(pool.audience.clone()),
        source: format!("federated token by {how} of {file}"),
        advice: Vec::new(),
        quota_project: None,
    };
    match target {
        Some(target) => impersonation::token(search, found, &target, &[]).await,
        None => Ok(found),
    }
}

/// The host of the Security Token Service, of the world or of a region.
fn host(url: &str) -> Option<&str> {
    let host = url.strip_prefix("https://")?.strip_suffix("/v1/token")?;
    let regional =
        host.strip_prefix("sts.").and_then(|rest| rest.strip_suffix(".rep.googleapis.com"));
    let known = host == "sts.googleapis.com"
        || regional.is_some_and(|region| crate::model::name::gcp_region(region).is_ok());
    known.then_some(host)
}

/// An error without the token that was shown: a service may repeat what it does not take.
fn unsaid(error: Error, token: &Secret) -> Error {
    let clean = crate::secret::Redactor::new([token.expose()]);
    error.map_text(&|text| clean.clean(text))
}

/// The other provider's token, and how it was come by.
async fn subject(
    search: &Search<'_>,
    pool: &Pool,
    target: Option<&str>,
) -> Result<(Secret, &'static str)> {
    let (doing, source) = (search.doing, &pool.credential_source);
    match source {
        Source { environment_id: Some(_), .. } => Err(refused(
            doing,
            "credential_source",
            "tokens of AWS are not supported: use a file, a URL or a program",
        )),
        Source { file: Some(path), .. } => {
            let bytes = read(path).map_err(|e| {
                let why = format!("the token's file {}: {e}", path.display());
                refused(doing, "credential_source.file", &why)
            })?;
            Ok((formed(&bytes, &source.format, doing)?, "file"))
        }
        Source { url: Some(url), headers, .. } => {
            let mut call = Call::get(doing, near_or_encrypted(url, doing)?);
            call.headers = headers.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
            // What the answer is, the format says, as for a file.
            call.content = true;
            let content = search.web.ask(&call).await?.content;
            Ok((formed(&content, &source.format, doing)?, "URL"))
        }
        Source { executable: Some(executable), .. } => {
            Ok((run(search, pool, executable, target).await?, "program"))
        }
        _ => Err(refused(doing, "credential_source", "names no file, no URL and no program")),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A token as it lies there: by itself, unless the file says that it is in a field of JSON.
fn formed(bytes: &[u8], format: &Format, doing: &str) -> Result<Secret> {
    match format.kind.as_deref() {
        None | Some("text") => {
            whole(std::str::from_utf8(bytes).map(str::trim).unwrap_or_default(), doing)
        }
        Some("json") => {
            let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
            let field = format.subject_token_field_name.as_deref().unwrap_or_default();
            whole(value.get(field).and_then(Value::as_str).unwrap_or_default(), doing)
        }
        Some(_) => Err(refused(doing, "credential_source.format", "is neither text nor json")),
    }
}

fn whole(text: &str, doing: &str) -> Result<Secret> {
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refused(doing, "credential_source", "there is no token where it says"));
    }
    Ok(Secret::new(text))
}

/// Over plain http only addresses of this machine's own network are asked: that is where platforms hand out tokens.
fn near_or_encrypted(url: &str, doing: &str) -> Result<String> {
    let bad = |why: &str| refused(doing, "credential_source.url", why);
    let parsed = reqwest::Url::parse(url).map_err(|_| bad("is not a URL"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(bad("holds a user's name"));
    }
    let near = parsed.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|a| a.is_loopback() || a.is_link_local())
    });
    match parsed.scheme() {
        "https" => Ok(url.to_owned()),
        "http" if near => Ok(url.to_owned()),
        _ => Err(bad("is not https, and not this machine's own network")),
    }
}

#[derive(Deserialize)]
struct Printed {
    version: u32,
    success: bool,
    token_type: Option<String>,
    id_token: Option<String>,
    saml_response: Option<String>,
    expiration_time: Option<i64>,
}

/// A program that prints the token. Only one that settings list is started, by our one door; there is no shell.
async fn run(
    search: &Search<'_>,
    pool: &Pool,
    executable: &Executable,
    target: Option<&str>,
) -> Result<Secret> {
    const FIELD: &str = "credential_source.executable";
    let doing = search.doing;
    let mut words = executable.command.split_whitespace();
    let program = words.next().unwrap_or_default();
    if !search.access.executables.iter().any(|listed| listed == Path::new(program)) {
        return Err(Error::new(
            ErrorCode::PolicyDenied,
            format!("{doing}: {FIELD} of the credentials file: {program} is not listed"),
        )
        .field(FIELD)
        .given(program)
        .next("ask the people who keep datamcp.toml to list it under credentials.executables"));
    }
    let limit = Duration::from_millis(executable.timeout_millis.unwrap_or(USUAL).min(LONGEST));
    let mut env: Vec<(String, String)> = search
        .variables
        .all()
        .filter(|(name, _)| ["HOME", "PATH", "USER", "LOGNAME"].contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let told = [
        ("AUDIENCE", pool.audience.as_str()),
        ("TOKEN_TYPE", &pool.subject_token_type),
        ("INTERACTIVE", "0"),
    ];
    let told = told.into_iter().chain(target.map(|target| ("IMPERSONATED_EMAIL", target)));
    env.extend(told.map(|(n, v)| (format!("GOOGLE_EXTERNAL_ACCOUNT_{n}"), v.to_owned())));
    let words: Vec<String> = words.map(str::to_owned).collect();
    let room = usize::try_from(FILE_MAX).unwrap_or(usize::MAX);
    let run =
        Invocation::new(program, "/").args(words).env(env).output(Sink::Capture(room), Sink::Null);
    let failed = |code, why: &str| {
        Error::new(code, format!("{doing}: program {program} {why}"))
            .next("run it by hand, as the same user, to see what it says")
    };
    let end = run.capture(limit).await.map_err(|error| match error.code {
        ErrorCode::TimedOut => failed(ErrorCode::TimedOut, "gave no answer in time"),
        code => failed(code, "cannot be started"),
    })?;
    if end.code != Some(0) {
        return Err(failed(ErrorCode::UpstreamFailed, "failed"));
    }
    printed(&end.stdout.bytes, Search::now().as_second())
        .map_err(|why| failed(ErrorCode::UpstreamFailed, why))
}

fn printed(bytes: &[u8], now: i64) -> std::result::Result<Secret, &'static str> {
    let printed: Printed =
        serde_json::from_slice(bytes).map_err(|_| "printed no answer of AIP-4117")?;
    if printed.version != 1 || !printed.success {
        return Err("says that it has no token");
    }
    if printed.expiration_time.is_some_and(|end| end <= now) {
        return Err("printed a token that has ended");
    }
    let token = match printed.token_type.as_deref() {
        Some("urn:ietf:params:oauth:token-type:saml2") => printed.saml_response,
        _ => printed.id_token,
    };
    token.filter(|t| !t.is_empty()).map(Secret::new).ok_or("printed no token")
}
