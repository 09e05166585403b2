//! The token of a person who signed in: a refresh token is exchanged (RFC 6749, 6).

use super::document::User;
use super::{Found, Principal, Search, answered};
use crate::adapter::gcp::call::{Body, Call};
use crate::error::Result;

pub(super) async fn token(search: &Search<'_>, user: &User, file: &str) -> Result<Found> {
    // No scope is asked for: it is what was granted when they signed in, and asking for more is refused.
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", user.client_id.as_str()),
        ("client_secret", user.client_secret.expose()),
        ("refresh_token", user.refresh_token.expose()),
    ];
    let url = search.url("oauth2.googleapis.com", "/token");
    let answer = search.web.ask(&Call::post(search.doing, url, Body::Form(&form))).await?;
    let (token, expires) = answered(&answer.value, search.doing)?;
    Ok(Found {
        token,
        expires,
        principal: Principal::User,
        source: format!("user of {file}"),
        advice: Vec::new(),
        quota_project: user.quota_project_id.clone(),
    })
}
