//! IAM Identity Center: the token that `aws sso login` left (renewed by its refresh token while that lasts), exchanged
//! for keys of an account and role at the portal.

use std::time::{Duration, UNIX_EPOCH};

use aws_config::sso::SsoTokenProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::token::ProvideToken;
use aws_sdk_sso::error::SdkError;

use super::chain::Sso;
use crate::adapter::aws::identity::now;
use crate::error::{Error, ErrorCode, Result, causes};

/// Keys for what the profile names.
pub(super) async fn keys(sso: &Sso, bare: &SdkConfig, doing: &str) -> Result<Credentials> {
    let login = format!("run `aws sso login --profile {}`, then call again", sso.profile);
    let failed = |code, why: String| {
        let what = format!("{doing}: IAM Identity Center for profile {}: {why}", sso.profile);
        Error::new(code, what).next(login.as_str())
    };
    let region = Region::new(sso.region.clone());
    let provider = SsoTokenProvider::builder()
        .configure(bare)
        .region(region.clone())
        .session_name(&sso.token)
        .start_url(&sso.start_url)
        .build()
        .await;
    let token = provider.provide_token().await;
    let token = token.map_err(|e| failed(ErrorCode::UpstreamDenied, causes(&e)))?;
    // A token that could not be renewed comes back as it was.
    if token.expiration().is_some_and(|end| end <= now()) {
        let why = "the token has ended and could not be renewed";
        return Err(failed(ErrorCode::UpstreamDenied, why.to_owned()));
    }
    let settings = bare.to_builder().region(region).build();
    let asked = aws_sdk_sso::Client::new(&settings)
        .get_role_credentials()
        .account_id(&sso.account)
        .role_name(&sso.role)
        .access_token(token.token())
        .send()
        .await;
    let answer = asked.map_err(|error| match &error {
        SdkError::ServiceError(refusal) if refusal.err().is_unauthorized_exception() => {
            failed(ErrorCode::UpstreamDenied, "the token has ended or is not valid".to_owned())
        }
        SdkError::ServiceError(_) => failed(ErrorCode::UpstreamDenied, causes(&error)).next(
            format!("check that you are assigned role {} of account {}", sso.role, sso.account),
        ),
        _ => failed(ErrorCode::UpstreamFailed, causes(&error))
            .next("check the network and sso_region of the profile"),
    })?;
    let given = answer.role_credentials();
    let (Some(id), Some(secret)) = (
        given.and_then(|keys| keys.access_key_id()),
        given.and_then(|keys| keys.secret_access_key()),
    ) else {
        return Err(failed(ErrorCode::UpstreamFailed, "the answer holds no keys".to_owned()));
    };
    let token = given.and_then(|keys| keys.session_token()).map(str::to_owned);
    let ends = given.map_or(0, |keys| u64::try_from(keys.expiration()).unwrap_or_default());
    let ends = UNIX_EPOCH + Duration::from_millis(ends);
    Ok(Credentials::new(id, secret, token, Some(ends), "sso"))
}
