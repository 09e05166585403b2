//! The token of a service account by its key: a signed statement is exchanged (RFC 7523; AIP-4112). It works, and is
//! warned about: a key does not end, and whoever has a copy is the service account.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::document::{Key, refused};
use super::{Found, Principal, SCOPE, Search, answered};
use crate::adapter::gcp::call::{Body, Call};
use crate::error::Result;
use crate::model::name;
use crate::port::Advice;

/// To whom the statement is addressed.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// Where files of other days send it.
const FORMERLY: [&str; 2] =
    ["https://accounts.google.com/o/oauth2/token", "https://www.googleapis.com/oauth2/v4/token"];

pub(super) async fn token(search: &Search<'_>, key: &Key, file: &str) -> Result<Found> {
    let doing = search.doing;
    name::service_account(&key.client_email)
        .map_err(|bad| refused(doing, "client_email", &bad.why))?;
    let elsewhere =
        key.token_uri.as_deref().is_some_and(|uri| uri != AUDIENCE && !FORMERLY.contains(&uri));
    if elsewhere {
        return Err(refused(doing, "token_uri", "is not Google's token endpoint"));
    }
    let statement = signed(key, Search::now().as_second(), doing)?;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", statement.as_str()),
    ];
    let url = search.url("oauth2.googleapis.com", "/token");
    let answer = search.web.ask(&Call::post(doing, url, Body::Form(&form))).await?;
    let (token, expires) = answered(&answer.value, doing)?;
    Ok(Found {
        token,
        expires,
        principal: Principal::Account(key.client_email.clone()),
        source: format!("key of {} in {file}", key.client_email),
        advice: vec![Advice {
            seen: format!(
                "{file} holds a key of service account {}: it does not end, and whoever copies it is that account",
                key.client_email
            ),
            fix: "use workload identity federation, the metadata server, or a person's own sign-in with `impersonate`; then delete the key".to_owned(),
        }],
        quota_project: None,
    })
}

/// The statement: who asks, for what, for an hour.
fn signed(key: &Key, now: i64, doing: &str) -> Result<String> {
    let bad = || refused(doing, "private_key", "is not an RSA key in PEM");
    let der = PrivateKeyDer::from_pem_slice(key.pem.expose().as_bytes());
    let signer = any_supported_type(&der.map_err(|_| bad())?)
        .ok()
        .and_then(|key| key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]))
        .ok_or_else(bad)?;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({ "alg": "RS256", "typ": "JWT", "kid": key.id }));
    let claims = part(json!({
        "iss": key.client_email, "scope": SCOPE, "aud": AUDIENCE, "iat": now, "exp": now + 3600,
    }));
    let text = format!("{head}.{claims}");
    let signature = signer.sign(text.as_bytes()).map_err(|_| bad())?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
