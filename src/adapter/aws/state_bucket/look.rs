//! Looks at a state bucket: is it there, is it ours, is each setting as it should be.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    BucketVersioningStatus, ExpirationStatus, ObjectOwnership, ServerSideEncryption,
};

use super::{Bucket, Call, failed, needs, policy};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Action;
use crate::port::{Findings, Setting};

/// Settings in the order in which they are made.
pub(super) const SETTINGS: [(&str, &str); 7] = [
    ("bucket", "there"),
    ("ownership", "bucket owner enforced"),
    ("public_access_block", "all four blocks on"),
    ("encryption", "on by default"),
    ("versioning", "enabled"),
    ("lifecycle", "old versions expire"),
    ("tls_only", "plain http denied"),
];

/// Identifier of our statement in the bucket's policy and of our lifecycle rule.
pub(super) const MARK: &str = "datamcp-state";

/// What is there.
pub(super) async fn observe(bucket: &Bucket<'_>) -> Result<Findings> {
    let there = exists(bucket).await?;
    let mut settings = Vec::new();
    for (name, usual) in
        SETTINGS.into_iter().filter(|(name, _)| *name != "tls_only" || !bucket.plain_http)
    {
        let wanted = match (name, bucket.kms_key) {
            ("encryption", Some(key)) => format!("by {key}"),
            _ => usual.to_owned(),
        };
        let seen = match (name, there) {
            ("bucket", there) => there.then(|| wanted.clone()),
            (_, false) => None,
            _ => seen(bucket, name).await?,
        };
        let missing = if name == "bucket" || !there { "absent" } else { "not set" };
        // Without a key of ours any encryption is right: somebody may have chosen a stricter one.
        let any = name == "encryption" && bucket.kms_key.is_none();
        let right = seen.as_ref() == Some(&wanted) || (any && seen.is_some());
        let action = match right {
            true => None,
            false if there => Some(Action::Update),
            false => Some(Action::Create),
        };
        settings.push(Setting {
            name: name.into(),
            seen: seen.unwrap_or_else(|| missing.into()),
            wanted,
            action,
        });
    }
    let mut notes = Vec::new();
    if bucket.plain_http {
        notes.push("tls_only is left out: the endpoint speaks plain http, the policy would lock everybody out".to_owned());
    }
    Ok(Findings { place: format!("s3://{}", bucket.name), settings, notes })
}

/// Whether the bucket is there. One of another account is an error, also when S3 only says "forbidden".
async fn exists(bucket: &Bucket<'_>) -> Result<bool> {
    let call = bucket
        .client
        .head_bucket()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .send()
        .await;
    let error = match call {
        Ok(answer) => {
            let region = answer.bucket_region().unwrap_or(bucket.region);
            if region == bucket.region {
                return Ok(true);
            }
            return Err(elsewhere(bucket, region));
        }
        Err(error) => error,
    };
    let answer = error.raw_response();
    let region = answer.and_then(|r| r.headers().get("x-amz-bucket-region"));
    match (answer.map(|r| r.status().as_u16()), region) {
        (Some(404), _) => Ok(false),
        // A refusal of another kind, of keys that have ended for one, is a 400 too: then no region is told.
        (Some(301), region) => Err(elsewhere(bucket, region.unwrap_or("another region"))),
        (Some(400), Some(region)) => Err(elsewhere(bucket, region)),
        (Some(403), _) => Err(Error::new(
            ErrorCode::UpstreamDenied,
            format!("looking at s3://{}: it belongs to another account than {}, or this identity may not look at it", bucket.name, bucket.owner),
        )
        .next("choose a bucket name of your own, or give the identity s3:ListBucket on it")),
        _ => Err(failed(needs("looking", "s3:ListBucket"), bucket.name, &error)),
    }
}

fn elsewhere(bucket: &Bucket<'_>, region: &str) -> Error {
    Error::new(
        ErrorCode::InvalidRequest,
        format!(
            "looking at s3://{}: it is in {region}, settings say {}",
            bucket.name, bucket.region
        ),
    )
    .field("state.region")
    .given(bucket.region)
    .allowed(region)
    .next("set state.region to the bucket's region")
}

