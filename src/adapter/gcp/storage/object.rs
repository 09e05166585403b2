//! The state object of one workspace: its stored versions, and Terraform's lock beside it. A version is a generation of
//! the object, and the id of a lock is the generation of the lock's object.

use serde_json::Value;

use super::super::call::{Body, Call, Verb, is_absent, is_otherwise};
use super::{Bucket, needs, present, text};
use crate::error::{Error, ErrorCode, Result};
use crate::model::StateVersion;
use crate::port::{LockObject, ObjectVersion, OwnOrphan, StateLock};

/// Most versions that are read after one apply; it writes one every 20 seconds, and one at its end.
const MOST: usize = 60;
/// Most pages of a listing: a thousand versions each.
const PAGES: usize = 20;
/// Bytes of a state in which its serial and lineage stand: they come before everything that grows.
const HEAD: usize = 4096;

/// A generation and when it was stored.
struct Stored {
    generation: u64,
    written: String,
}

fn stored(object: &Value) -> Option<Stored> {
    let generation = text(object, "/generation").parse().ok()?;
    Some(Stored { generation, written: text(object, "/timeCreated").to_owned() })
}

/// The live object; none where there is none.
async fn live(bucket: &Bucket<'_>, name: &str) -> Result<Option<Stored>> {
    let doing = needs("looking at the state", "storage.objects.get");
    let url = bucket.url(&[bucket.name, "o", name], &[])?;
    Ok(bucket.ask(doing, url).await?.as_ref().and_then(stored))
}

/// Whether a state below this folder may be looked at, be it there or not.
pub(super) async fn may_look(bucket: &Bucket<'_>, folder: &str) -> Result<bool> {
    match live(bucket, &format!("{folder}/default.tfstate")).await {
        Ok(_) => Ok(true),
        Err(error) if super::status(&error) == Some(403) => Ok(false),
        Err(error) => Err(error),
    }
}

/// All generations that are kept, oldest first.
async fn list(bucket: &Bucket<'_>, name: &str) -> Result<Vec<Stored>> {
    let doing = needs("listing versions", "storage.objects.list");
    let (mut all, mut token) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let mut query = vec![("versions", "true"), ("prefix", name)];
        query.extend((!token.is_empty()).then_some(("pageToken", token.as_str())));
        let page = bucket.ask(doing, bucket.url(&[bucket.name, "o"], &query)?).await?;
        let page = page.unwrap_or_default();
        let items = page.get("items").and_then(Value::as_array);
        let own = items.into_iter().flatten().filter(|item| text(item, "/name") == name);
        all.extend(own.filter_map(stored));
        text(&page, "/nextPageToken").clone_into(&mut token);
        if token.is_empty() {
            all.sort_by_key(|stored| stored.generation);
            return Ok(all);
        }
    }
    let why = format!("{} of gs://{}: there are too many", doing.what, bucket.name);
    Err(Error::new(ErrorCode::UpstreamFailed, why))
}

/// The newest generation; none while there never was a state. One that was deleted counts: what follows comes after it.
pub(super) async fn newest(bucket: &Bucket<'_>, name: &str) -> Result<Option<String>> {
    let found = match live(bucket, name).await? {
        Some(found) => Some(found),
        None => list(bucket, name).await?.pop(),
    };
    Ok(found.map(|found| found.generation.to_string()))
}

/// Versions that were written after `since`, oldest first.
pub(super) async fn written(
    bucket: &Bucket<'_>,
    name: &str,
    since: Option<&str>,
) -> Result<Vec<ObjectVersion>> {
    let since: u64 = since.and_then(|s| s.parse().ok()).unwrap_or(0);
    let later = list(bucket, name).await?.into_iter().filter(|stored| stored.generation > since);
    let later: Vec<Stored> = later.collect();
    let mut all = Vec::new();
    for Stored { generation, written } in later.into_iter().rev().take(MOST).rev() {
        let state = version_of(bucket, name, generation).await?;
        all.push(ObjectVersion { id: generation.to_string(), written, state });
    }
    Ok(all)
}

