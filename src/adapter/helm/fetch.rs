//! Fetches a chart from a source of the settings: an archive whose digest was told before it was asked for, looked
//! through before helm sees it. helm itself fetches nothing: it would go wherever an answer sends it.

mod archive;
mod client;
mod index;
mod registry;

use std::path::Path;

use self::client::Client;
use super::prepare::bare;
use super::{Helm, command, files};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::Sink;
use crate::model::{ChartAt, ChartSource, Digest};
use crate::port::Chart;
use crate::secret::Secret;

/// Largest archive that is fetched: it is kept with the plan.
const ARCHIVE_MAX: u64 = 20 * 1024 * 1024;
/// Largest signature.
const SIGNATURE_MAX: u64 = 256 * 1024;

/// What a source sent.
#[derive(Debug)]
struct Sent {
    archive: Vec<u8>,
    signature: Option<Vec<u8>>,
    /// The registry's digest of what was asked for.
    manifest: Option<String>,
}

impl Helm {
    /// The chart, checked. `scratch` is the run's.
    pub(super) async fn fetch_chart(&self, at: &ChartAt, scratch: &Path) -> Result<Chart> {
        let doing = format!("fetching {at} from {}", at.source.name);
        let client = Client::new(&at.source, self.password(&at.source).await?, &doing)?;
        let (wanted, told) = (at.clone(), doing.clone());
        let sent = tokio::task::spawn_blocking(move || {
            if wanted.source.is_registry() {
                registry::fetch(&client, &wanted)
            } else {
                index::fetch(&client, &wanted)
            }
        })
        .await
        .map_err(|e| Error::internal(&told, e))??;
        let mut chart = archive::read(&doing, at, sent.archive)?;
        chart.origin = Some(match &sent.manifest {
            Some(digest) => format!("{} {}@{digest}", at.source.name, at.url),
            None => format!("{} {}", at.source.name, at.url),
        });
        chart.signature = self.signed_by(&doing, at, &chart, sent.signature, scratch).await?;
        Ok(chart)
    }

    /// The password of a source's user.
    async fn password(&self, source: &ChartSource) -> Result<Option<Secret>> {
        let Some(password) = &source.password else { return Ok(None) };
        let field = format!("helm.sources.{}.password", source.name);
        let found = self.settings.secrets.fetch(password).await.map_err(|e| e.field(field))?;
        Ok(found.map(|found| found.value))
    }

    /// Who signed it, by the keys of the settings; `None` where they name none, or it is not signed and need not be.
    async fn signed_by(
        &self,
        doing: &str,
        at: &ChartAt,
        chart: &Chart,
        signature: Option<Vec<u8>>,
        scratch: &Path,
    ) -> Result<Option<String>> {
        let Some(keyring) = &at.source.keyring else { return Ok(None) };
        let wrong = |why: &str| {
            Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {why}"))
                .field("chart_path")
                .detail("keyring", keyring.to_string_lossy())
        };
        let (Some(signature), Some(archive)) = (signature, &chart.archive) else {
            if at.source.signed {
                return Err(wrong("it is not signed, and settings want it signed").next(
                    "have the chart signed (`helm package --sign`), or take a source that signs",
                ));
            }
            return Ok(None);
        };
        let tool = self.tool().await?;
        let folder = scratch.join("signature");
        files::clear(&folder);
        for name in ["", "home", "tmp", "cache", "config", "data"] {
            files::make_dir(&folder.join(name))?;
        }
        // A signature names the file that it is of.
        let file = folder.join(format!("{}-{}.tgz", chart.name, chart.version));
        files::write_private(&file, archive)?;
        files::write_private(&file.with_added_extension("prov"), &signature)?;
        let end = bare(&tool.path, &folder)
            .args(command::verify(&file, keyring))
            .output(Sink::Capture(64 * 1024), Sink::Capture(64 * 1024))
            .capture(super::prepare::READ_LIMIT)
            .await?;
        if end.code != Some(0) {
            let said: String = end.stderr.text().trim().chars().take(500).collect();
            return Err(wrong("its signature does not hold, or is of nobody in the keyring")
                .detail("helm", said)
                .next("find out who signed it; put the public key into the keyring only if it is to be trusted"));
        }
        let text = end.stdout.text();
        let line = |start: &str| text.lines().find_map(|l| l.strip_prefix(start)).map(str::trim);
        let by = line("Signed by:").unwrap_or("somebody of the keyring");
        let key = line("Using Key With Fingerprint:").unwrap_or_default();
        Ok(Some(format!("{by} {key} keyring {}", Digest::of(files::read(keyring)?))))
    }
}

#[cfg(test)]
mod tests;
