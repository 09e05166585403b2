//! A repository of charts: `index.yaml` tells where the archive of a version is and which digest it has.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::Client;
use super::{ARCHIVE_MAX, SIGNATURE_MAX, Sent};
use crate::error::Result;
use crate::model::name::nearest;
use crate::model::{ChartAt, Digest};

/// Largest index.
const INDEX_MAX: u64 = 32 * 1024 * 1024;
/// As many known versions are named in a refusal.
const NAMED_MAX: usize = 10;

#[derive(Deserialize)]
struct Index {
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    version: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: Option<String>,
}

/// The archive of a version, of the digest that the index tells.
pub(super) fn fetch(client: &Client, at: &ChartAt) -> Result<Sent> {
    let base = at.url.rsplit_once('/').map_or("", |(base, _)| base);
    let wanted = at.version.as_deref().unwrap_or_default();
    let place = format!("{base}/index.yaml");
    let answer = client.get(&place, "*/*", client.basic(), INDEX_MAX)?;
    if answer.status.as_u16() == 404 {
        return Err(client.failed("there is no index.yaml: it is no repository of charts"));
    }
    if !answer.status.is_success() {
        return Err(client.refused(answer.status));
    }
    if answer.page {
        return Err(client
            .failed("a page of HTML came instead of an index")
            .next("log in where the page asks for it, or correct the URL of the source"));
    }
    let entry = find(client, at, &answer.body, wanted)?;
    let url = entry.urls.first().ok_or_else(|| client.failed("the index names no archive"))?;
    let url = if url.contains("://") {
        url.clone()
    } else if url.starts_with('/') {
        return Err(client.failed("the index names an archive by a path without its host"));
    } else {
        format!("{base}/{url}")
    };
    let told = entry.digest.as_deref().map(|text| text.trim_start_matches("sha256:"));
    let told = told.filter(|text| text.len() == 64).ok_or_else(|| {
        client
            .failed("the index tells no digest of the archive")
            .next("have the index made by `helm repo index`, which tells it")
    })?;
    let answer = client.get(&url, "*/*", client.basic(), ARCHIVE_MAX)?;
    if !answer.status.is_success() {
        return Err(client.refused(answer.status));
    }
    let found = Digest::of(&answer.body);
    if found.as_str().trim_start_matches("sha256:") != told.to_ascii_lowercase() {
        return Err(client
            .failed("the archive is not the one that the index tells of")
            .detail("index", told.to_owned())
            .detail("archive", found.as_str().to_owned())
            .next(
                "have the people who keep the repository look at it: nothing was taken from it",
            ));
    }
    let signature = match &at.source.keyring {
        Some(_) => {
            let signature =
                client.get(&format!("{url}.prov"), "*/*", client.basic(), SIGNATURE_MAX)?;
            match signature.status.as_u16() {
                404 => None,
                _ if signature.status.is_success() => Some(signature.body),
                _ => return Err(client.refused(signature.status)),
            }
        }
        None => None,
    };
    Ok(Sent { archive: answer.body, signature, manifest: None })
}

fn find(client: &Client, at: &ChartAt, text: &[u8], wanted: &str) -> Result<Entry> {
    let mut options = serde_saphyr::Options::default();
    options.with_snippet = false;
    // An index has one entry a version: many nodes are no attack, its size is bounded already.
    options.budget = None;
    let index: Index = std::str::from_utf8(text)
        .ok()
        .and_then(|text| serde_saphyr::from_str_with_options(text, options).ok())
        .ok_or_else(|| client.failed("what came is not an index of charts"))?;
    let mut entries = index.entries;
    let Some(versions) = entries.remove(&at.name) else {
        let known = entries.keys().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        let error = client.absent("chart_path", &at.name, "the index has no such chart");
        return Err(match nearest(&at.name, entries.keys().map(String::as_str)) {
            Some(near) => error.next(format!("did you mean {near}")),
            None => error.allowed(known),
        });
    };
    let known: Vec<String> = versions.iter().take(NAMED_MAX).map(|v| v.version.clone()).collect();
    versions.into_iter().find(|v| v.version == wanted).ok_or_else(|| {
        client
            .absent("version", wanted, format!("chart {} has no such version", at.name))
            .allowed(known.join(", "))
    })
}
