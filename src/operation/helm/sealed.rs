//! What is kept of a plan for a release, sealed: exactly this is carried out.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::ReleaseChange;
use super::request::Wanted;
use crate::error::{Error, Result};
use crate::model::Digest;
use crate::port::Chart;

/// What is kept of a plan, sealed: exactly this is carried out.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) change: ReleaseChange,
    pub(super) wanted: Wanted,
    pub(super) chart: Option<SealedChart>,
    /// The revision to go back to.
    pub(super) revision: Option<u64>,
    /// Objects that are another at each rendering.
    pub(super) unsteady: Vec<String>,
}

/// A chart as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedChart {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) digest: Digest,
    /// Contents in base64 by path; of an archive none.
    files: BTreeMap<String, String>,
    /// The archive in base64.
    archive: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) signature: Option<String>,
}

impl SealedChart {
    pub(super) fn of(chart: &Chart) -> Self {
        let files = chart.files.iter().filter(|_| chart.archive.is_none());
        Self {
            name: chart.name.clone(),
            version: chart.version.clone(),
            digest: chart.digest.clone(),
            files: files.map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes))).collect(),
            archive: chart.archive.as_ref().map(|bytes| STANDARD.encode(bytes)),
            origin: chart.origin.clone(),
            signature: chart.signature.clone(),
        }
    }
}

impl Sealed {
    pub(super) fn open(file: &[u8]) -> Result<Self> {
        serde_json::from_slice(file).map_err(|e| Error::internal("opening a plan", e))
    }

    pub(super) fn chart(&self) -> Result<Option<Chart>> {
        let Some(kept) = &self.chart else { return Ok(None) };
        let decode =
            |text: &String| STANDARD.decode(text).map_err(|e| Error::internal("opening a plan", e));
        let files = kept.files.iter().map(|(name, text)| Ok((name.clone(), decode(text)?)));
        Ok(Some(Chart {
            name: kept.name.clone(),
            version: kept.version.clone(),
            digest: kept.digest.clone(),
            files: files.collect::<Result<_>>()?,
            archive: kept.archive.as_ref().map(decode).transpose()?,
            origin: kept.origin.clone(),
            signature: kept.signature.clone(),
        }))
    }
}
