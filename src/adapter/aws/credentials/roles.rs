//! Role sessions by STS, each under the name of the operation it is for.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::Credentials as Given;

use super::chain::{Hop, Token};
use crate::error::{Error, ErrorCode, Result, causes};

/// Assumes a role with these keys.
pub(super) async fn assume(
    hop: &Hop,
    keys: Credentials,
    session: &str,
    bare: &SdkConfig,
    doing: &str,
) -> Result<Credentials> {
    let provider = SharedCredentialsProvider::new(keys);
    let settings = bare.to_builder().credentials_provider(provider).build();
    let asked = Client::new(&settings)
        .assume_role()
        .role_arn(&hop.arn)
        .role_session_name(name(session))
        .set_external_id(hop.external_id.clone())
        .set_duration_seconds(hop.duration_s.and_then(|s| i32::try_from(s).ok()))
        .send()
        .await;
    let doing = format!("{doing}: assuming role {}", hop.arn);
    let answer = asked.map_err(|error| {
        let refused = refused(&doing, &error);
        // Both ends have to let it happen, and STS does not say which one did not.
        let denied = error.code() == Some("AccessDenied");
        if !denied {
            return refused;
        }
        let arn = &hop.arn;
        refused.detail("action", "sts:AssumeRole").next(format!(
            "give these keys sts:AssumeRole on {arn}, and let its trust policy name them; if it asks for an external id, set external_id, and mfa if for a second factor"
        ))
    })?;
    session_keys(&doing, answer.credentials())
}

/// Exchanges a web identity token for a role session. The call is not signed: the token is the proof.
pub(super) async fn exchange(
    token: &Token,
    session: &str,
    bare: &SdkConfig,
    doing: &str,
) -> Result<Credentials> {
    let doing = format!("{doing}: assuming role {} by web identity", token.role_arn);
    let text = read(token).map_err(|e| {
        let file = token.file.display();
        Error::new(ErrorCode::InvalidRequest, format!("{doing}: reading the token: {e}"))
            .field("token_file")
            .given(file.to_string())
            .next("name the file that the platform mounts, readable for this user")
    })?;
    let asked = Client::new(bare)
        .assume_role_with_web_identity()
        .role_arn(&token.role_arn)
        .role_session_name(name(session))
        .web_identity_token(text.trim())
        .set_duration_seconds(token.duration_s.and_then(|s| i32::try_from(s).ok()))
        .send()
        .await;
    let answer = asked.map_err(|error| refused(&doing, &error))?;
    session_keys(&doing, answer.credentials())
}

#[expect(clippy::disallowed_methods, reason = "reads the token that the platform renews in place")]
fn read(token: &Token) -> std::io::Result<String> {
    let text = std::fs::read_to_string(&token.file)?;
    if text.trim().is_empty() {
        return Err(std::io::Error::other("the file is empty"));
    }
    Ok(text)
}

/// A session name that STS takes (STS reference, "AssumeRole": `RoleSessionName`).
fn name(session: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_=,.@".contains(*c);
    session.chars().filter(fits).take(64).collect()
}

fn session_keys(doing: &str, given: Option<&Given>) -> Result<Credentials> {
    let given = given.ok_or_else(|| {
        Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the answer holds no keys"))
    })?;
    let ends = SystemTime::try_from(*given.expiration()).ok();
    let token = Some(given.session_token().to_owned());
    Ok(Credentials::new(given.access_key_id(), given.secret_access_key(), token, ends, "role"))
}

fn refused<E>(doing: &str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (code, next) = match (error, error.code()) {
        (SdkError::ServiceError(_), Some("ValidationError")) => (
            ErrorCode::UpstreamDenied,
            "check session_duration_s: the role's own maximum, and one hour with the keys of a role",
        ),
        (SdkError::ServiceError(_), Some("ExpiredToken" | "ExpiredTokenException")) => {
            (ErrorCode::UpstreamDenied, "renew the keys or the token that the role is assumed with")
        }
        (SdkError::ServiceError(_), Some("InvalidIdentityToken")) => (
            ErrorCode::UpstreamDenied,
            "check that the account has an identity provider for the token's issuer and audience",
        ),
        (SdkError::ServiceError(_), _) => (
            ErrorCode::UpstreamDenied,
            "let the role's trust policy name these keys; if it asks for an external id, set external_id, and mfa if for a second factor",
        ),
        (SdkError::TimeoutError(_), _) => {
            (ErrorCode::TimedOut, "check the network, then call again")
        }
        _ => (ErrorCode::UpstreamFailed, "check the network and the region, then call again"),
    };
    Error::new(code, format!("{doing}: {}", causes(error))).next(next)
}
