//! A chart in an OCI registry: a manifest, whose digest may be asked for, names the layers by digest (OCI distribution
//! specification, "Pull"; media types as Helm documents them).

use serde::Deserialize;

use super::client::{Answer, Client};
use super::{ARCHIVE_MAX, SIGNATURE_MAX, Sent};
use crate::error::{Error, Result};
use crate::model::{ChartAt, Digest};
use crate::secret::Secret;

const MANIFEST_MAX: u64 = 4 * 1024 * 1024;
const TOKEN_MAX: u64 = 64 * 1024;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

#[derive(Deserialize)]
struct Manifest {
    config: Described,
    layers: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

/// The archive, and the digest of the manifest that named it.
pub(super) fn fetch(client: &Client, at: &ChartAt) -> Result<Sent> {
    let place = at.url.strip_prefix("oci://").unwrap_or(&at.url);
    let (_, repository) = place.split_once('/').unwrap_or((place, ""));
    let base = format!("{}/v2/{repository}", client.origin());
    // A plus is not in the alphabet of tags; helm writes it so.
    let tag = at.version.as_ref().map(|version| version.replace('+', "_"));
    let reference = at.digest.clone().or(tag).unwrap_or_default();
    let mut session = Session { client, authorization: None };
    let answer = session.get(&format!("{base}/manifests/{reference}"), MANIFEST, MANIFEST_MAX)?;
    if answer.status.as_u16() == 404 {
        let (field, given) = match &at.digest {
            Some(digest) => ("chart_path", digest.as_str()),
            None => ("version", at.version.as_deref().unwrap_or_default()),
        };
        return Err(client.absent(field, given, "the registry has no such chart or version"));
    }
    if !answer.status.is_success() {
        return Err(client.refused(answer.status));
    }
    let digest = sha256(&answer.body);
    if let Some(wanted) = at.digest.as_ref().filter(|wanted| **wanted != digest) {
        return Err(other(client, wanted, &digest));
    }
    let manifest: Manifest = serde_json::from_slice(&answer.body)
        .map_err(|_| client.failed("what came is not a manifest of an artifact"))?;
    if manifest.config.media_type != CONFIG {
        return Err(client
            .absent("chart_path", &at.url, "what lies there is not a chart")
            .detail("media_type", manifest.config.media_type));
    }
    let archive = manifest.layers.iter().find(|layer| layer.media_type == CONTENT);
    let archive = archive.ok_or_else(|| client.failed("its manifest names no archive"))?;
    let archive = session.blob(&base, &archive.digest, ARCHIVE_MAX)?;
    let signature = manifest.layers.iter().find(|layer| layer.media_type == PROVENANCE);
    let signature = match signature.filter(|_| at.source.keyring.is_some()) {
        Some(layer) => Some(session.blob(&base, &layer.digest, SIGNATURE_MAX)?),
        None => None,
    };
    Ok(Sent { archive, signature, manifest: Some(digest) })
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes).as_str().trim_start_matches("sha256:"))
}

fn other(client: &Client, wanted: &str, found: &str) -> Error {
    client
        .failed("what the registry sends is not what its digest says")
        .detail("wanted", wanted.to_owned())
        .detail("found", found.to_owned())
        .next("have the people who keep the registry look at it: nothing was taken from it")
}

/// Questions with what the registry wants to be told first.
struct Session<'a> {
    client: &'a Client,
    authorization: Option<Secret>,
}

impl Session<'_> {
    fn get(&mut self, url: &str, accept: &str, most: u64) -> Result<Answer> {
        let answer = self.client.get(url, accept, self.authorization.as_ref(), most)?;
        let asked = answer.challenge.clone().filter(|_| answer.status.as_u16() == 401);
        let Some(challenge) = asked.filter(|_| self.authorization.is_none()) else {
            return Ok(answer);
        };
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or((&challenge, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            self.authorization = Some(self.token(parameters)?);
        } else {
            let refused = || self.client.refused(answer.status);
            self.authorization = Some(self.client.basic().cloned().ok_or_else(refused)?);
        }
        self.client.get(url, accept, self.authorization.as_ref(), most)
    }

    /// A token, from where the registry says they are made: the registry itself, or where settings let it send us.
    fn token(&self, parameters: &str) -> Result<Secret> {
        let of = |name: &str| {
            let start = format!("{name}=\"");
            let from = parameters.find(&start)? + start.len();
            parameters.get(from..)?.split('"').next().map(str::to_owned)
        };
        let realm = of("realm").unwrap_or_default();
        self.client.may_ask(&realm)?;
        let mut url = format!("{realm}{}", if realm.contains('?') { '&' } else { '?' });
        for name in ["service", "scope"] {
            let value = of(name).unwrap_or_default();
            let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._:/,".contains(c));
            if !plain {
                return Err(self.client.failed("it asks for a token in words that are not plain"));
            }
            url.extend([name, "=", &value, "&"]);
        }
        let answer = self.client.get_token(url.trim_end_matches('&'), TOKEN_MAX)?;
        if !answer.status.is_success() {
            return Err(self.client.refused(answer.status));
        }
        let token: Token = serde_json::from_slice(&answer.body)
            .map_err(|_| self.client.failed("what came instead of a token is none"))?;
        Ok(Secret::new(format!("Bearer {}", token.token)))
    }

    /// What has this digest.
    fn blob(&mut self, base: &str, digest: &str, most: u64) -> Result<Vec<u8>> {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(self.client.failed("its manifest names a layer by a digest that is none"));
        }
        let answer = self.get(&format!("{base}/blobs/{digest}"), "*/*", most)?;
        if !answer.status.is_success() {
            return Err(self.client.refused(answer.status));
        }
        let found = sha256(&answer.body);
        if found != digest {
            return Err(other(self.client, digest, &found));
        }
        Ok(answer.body)
    }
}
