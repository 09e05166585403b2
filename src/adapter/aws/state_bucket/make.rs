//! Makes one setting of a state bucket as it should be.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use serde_json::{Value, json};

use super::look::MARK;
use super::{Bucket, failed};
use crate::error::{Error, Result};

/// How long versions of a state that were replaced stay. Each lock and unlock makes versions too.
const OLD_VERSIONS_DAYS: i32 = 90;

/// Makes one setting.
pub(super) async fn set(bucket: &Bucket<'_>, setting: &str) -> Result<()> {
    match setting {
        "bucket" => create(bucket).await,
        "ownership" => ownership(bucket).await,
        "public_access_block" => block(bucket).await,
        "encryption" => encryption(bucket).await,
        "versioning" => versioning(bucket).await,
        "lifecycle" => lifecycle(bucket).await,
        "tls_only" => tls_only(bucket).await,
        other => Err(Error::internal("making a setting of the state bucket", other)),
    }
}

fn built<T, E: std::fmt::Display>(made: Result<T, E>) -> Result<T> {
    made.map_err(|e| Error::internal("building a request to S3", e))
}

/// `us-east-1` takes no location constraint (S3 API reference, `CreateBucket`).
async fn create(bucket: &Bucket<'_>) -> Result<()> {
    let mut call = bucket
        .client
        .create_bucket()
        .bucket(bucket.name)
        .object_ownership(ObjectOwnership::BucketOwnerEnforced);
    if bucket.region != "us-east-1" {
        let location = BucketLocationConstraint::from(bucket.region);
        call = call.create_bucket_configuration(
            CreateBucketConfiguration::builder().location_constraint(location).build(),
        );
    }
    match call.send().await {
        Ok(_) => Ok(()),
        // An earlier run was cut off after this very call.
        Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(error) => Err(failed("making the bucket", bucket.name, &error)),
    }
}

async fn ownership(bucket: &Bucket<'_>) -> Result<()> {
    let rule = built(
        OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .build(),
    )?;
    let controls = built(OwnershipControls::builder().rules(rule).build())?;
    let call = bucket
        .client
        .put_bucket_ownership_controls()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.ownership_controls(controls)
        .send()
        .await
        .map(drop)
        .map_err(|e| failed("setting ownership", bucket.name, &e))
}

async fn block(bucket: &Bucket<'_>) -> Result<()> {
    let all = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let call = bucket
        .client
        .put_public_access_block()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.public_access_block_configuration(all)
        .send()
        .await
        .map(drop)
        .map_err(|e| failed("blocking public access", bucket.name, &e))
}

async fn encryption(bucket: &Bucket<'_>) -> Result<()> {
    let default = built(
        ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::Aes256)
            .build(),
    )?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .build();
    let whole = built(ServerSideEncryptionConfiguration::builder().rules(rule).build())?;
    let call = bucket
        .client
        .put_bucket_encryption()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.server_side_encryption_configuration(whole)
        .send()
        .await
        .map(drop)
        .map_err(|e| failed("setting encryption", bucket.name, &e))
}

async fn versioning(bucket: &Bucket<'_>) -> Result<()> {
    let enabled =
        VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let call = bucket
        .client
        .put_bucket_versioning()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.versioning_configuration(enabled)
        .send()
        .await
        .map(drop)
        .map_err(|e| failed("enabling versioning", bucket.name, &e))
}

/// Replaces the whole lifecycle configuration: a state bucket holds nothing else.
async fn lifecycle(bucket: &Bucket<'_>) -> Result<()> {
    let expiry = NoncurrentVersionExpiration::builder().noncurrent_days(OLD_VERSIONS_DAYS).build();
    let rule = built(
        LifecycleRule::builder()
            .id(MARK)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .noncurrent_version_expiration(expiry)
            .build(),
    )?;
    let whole = built(BucketLifecycleConfiguration::builder().rules(rule).build())?;
    let call = bucket
        .client
        .put_bucket_lifecycle_configuration()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.lifecycle_configuration(whole)
        .send()
        .await
        .map(drop)
        .map_err(|e| failed("setting the lifecycle", bucket.name, &e))
}

/// Adds our statement to whatever policy there is.
async fn tls_only(bucket: &Bucket<'_>) -> Result<()> {
    let call = bucket
        .client
        .get_bucket_policy()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .send()
        .await;
    let existing = match call {
        Ok(answer) => answer.policy().unwrap_or_default().to_owned(),
        Err(error) if error.code() == Some("NoSuchBucketPolicy") => String::new(),
        Err(error) => return Err(failed("reading the policy", bucket.name, &error)),
    };
    let mut policy: Value = serde_json::from_str(&existing)
        .unwrap_or_else(|_| json!({ "Version": "2012-10-17", "Statement": [] }));
    let statement = json!({
        "Sid": MARK,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{}", bucket.name), format!("arn:aws:s3:::{}/*", bucket.name)],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    });
    match policy.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.push(statement),
        _ => {
            return Err(Error::internal(
                "adding to the policy of the state bucket",
                "its Statement is not a list",
            ));
        }
    }
    let call = bucket
        .client
        .put_bucket_policy()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .policy(policy.to_string());
    call.send().await.map(drop).map_err(|e| failed("denying plain http", bucket.name, &e))
}