/// A setting's value as wanted, as another one, or `None` when it was never set.
async fn seen(bucket: &Bucket<'_>, name: &str) -> Result<Option<String>> {
    match name {
        "ownership" => ownership(bucket).await,
        "public_access_block" => access(bucket).await,
        "encryption" => encryption(bucket).await,
        "versioning" => versioning(bucket).await,
        "lifecycle" => lifecycle(bucket).await,
        _ => tls_only(bucket).await,
    }
}

fn said(yes: bool, word: &str) -> String {
    if yes { word.to_owned() } else { "set otherwise".to_owned() }
}

async fn ownership(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let call = bucket
        .client
        .get_bucket_ownership_controls()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    let answer = unless(
        call.send().await,
        "OwnershipControlsNotFoundError",
        needs("reading ownership", "s3:GetBucketOwnershipControls"),
        bucket.name,
    )?;
    Ok(answer.and_then(|a| {
        let mut rules = a.ownership_controls()?.rules().iter();
        Some(said(
            rules.any(|r| r.object_ownership() == &ObjectOwnership::BucketOwnerEnforced),
            "bucket owner enforced",
        ))
    }))
}

async fn access(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let call = bucket
        .client
        .get_public_access_block()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    let answer = unless(
        call.send().await,
        "NoSuchPublicAccessBlockConfiguration",
        needs("reading the public access block", "s3:GetBucketPublicAccessBlock"),
        bucket.name,
    )?;
    Ok(answer.and_then(|a| {
        let b = a.public_access_block_configuration()?;
        let all = [
            b.block_public_acls(),
            b.block_public_policy(),
            b.ignore_public_acls(),
            b.restrict_public_buckets(),
        ];
        Some(said(all.iter().all(|on| *on == Some(true)), "all four blocks on"))
    }))
}

async fn encryption(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let call = bucket
        .client
        .get_bucket_encryption()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    let answer = unless(
        call.send().await,
        "ServerSideEncryptionConfigurationNotFoundError",
        needs("reading encryption", "s3:GetEncryptionConfiguration"),
        bucket.name,
    )?;
    Ok(answer.and_then(|a| {
        let rules = a.server_side_encryption_configuration()?.rules();
        let default = rules.iter().find_map(|r| r.apply_server_side_encryption_by_default())?;
        let by_kms = default.sse_algorithm() == &ServerSideEncryption::AwsKms;
        Some(match (default.kms_master_key_id(), by_kms) {
            // The API may answer the key's id alone.
            (Some(key), true) if bucket.kms_key.is_some_and(|ours| same_key(ours, key)) => {
                format!("by {}", bucket.kms_key.unwrap_or(key))
            }
            (Some(key), true) => format!("by {key}"),
            _ => default.sse_algorithm().as_str().to_owned(),
        })
    }))
}

fn same_key(arn: &str, other: &str) -> bool {
    arn == other || arn.rsplit('/').next() == Some(other)
}

async fn versioning(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let call = bucket
        .client
        .get_bucket_versioning()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    let answer = call.send().await.map_err(|e| {
        failed(needs("reading versioning", "s3:GetBucketVersioning"), bucket.name, &e)
    })?;
    Ok(answer.status().map(|s| said(s == &BucketVersioningStatus::Enabled, "enabled")))
}

async fn lifecycle(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let call = bucket
        .client
        .get_bucket_lifecycle_configuration()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner);
    let answer = unless(
        call.send().await,
        "NoSuchLifecycleConfiguration",
        needs("reading the lifecycle", "s3:GetLifecycleConfiguration"),
        bucket.name,
    )?;
    Ok(answer.map(|a| {
        said(
            a.rules().iter().any(|r| {
                r.noncurrent_version_expiration().is_some()
                    && r.status() == &ExpirationStatus::Enabled
            }),
            "old versions expire",
        )
    }))
}

async fn tls_only(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let text = policy::read(bucket).await?;
    Ok(text.map(|text| said(policy::wants_tls(&text, bucket.name), "plain http denied")))
}

/// The answer; `None` when the service says by `absent` that the setting was never made.
pub(super) fn unless<T, E, R>(
    call: Result<T, SdkError<E, R>>,
    absent: &str,
    doing: Call,
    bucket: &str,
) -> Result<Option<T>>
where
    SdkError<E, R>: ProvideErrorMetadata + std::error::Error + 'static,
{
    match call {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Some(absent) => Ok(None),
        Err(error) => Err(failed(doing, bucket, &error)),
    }
}
