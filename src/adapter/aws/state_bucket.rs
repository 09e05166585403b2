//! The S3 bucket of a Terraform state, and its lock table where settings name one. Settings follow "Security best
//! practices for Amazon S3" (S3 user guide); every call but the creation names the expected owner, so that a foreign
//! bucket is never touched.

mod look;
mod make;
mod object;
mod policy;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;

use super::AwsIdentity;
use super::lock_table::LockTable;
use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::{Backend, Environment};
use crate::permit::Permit;
use crate::port::{Findings, Job, LockObject, ObjectVersion, OwnOrphan, StateBackend};

/// State buckets by the AWS SDK.
#[derive(Debug)]
pub struct StateBucket {
    identity: Arc<AwsIdentity>,
}

/// One bucket, and the account that it has to belong to.
struct Bucket<'a> {
    client: Client,
    name: &'a str,
    region: &'a str,
    owner: &'a str,
    /// ARN of the KMS key that settings name.
    kms_key: Option<&'a str>,
    /// Over plain http a TLS-only policy would lock everybody out: emulators only.
    plain_http: bool,
}

impl StateBucket {
    /// State buckets reached with this identity.
    pub fn new(identity: Arc<AwsIdentity>) -> Self {
        Self { identity }
    }

    async fn of<'a>(&self, job: &'a Job) -> Result<Bucket<'a>> {
        self.bucket(&job.environment, &job.operation.to_string()).await
    }

    async fn bucket<'a>(&self, environment: &'a Environment, session: &str) -> Result<Bucket<'a>> {
        let Backend::S3 { bucket, region, kms_key, .. } = &environment.backend else {
            return Err(Error::internal("reaching the state bucket", "the state is not in S3"));
        };
        let settings = self.identity.settings(environment, session).await?;
        let config = Builder::from(&settings)
            .region(aws_sdk_s3::config::Region::new(region.clone()))
            .force_path_style(environment.endpoint_url.is_some())
            .build();
        let plain_http =
            environment.endpoint_url.as_ref().is_some_and(|url| url.starts_with("http://"));
        Ok(Bucket {
            client: Client::from_conf(config),
            name: bucket,
            region,
            owner: &environment.account,
            kms_key: kms_key.as_deref(),
            plain_http,
        })
    }

    async fn table<'a>(
        &self,
        environment: &'a Environment,
        session: &str,
    ) -> Result<Option<LockTable<'a>>> {
        let Backend::S3 { region, lock_table: Some(name), kms_key, .. } = &environment.backend
        else {
            return Ok(None);
        };
        let settings = self.identity.settings(environment, session).await?;
        Ok(Some(LockTable::new(&settings, name, region, kms_key.as_deref())))
    }
}

#[async_trait]
impl StateBackend for StateBucket {
    async fn observe(&self, environment: &Environment, session: &str) -> Result<Findings> {
        let mut found = Box::pin(look::observe(&self.bucket(environment, session).await?)).await?;
        if let Some(table) = self.table(environment, session).await? {
            found.settings.extend(Box::pin(table.observe()).await?);
        }
        Ok(found)
    }

    async fn set(
        &self,
        _permit: &Permit,
        environment: &Environment,
        session: &str,
        setting: &str,
    ) -> Result<()> {
        match self.table(environment, session).await? {
            Some(table) if LockTable::knows(setting) => Box::pin(table.set(setting)).await,
            _ => Box::pin(make::set(&self.bucket(environment, session).await?, setting)).await,
        }
    }

    async fn newest(&self, job: &Job) -> Result<Option<String>> {
        let Some(key) = state_key(job) else {
            return Ok(None);
        };
        Box::pin(object::newest(&self.of(job).await?, &key)).await
    }

    async fn written(&self, job: &Job, since: Option<&str>) -> Result<Vec<ObjectVersion>> {
        let Some(key) = state_key(job) else {
            return Ok(Vec::new());
        };
        Box::pin(object::written(&self.of(job).await?, &key, since)).await
    }

    async fn lock(&self, job: &Job) -> Result<Option<LockObject>> {
        let Some(key) = state_key(job) else {
            return Ok(None);
        };
        Box::pin(object::lock(&self.of(job).await?, &key)).await
    }

    async fn unlock(&self, job: &Job, orphan: OwnOrphan<'_>) -> Result<bool> {
        let Some(key) = state_key(job) else {
            return Ok(false);
        };
        Box::pin(object::unlock(&self.of(job).await?, &key, &orphan)).await
    }
}

/// Key of a job's state; none when it is not in S3.
fn state_key(job: &Job) -> Option<String> {
    match &job.environment.backend {
        Backend::S3 { key, .. } => Some(object::key(key, &job.workspace)),
        Backend::Gcs { .. } | Backend::Cloud { .. } | Backend::Local { .. } => None,
    }
}

/// A call: what it does, for messages, and the IAM action that it needs.
#[derive(Debug, Clone, Copy)]
struct Call {
    doing: &'static str,
    action: &'static str,
}

const fn needs(doing: &'static str, action: &'static str) -> Call {
    Call { doing, action }
}

/// A refused or failed call as an error of ours, by the service's own code.
fn failed<E>(call: Call, bucket: &str, error: &E) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Call { doing, action } = call;
    let code = error.code().unwrap_or_default().to_owned();
    let text = format!("{doing} of s3://{bucket}: {}", causes(error));
    match code.as_str() {
        "AccessDenied" | "Forbidden" | "403" => Error::new(ErrorCode::UpstreamDenied, text)
            .detail("action", action)
            .next(format!("give the identity {action} on this bucket")),
        "BucketAlreadyExists" => Error::new(ErrorCode::UpstreamDenied, text)
            .field("state.bucket")
            .next("the name belongs to another account: choose another bucket name"),
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Error::new(ErrorCode::InvalidRequest, text)
            .field("state.region")
            .next("set state.region to the bucket's region"),
        _ => Error::new(ErrorCode::UpstreamFailed, text).detail("code", code),
    }
}
