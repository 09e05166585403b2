//! Resolves references: variables and files here, the clouds' secrets by those who know the clouds. What was fetched is
//! kept in memory for a while, never on a disk, and masked in every text from then on.
#![expect(clippy::disallowed_methods, reason = "a secret may be in a file; this adapter reads it")]

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Error, ErrorCode, Result};
use crate::model::{Environment, EnvironmentKey, SecretRef};
use crate::port::{CloudSecrets, Fetched, Secrets};
use crate::secret::{Secret, remember};

/// How long a fetched secret is used before its cloud is asked again.
const KEPT: Duration = Duration::from_mins(5);
/// Largest secret: what both clouds take, 64 KiB.
const BYTES_MAX: u64 = 64 * 1024;

/// Secrets of this process.
#[derive(Debug)]
pub struct References {
    /// Variables that settings refer to.
    variables: BTreeMap<String, Secret>,
    environments: BTreeMap<EnvironmentKey, Environment>,
    clouds: Arc<dyn CloudSecrets>,
    kept_for: Duration,
    kept: Mutex<HashMap<String, (Instant, Fetched)>>,
}

impl References {
    /// By these variables, and by the clouds as these environments.
    pub fn new(
        variables: BTreeMap<String, Secret>,
        environments: impl IntoIterator<Item = Environment>,
        clouds: Arc<dyn CloudSecrets>,
    ) -> Self {
        let environments = environments.into_iter().map(|e| (e.key.clone(), e)).collect();
        Self { variables, environments, clouds, kept_for: KEPT, kept: Mutex::default() }
    }

    /// A cloud's secret, asked for once in a while. Whoever comes while it is asked for waits for the same answer.
    async fn whole(&self, key: &EnvironmentKey, reference: &SecretRef) -> Result<Fetched> {
        let environment = self.environments.get(key).ok_or_else(|| {
            Error::internal(&format!("fetching {reference}"), format!("there is no {key}"))
        })?;
        let slot = format!("{} {reference}", environment.digest());
        let mut kept = self.kept.lock().await;
        if let Some((at, found)) = kept.get(&slot)
            && at.elapsed() < self.kept_for
        {
            return Ok(found.clone());
        }
        let found = self.clouds.whole(environment, reference).await?;
        remember(&found.value);
        kept.insert(slot, (Instant::now(), found.clone()));
        Ok(found)
    }
}

#[async_trait]
impl Secrets for References {
    async fn fetch(&self, reference: &SecretRef) -> Result<Option<Fetched>> {
        let found = match reference {
            SecretRef::Env(name) => {
                let value = self.variables.get(name).cloned();
                value.map(|value| Fetched { value, version: None })
            }
            SecretRef::File(path) => file(path, rustix::process::getuid().as_raw())?,
            SecretRef::Aws(secret) | SecretRef::Gcp(secret) => {
                let found = self.whole(&secret.environment, reference).await?;
                Some(match &secret.key {
                    Some(key) => entry(&found, key, reference)?,
                    None => found,
                })
            }
        };
        let found = found.filter(|found| !found.value.expose().is_empty());
        if let Some(found) = &found {
            remember(&found.value);
        }
        Ok(found)
    }
}

/// One entry of a secret that is a JSON object.
fn entry(found: &Fetched, key: &str, reference: &SecretRef) -> Result<Fetched> {
    let wrong =
        |why: String| Error::new(ErrorCode::InvalidRequest, format!("fetching {reference}: {why}"));
    let object: Value = serde_json::from_str(found.value.expose()).unwrap_or_default();
    let Some(object) = object.as_object() else {
        return Err(wrong("it is not a JSON object, and has no entries".to_owned())
            .next("leave out what stands behind the #"));
    };
    let value = match object.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
        Some(_) => return Err(wrong(format!("entry {key} is not a text"))),
        None => {
            let names: Vec<&str> = object.keys().map(String::as_str).collect();
            return Err(wrong(format!("it has no entry {key}")).allowed(names.join(", ")));
        }
    };
    Ok(Fetched { value: Secret::new(value), version: found.version.clone() })
}

/// A secret that stands alone in a file; nothing when there is none. Links are followed: that is how a platform mounts
/// secrets; what they lead to is looked at.
fn file(path: &Path, us: u32) -> Result<Option<Fetched>> {
    let doing = format!("reading file:{}", path.display());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(denied(&doing, &e.to_string())),
    };
    let about = file.metadata().map_err(|e| denied(&doing, &e.to_string()))?;
    if !about.is_file() {
        return Err(denied(&doing, "it is not a file"));
    }
    private(about.mode(), about.uid(), us).map_err(|why| denied(&doing, &why))?;
    let mut text = String::new();
    let read = file.by_ref().take(BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|e| denied(&doing, &e.to_string()))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(denied(&doing, &format!("it is larger than {BYTES_MAX} bytes")));
    }
    let end = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(end);
    let version = format!("{}.{:09}-{}", about.mtime(), about.mtime_nsec(), about.ino());
    Ok(Some(Fetched { value: Secret::new(text), version: Some(version) }))
}

/// Refuses what others may read or write. The group may read what a platform mounts for us: that belongs to root.
fn private(mode: u32, owner: u32, us: u32) -> Result<(), String> {
    if owner != us && owner != 0 {
        return Err(format!("it belongs to user {owner}, who can change it"));
    }
    let open = if owner == us { 0o077 } else { 0o037 };
    if mode & open != 0 {
        return Err(format!("others may read or write it (mode {:04o})", mode & 0o7777));
    }
    Ok(())
}

fn denied(doing: &str, why: &str) -> Error {
    Error::new(ErrorCode::InvalidRequest, format!("{doing}: {why}"))
        .allowed("a file of at most 64 KiB of text that only its owner may read")
        .next("chmod 600 it, or mount it with defaultMode 0400")
}

#[cfg(test)]
mod tests;
