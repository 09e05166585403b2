//! Looks through a chart's archive without writing it anywhere: plain files in one folder of the chart's name, within
//! Helm's own limits. It stays packed; helm takes it as it came.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Component;

use flate2::read::GzDecoder;
use tar::EntryType;

use crate::adapter::helm::chart::{FILE_MAX, FILES_MAX, about};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ChartAt, Digest};
use crate::port::Chart;

/// Largest sum of what an archive unpacks to.
const UNPACKED_MAX: u64 = 100 * 1024 * 1024;

/// The chart in an archive.
pub(super) fn read(doing: &str, at: &ChartAt, archive: Vec<u8>) -> Result<Chart> {
    let wrong = |why: String| {
        Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the archive {why}"))
            .field("chart_path")
            .next("have the people who keep the source look at it: nothing was taken from it")
    };
    let files = files(&archive, &at.name).map_err(wrong)?;
    let about = about(&at.url, &files)?;
    if about.name != at.name {
        return Err(wrong(format!("holds another chart: {}", about.name)));
    }
    if at.version.as_ref().is_some_and(|wanted| *wanted != about.version) {
        return Err(wrong(format!("holds another version: {}", about.version)));
    }
    Ok(Chart {
        name: about.name,
        version: about.version,
        files,
        digest: Digest::of(&archive),
        archive: Some(archive),
        origin: None,
        signature: None,
    })
}

/// Contents by path inside of the chart.
fn files(archive: &[u8], chart: &str) -> std::result::Result<BTreeMap<String, Vec<u8>>, String> {
    let unpacked = GzDecoder::new(archive).take(UNPACKED_MAX + 1);
    let mut tar = tar::Archive::new(unpacked);
    let mut files = BTreeMap::new();
    let mut sum = 0;
    for entry in tar.entries().map_err(|e| format!("cannot be read: {e}"))? {
        let mut entry = entry.map_err(|e| format!("cannot be read: {e}"))?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
            continue;
        }
        let path = entry.path().map_err(|e| format!("cannot be read: {e}"))?.into_owned();
        let named = path.to_string_lossy().into_owned();
        let shown: String = named.chars().filter(|c| !c.is_control()).take(200).collect();
        let plain = path.components().all(|c| matches!(c, Component::Normal(_)))
            && !named.contains(['\\', '\0'])
            && !named.split('/').any(|part| part == "." || part == "..");
        let inside = path.strip_prefix(chart).ok().filter(|_| plain);
        let Some(inside) = inside else {
            return Err(format!("leaves the chart's folder: {shown}"));
        };
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(format!("holds {shown}, which is not a plain file"));
        }
        sum += entry.size();
        if entry.size() > FILE_MAX || sum > UNPACKED_MAX || files.len() >= FILES_MAX {
            return Err(format!(
                "is too large at {shown}: 5 MiB a file, 100 MiB and {FILES_MAX} files in all"
            ));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {shown}: {e}"))?;
        if files.insert(inside.to_string_lossy().into_owned(), bytes).is_some() {
            return Err(format!("holds {shown} twice"));
        }
    }
    Ok(files)
}
