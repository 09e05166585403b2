//! The token of a project: read where settings say it is, looked at before it is sent anywhere.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::model::ArgoProject;
use crate::port::Secrets;
use crate::secret::Secret;

/// The token, unless it is missing, has expired or never will.
pub(super) async fn read(
    place: &ArgoProject,
    secrets: &dyn Secrets,
    now: Timestamp,
) -> Result<Secret> {
    let found = secrets.fetch(&place.token).await.map_err(|e| e.field("argocd.token"))?;
    let found = found.map(|found| found.value.expose().trim().to_owned());
    let token = found.filter(|t| !t.is_empty()).ok_or_else(|| refused(place, "it is empty"))?;
    let ends = ends(&token).ok_or_else(|| refused(place, "it is not a token of Argo CD"))?;
    let Some(ends) = ends else {
        return Err(refused(place, "it never expires"));
    };
    if ends <= now {
        return Err(refused(place, &format!("it has expired at {ends}")));
    }
    Ok(Secret::new(token))
}

fn refused(place: &ArgoProject, why: &str) -> Error {
    let project = &place.project;
    Error::new(
        ErrorCode::UpstreamDenied,
        format!("reading the token for {place} ({}): {why}", place.token),
    )
    .field("argocd.token")
    .allowed("a token of a role of the project that expires")
    .next(format!("have one made: argocd proj role create-token {project} ROLE --expires-in 24h"))
}

/// When it ends: the claim `exp` of a JWT (RFC 7519). Its signature is Argo CD's to check. The outer nothing: it is none.
#[expect(clippy::option_option, reason = "no token and a token without an end are told apart")]
fn ends(token: &str) -> Option<Option<Timestamp>> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.as_object()?;
    let seconds = claims.get("exp").and_then(Value::as_f64);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a date beyond i64 is one that never comes"
    )]
    let ends = seconds.and_then(|s| Timestamp::from_second(s as i64).ok());
    Some(ends)
}
