//! Single calls to AWS, signed by hand: for services of which too few calls are made to carry their SDK.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::identity::now;
use super::trust;
use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::Environment;

/// Longest time that one call may take.
const LIMIT: Duration = Duration::from_secs(30);

/// One call.
#[derive(Debug)]
pub(super) struct Call<'c> {
    /// What it is for, for people.
    pub(super) doing: &'c str,
    /// The service, as in signatures and host names.
    pub(super) service: &'c str,
    pub(super) region: &'c str,
    pub(super) path: &'c str,
    pub(super) content_type: &'c str,
    /// The operation, for services that are told it by a header.
    pub(super) target: Option<&'c str>,
    pub(super) body: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Call<'_> {
    /// Signs it with the settings' keys and makes it, once.
    pub(super) async fn send(&self, at: &Environment, settings: &SdkConfig) -> Result<Answer> {
        let sent = tokio::time::timeout(LIMIT, Box::pin(self.make(at, settings)));
        sent.await.unwrap_or_else(|_| {
            let limit = LIMIT.as_secs();
            let message = format!("{}: no answer within {limit} s", self.doing);
            Err(Error::new(ErrorCode::TimedOut, message))
        })
    }

    async fn make(&self, at: &Environment, settings: &SdkConfig) -> Result<Answer> {
        let failed = |cause: String| {
            Error::new(ErrorCode::UpstreamFailed, format!("{}: {cause}", self.doing))
        };
        let url = match &at.endpoint_url {
            Some(endpoint) => format!("{}{}", endpoint.trim_end_matches('/'), self.path),
            None => format!("https://{}.{}.amazonaws.com{}", self.service, self.region, self.path),
        };
        let provider = settings.credentials_provider();
        let provider =
            provider.ok_or_else(|| Error::internal(self.doing, "there are no credentials"))?;
        let keys = provider.provide_credentials().await.map_err(|e| failed(causes(&e)))?;
        let request =
            self.signed(&url, keys).map_err(|cause| Error::internal(self.doing, cause))?;
        let connector = trust::connector(at.ca_bundle.as_deref())?;
        let answer = connector.call(request).await.map_err(|e| failed(causes(&e)))?;
        let status = answer.status().as_u16();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|e| failed(causes(&e)))?.into_bytes();
        Ok(Answer { status, text: String::from_utf8_lossy(&body).into_owned() })
    }

    fn signed(
        &self,
        url: &str,
        keys: aws_credential_types::Credentials,
    ) -> Result<HttpRequest, Box<dyn std::error::Error>> {
        let identity = keys.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let own: Vec<(&'static str, &str)> = std::iter::once(("content-type", self.content_type))
            .chain(self.target.map(|target| ("x-amz-target", target)))
            .collect();
        let headers = own.iter().copied();
        let body = SignableBody::Bytes(self.body.as_bytes());
        let (instructions, _) =
            sign(SignableRequest::new("POST", url, headers, body)?, &params)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(self.body.clone()));
        request.set_method("POST")?;
        request.set_uri(url)?;
        for (name, value) in own {
            request.headers_mut().insert(name, value.to_owned());
        }
        let (headers, _) = instructions.into_parts();
        for header in headers {
            request.headers_mut().insert(header.name(), header.value().to_owned());
        }
        Ok(request)
    }
}

impl Answer {
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
