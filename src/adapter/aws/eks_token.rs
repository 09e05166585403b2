//! Tokens for the API of an EKS cluster: a question to STS, signed and not sent. Whoever holds it can have STS answer
//! who signed it, for a quarter of an hour; the cluster's name is signed with it, so it is good for no other cluster.
//!
//! Form: Amazon EKS Best Practices Guide and `aws eks get-token`; signing: AWS Signature Version 4, query parameters.

mod cache;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

pub use self::cache::TokenCache;
use super::credentials::{SecondFactor, Wanted, find, region_of_profile};
use super::identity::{Place, bare};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{CredentialSource, EksAccess};
use crate::port::{ClusterToken, ClusterTokens};
use crate::secret::{Secret, Variables};

/// What every token begins with.
const PREFIX: &str = "k8s-aws-v1.";
/// The header that binds a token to a cluster.
const CLUSTER: &str = "x-k8s-aws-id";
/// How long the signed question itself is good; EKS takes it for longer, as every tool that makes tokens relies on.
const SIGNED_FOR: Duration = Duration::from_mins(1);
/// EKS takes a token for 15 minutes; a minute is left for clocks and ways.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(14);
/// Longest time to find credentials.
const LIMIT: Duration = Duration::from_secs(20);
/// Name of a role's session when no operation asks.
const SESSION: &str = "datamcp-eks-token";

/// Tokens by the credentials of the user's own AWS settings.
#[derive(Debug)]
pub struct EksTokens {
    /// Endpoint overrides that were inherited: they could redirect signed calls.
    pub inherited_overrides: Vec<String>,
    /// Environment variables that lead to credentials.
    pub variables: Variables,
    /// Certificates of the authorities to trust, in place of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Sessions with an MFA device.
    pub factor: SecondFactor,
    /// Where tokens are kept until shortly before they end.
    pub cache: TokenCache,
}

#[async_trait]
impl ClusterTokens for EksTokens {
    async fn token(&self, access: &EksAccess) -> Result<ClusterToken> {
        let doing = format!("making a token for EKS cluster {}", access.cluster);
        access.check().map_err(|(field, given, bad)| {
            Error::invalid(field, given, bad.why).allowed(bad.allowed)
        })?;
        if let (None, Some(name)) = (&access.endpoint_url, self.inherited_overrides.first()) {
            return Err(Error::new(
                ErrorCode::InvalidRequest,
                format!(
                    "{doing}: {name} is set in the environment and would redirect signed calls"
                ),
            )
            .field(name)
            .next("unset it, or give --endpoint-url"));
        }
        let now = SystemClock.now();
        let kept = access.session.is_none();
        if let Some(found) = kept.then(|| self.cache.find(access, now)).flatten() {
            return Ok(found);
        }
        let found = tokio::time::timeout(LIMIT, Box::pin(self.credentials(access, &doing)));
        let (credentials, region) = found.await.unwrap_or_else(|_| {
            let limit = LIMIT.as_secs();
            Err(Error::new(
                ErrorCode::TimedOut,
                format!("{doing}: no credentials within {limit} s"),
            ))
        })?;
        let token = presigned(&credentials, &region, &access.cluster, now.into())
            .map_err(|cause| Error::internal(&doing, cause))?;
        let made = ClusterToken { token, expires: expiry(&credentials, now) };
        if kept {
            self.cache.keep(access, &made);
        }
        Ok(made)
    }
}

impl EksTokens {
    /// The credentials, and the region they are for. A profile that is named is the only source.
    async fn credentials(&self, access: &EksAccess, doing: &str) -> Result<(Credentials, String)> {
        let source = match &access.profile {
            Some(profile) => CredentialSource::Profile { profile: profile.clone() },
            None => CredentialSource::Ambient,
        };
        let region = self.region(access, doing).await?;
        let bare = bare(&Place {
            region: &region,
            endpoint_url: access.endpoint_url.as_deref(),
            ca_bundle: self.ca_bundle.as_deref(),
        })
        .await?;
        let wanted = Wanted::of_cluster(&source, access, doing);
        let session = access.session.as_deref().unwrap_or(SESSION);
        let found = find(&self.variables, &wanted, session, &bare, &self.factor).await?;
        Ok((found.keys, region))
    }

    /// The region that was asked for, else that of the AWS settings, in the order of the AWS CLI.
    async fn region(&self, access: &EksAccess, doing: &str) -> Result<String> {
        let in_variables = || ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|n| self.variables.get(n));
        let said = access.region.as_deref();
        if let Some(region) = said.or_else(|| in_variables().into_iter().flatten().next()) {
            return Ok(region.to_owned());
        }
        let profile = access.profile.as_deref().or_else(|| self.variables.get("AWS_PROFILE"));
        region_of_profile(&self.variables, profile, doing).await?.ok_or_else(|| {
            let why = "is not known: neither the request nor the AWS settings name one";
            Error::invalid("region", "", why).next("give --region")
        })
    }
}

/// When a token ends: it is worth nothing once the credentials behind it have ended.
fn expiry(credentials: &Credentials, now: Timestamp) -> Timestamp {
    let ends = now.saturating_add(GOOD_FOR).unwrap_or(now);
    let of_credentials = credentials.expiry().and_then(|at| Timestamp::try_from(at).ok());
    of_credentials.map_or(ends, |at| at.min(ends))
}

/// The token: `GetCallerIdentity` as a presigned URL, with the cluster's name among the signed headers.
fn presigned(
    credentials: &Credentials,
    region: &str,
    cluster: &str,
    at: SystemTime,
) -> Result<Secret, Box<dyn std::error::Error>> {
    let url =
        format!("https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(SIGNED_FOR);
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(at)
        .settings(settings)
        .build()?
        .into();
    let headers = std::iter::once((CLUSTER, cluster));
    let signable = SignableRequest::new("GET", &url, headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let mut request = http::Request::get(&url).header(CLUSTER, cluster).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    let text = URL_SAFE_NO_PAD.encode(request.uri().to_string());
    Ok(Secret::new(format!("{PREFIX}{text}")))
}