/// The content of one generation, or the beginning of it.
async fn content(
    bucket: &Bucket<'_>,
    name: &str,
    generation: &str,
    range: Option<String>,
) -> Result<Vec<u8>> {
    let doing = needs("reading the state", "storage.objects.get");
    let query = [("alt", "media"), ("generation", generation)];
    let url = bucket.url(&[bucket.name, "o", name], &query)?;
    let what = format!("reading gs://{}/{name}", bucket.name);
    let headers = range.map(|range| ("range", range)).into_iter().collect();
    let call = Call { content: true, headers, ..Call::get(&what, url) };
    let answer = bucket.identity.send(bucket.environment, &call).await;
    Ok(answer.map_err(|error| super::denied(error, doing))?.content)
}

async fn version_of(bucket: &Bucket<'_>, name: &str, generation: u64) -> Result<StateVersion> {
    let range = format!("bytes=0-{}", HEAD - 1);
    let bytes = content(bucket, name, &generation.to_string(), Some(range)).await?;
    head(&String::from_utf8_lossy(&bytes)).ok_or_else(|| {
        let why = format!(
            "reading version {generation} of gs://{}/{name}: it does not begin like a state",
            bucket.name
        );
        Error::new(ErrorCode::UpstreamFailed, why)
    })
}

/// Serial and lineage from the beginning of a state.
fn head(text: &str) -> Option<StateVersion> {
    let after = |name: &str| Some(text.split_once(&format!("\"{name}\":"))?.1.trim_start());
    let serial: String = after("serial")?.chars().take_while(char::is_ascii_digit).collect();
    let lineage = after("lineage")?.strip_prefix('"')?.split_once('"')?.0;
    Some(StateVersion { lineage: lineage.to_owned(), serial: serial.parse().ok()? })
}

/// Terraform's lock, when there is one. Its id is not in it: terraform goes by the generation.
pub(super) async fn lock(bucket: &Bucket<'_>, name: &str) -> Result<Option<LockObject>> {
    let Some(Stored { generation, .. }) = live(bucket, name).await? else { return Ok(None) };
    let tag = generation.to_string();
    // It may be given back between the two questions.
    let Some(bytes) = present(content(bucket, name, &tag, None).await)? else { return Ok(None) };
    let info: Value = serde_json::from_slice(&bytes).map_err(|e| {
        let why = format!("reading the state lock gs://{}/{name}: {e}", bucket.name);
        Error::new(ErrorCode::UpstreamFailed, why)
    })?;
    let said = |key: &str| info.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (who, operation, created) = (said("Who"), said("Operation"), said("Created"));
    let lock = StateLock { id: tag.clone(), who, operation, created };
    Ok(Some(LockObject { lock, tag }))
}

/// Takes a lock away, exactly as it was seen. False: it is another one by now.
pub(super) async fn unlock(
    bucket: &Bucket<'_>,
    name: &str,
    orphan: &OwnOrphan<'_>,
) -> Result<bool> {
    let tag = orphan.seen().tag.as_str();
    if tag.is_empty() {
        return Ok(false);
    }
    let doing = needs("taking our own state lock away", "storage.objects.delete");
    let url = bucket.url(&[bucket.name, "o", name], &[("ifGenerationMatch", tag)])?;
    orphan.lease().check().await?;
    match bucket.send(doing, url, Verb::Delete, Body::Nothing).await {
        Ok(_) => Ok(true),
        Err(error) if is_otherwise(&error) || is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_28_the_head_of_a_state_is_enough() {
        let text = "{\n  \"version\": 4,\n  \"serial\": 12,\n  \"lineage\": \"d440e7f9-643a\",\n  \"outputs\": {";
        let found = head(text).unwrap();
        assert_eq!((found.serial, &*found.lineage), (12, "d440e7f9-643a"));
        assert_eq!(head("{\"serial\": \"x\"}"), None);
    }
}
