//! Makes one setting of a state bucket as it should be.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};

use super::look::{MARK, unless};
use super::{Bucket, failed, needs, policy};
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
        "tls_only" => policy::set(bucket).await,
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
        Err(error) => {
            Err(failed(needs("making the bucket", "s3:CreateBucket"), bucket.name, &error))
        }
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
    call.ownership_controls(controls).send().await.map(drop).map_err(|e| {
        failed(needs("setting ownership", "s3:PutBucketOwnershipControls"), bucket.name, &e)
    })
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
    call.public_access_block_configuration(all).send().await.map(drop).map_err(|e| {
        failed(needs("blocking public access", "s3:PutBucketPublicAccessBlock"), bucket.name, &e)
    })
}

async fn encryption(bucket: &Bucket<'_>) -> Result<()> {
    let algorithm = match bucket.kms_key {
        Some(_) => ServerSideEncryption::AwsKms,
        None => ServerSideEncryption::Aes256,
    };
    let default = built(
        ServerSideEncryptionByDefault::builder()
            .sse_algorithm(algorithm)
            .set_kms_master_key_id(bucket.kms_key.map(str::to_owned))
            .build(),
    )?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        // One key of the bucket for many objects: fewer calls to KMS.
        .set_bucket_key_enabled(bucket.kms_key.map(|_| true))
        .build();
    let whole = built(ServerSideEncryptionConfiguration::builder().rules(rule).build())?;
    let call = bucket
        .client
        .put_bucket_encryption()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.server_side_encryption_configuration(whole).send().await.map(drop).map_err(|e| {
        failed(needs("setting encryption", "s3:PutEncryptionConfiguration"), bucket.name, &e)
    })
}

async fn versioning(bucket: &Bucket<'_>) -> Result<()> {
    let enabled =
        VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let call = bucket
        .client
        .put_bucket_versioning()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    call.versioning_configuration(enabled).send().await.map(drop).map_err(|e| {
        failed(needs("enabling versioning", "s3:PutBucketVersioning"), bucket.name, &e)
    })
}

/// Puts our rule in place of an earlier one of ours, beside those of others.
async fn lifecycle(bucket: &Bucket<'_>) -> Result<()> {
    let reading = needs("reading the lifecycle", "s3:GetLifecycleConfiguration");
    let answer = bucket
        .client
        .get_bucket_lifecycle_configuration()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .send()
        .await;
    let found = unless(answer, "NoSuchLifecycleConfiguration", reading, bucket.name)?;
    let mut rules = found.map(|f| f.rules().to_vec()).unwrap_or_default();
    rules.retain(|rule| rule.id() != Some(MARK));
    let expiry = NoncurrentVersionExpiration::builder().noncurrent_days(OLD_VERSIONS_DAYS).build();
    rules.push(built(
        LifecycleRule::builder()
            .id(MARK)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .noncurrent_version_expiration(expiry)
            .build(),
    )?);
    let whole = built(BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build())?;
    let setting = needs("setting the lifecycle", "s3:PutLifecycleConfiguration");
    bucket
        .client
        .put_bucket_lifecycle_configuration()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .lifecycle_configuration(whole)
        .send()
        .await
        .map(drop)
        .map_err(|e| failed(setting, bucket.name, &e))
}
