//! The state object of one workspace: its stored versions, and Terraform's lock file beside it.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::DateTimeFormat;
use serde_json::Value;

use super::{Bucket, failed, needs};
use crate::error::{Error, ErrorCode, Result};
use crate::model::StateVersion;
use crate::port::{LockObject, ObjectVersion, OwnOrphan, StateLock};

/// Most versions that are read after one apply; it writes one every 20 seconds, and one at its end.
const MOST: usize = 60;
/// Bytes of a state in which its serial and lineage stand: they come before everything that grows.
const HEAD: usize = 4096;

/// Key of the state of a workspace: Terraform keeps those beside the default one under `env:/`.
pub(super) fn key(key: &str, workspace: &str) -> String {
    if workspace == "default" { key.to_owned() } else { format!("env:/{workspace}/{key}") }
}

/// Ids and times of the versions, newest first, back to `until` or the most that are read.
async fn list(
    bucket: &Bucket<'_>,
    key: &str,
    until: Option<&str>,
    most: usize,
) -> Result<Vec<(String, String)>> {
    let call = bucket
        .client
        .list_object_versions()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .prefix(key);
    let answer = call
        .send()
        .await
        .map_err(|e| failed(needs("listing versions", "s3:ListBucketVersions"), bucket.name, &e))?;
    let own = answer.versions().iter().filter(|v| v.key() == Some(key));
    let named = own.filter_map(|v| {
        let written = v.last_modified().and_then(|at| at.fmt(DateTimeFormat::DateTime).ok());
        Some((v.version_id()?.to_owned(), written.unwrap_or_default()))
    });
    Ok(named.take_while(|(id, _)| Some(id.as_str()) != until).take(most).collect())
}

/// Id of the newest version; none while there is no state.
pub(super) async fn newest(bucket: &Bucket<'_>, key: &str) -> Result<Option<String>> {
    Ok(list(bucket, key, None, 1).await?.into_iter().next().map(|(id, _)| id))
}

/// Versions that were written after `since`, oldest first.
pub(super) async fn written(
    bucket: &Bucket<'_>,
    key: &str,
    since: Option<&str>,
) -> Result<Vec<ObjectVersion>> {
    let mut all = Vec::new();
    for (id, written) in list(bucket, key, since, MOST).await?.into_iter().rev() {
        let state = version_of(bucket, key, &id).await?;
        all.push(ObjectVersion { id, written, state });
    }
    Ok(all)
}

async fn version_of(bucket: &Bucket<'_>, key: &str, id: &str) -> Result<StateVersion> {
    let call = bucket
        .client
        .get_object()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .key(key)
        .version_id(id)
        .range(format!("bytes=0-{}", HEAD - 1));
    let answer = call
        .send()
        .await
        .map_err(|e| failed(needs("reading a version", "s3:GetObjectVersion"), bucket.name, &e))?;
    let doing = format!("reading version {id} of s3://{}/{key}", bucket.name);
    let body = answer.body.collect().await.map_err(|e| Error::internal(&doing, e))?.into_bytes();
    head(&String::from_utf8_lossy(&body)).ok_or_else(|| {
        Error::new(ErrorCode::UpstreamFailed, format!("{doing}: it does not begin like a state"))
    })
}

/// Serial and lineage from the beginning of a state.
fn head(text: &str) -> Option<StateVersion> {
    let after = |name: &str| Some(text.split_once(&format!("\"{name}\":"))?.1.trim_start());
    let serial: String = after("serial")?.chars().take_while(char::is_ascii_digit).collect();
    let lineage = after("lineage")?.strip_prefix('"')?.split_once('"')?.0;
    Some(StateVersion { lineage: lineage.to_owned(), serial: serial.parse().ok()? })
}

/// Terraform's lock file, when there is one.
pub(super) async fn lock(bucket: &Bucket<'_>, key: &str) -> Result<Option<LockObject>> {
    let call = bucket
        .client
        .get_object()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .key(format!("{key}.tflock"));
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
        Err(error) => {
            return Err(failed(
                needs("reading the state lock", "s3:GetObject"),
                bucket.name,
                &error,
            ));
        }
    };
    let doing = format!("reading the state lock s3://{}/{key}.tflock", bucket.name);
    let tag = answer.e_tag().unwrap_or_default().to_owned();
    let body = answer.body.collect().await.map_err(|e| Error::internal(&doing, e))?.into_bytes();
    let info: Value = serde_json::from_slice(&body)
        .map_err(|e| Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {e}")))?;
    let text = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let lock = StateLock {
        id: text("ID"),
        who: text("Who"),
        operation: text("Operation"),
        created: text("Created"),
    };
    Ok(Some(LockObject { lock, tag }))
}

/// Takes a lock file away, exactly as it was seen. False: it is another one by now.
pub(super) async fn unlock(bucket: &Bucket<'_>, key: &str, orphan: &OwnOrphan<'_>) -> Result<bool> {
    let seen = orphan.seen();
    if seen.tag.is_empty() {
        return Ok(false);
    }
    let call = bucket
        .client
        .delete_object()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .key(format!("{key}.tflock"))
        .if_match(&seen.tag);
    orphan.lease().check().await?;
    match call.send().await {
        Ok(_) => Ok(true),
        Err(e) if e.raw_response().is_some_and(|r| r.status().as_u16() == 412) => Ok(false),
        Err(e) => {
            Err(failed(needs("taking our own state lock away", "s3:DeleteObject"), bucket.name, &e))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_28_the_head_of_a_state_is_enough() {
        let text = "{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": 12,\n  \"lineage\": \
                    \"d440e7f9-643a\",\n  \"outputs\": {";
        let found = head(text).unwrap();
        assert_eq!((found.serial, &*found.lineage), (12, "d440e7f9-643a"));
        assert_eq!(head("{\"serial\": \"x\"}"), None);
        assert_eq!(key("a/b", "default"), "a/b");
        assert_eq!(key("a/b", "two"), "env:/two/a/b");
    }
}
