//! Endpoints of the machine: the container's and the instance's. Asked only when they are the source; a black hole costs
//! no more than the limits below.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;

use crate::error::{Error, ErrorCode, Result, causes};

/// Longest time for the instance metadata service: it is on this machine, or it is not there.
const INSTANCE: Duration = Duration::from_secs(2);
/// Longest time for the container endpoint: EKS Pod Identity asks AWS in turn.
const CONTAINER: Duration = Duration::from_secs(5);

/// Keys of the container.
pub(super) async fn container(doing: &str) -> Result<Credentials> {
    let provider =
        EcsCredentialsProvider::builder().configure(&ProviderConfig::without_region()).build();
    let next = "check AWS_CONTAINER_CREDENTIALS_* and that the task or pod has a role";
    limited(doing, "the container endpoint", CONTAINER, &provider, next).await
}

/// Keys of the instance, by version 2 of the service.
pub(super) async fn instance(doing: &str) -> Result<Credentials> {
    let config = ProviderConfig::without_region();
    let client = imds::Client::builder()
        .configure(&config)
        .max_attempts(1)
        .connect_timeout(INSTANCE / 2)
        .read_timeout(INSTANCE / 2)
        .build();
    let provider =
        ImdsCredentialsProvider::builder().configure(&config).imds_client(client).build();
    let next = "run on an instance with a role, or give the environment another source: `profile` or `credentials`";
    limited(doing, "the instance metadata service", INSTANCE, &provider, next).await
}

async fn limited(
    doing: &str,
    whom: &str,
    limit: Duration,
    provider: &dyn ProvideCredentials,
    next: &str,
) -> Result<Credentials> {
    let failed =
        |code, why: String| Error::new(code, format!("{doing}: asking {whom}: {why}")).next(next);
    match tokio::time::timeout(limit, provider.provide_credentials()).await {
        Ok(Ok(keys)) => Ok(keys),
        Err(_) => {
            Err(failed(ErrorCode::TimedOut, format!("no answer within {} s", limit.as_secs())))
        }
        Ok(Err(error @ CredentialsError::InvalidConfiguration(_))) => {
            Err(failed(ErrorCode::InvalidRequest, causes(&error)))
        }
        Ok(Err(error)) => Err(failed(ErrorCode::UpstreamFailed, causes(&error))),
    }
}
