//! Plans and kept variables, sealed: a plan file holds every secret of its environment in clear.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    Seal, create_folder, failed, make_folder, off, plain, read, remove, replace, sync_folder,
};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{PlanId, PlanRecord};
use crate::port::plans::Plans;

const RECORD: &str = "record.age";
const FILE: &str = "plan.age";

/// Plans under `plans`, variables under `variables` of the state folder.
#[derive(Debug, Clone)]
pub struct FilePlans {
    state: PathBuf,
    seal: Arc<Seal>,
}

impl FilePlans {
    /// Plans of this state folder. Touches nothing yet.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        let state = state.into();
        Self { seal: Arc::new(Seal::new(&state)), state }
    }

    fn at(&self, id: PlanId) -> PathBuf {
        self.state.join("plans").join(id.to_string())
    }

    fn place(&self, folder: &str, place: &str) -> PathBuf {
        let name = format!("{}.age", plain(place));
        self.state.join(folder).join(name)
    }

    async fn keep<T: Serialize + ?Sized>(
        &self,
        doing: &'static str,
        path: PathBuf,
        what: &T,
    ) -> Result<()> {
        let seal = Arc::clone(&self.seal);
        let text = serde_json::to_vec(what).map_err(|e| Error::internal(doing, e))?;
        off(move || {
            make_folder(doing, path.parent().unwrap_or(&path))?;
            replace(doing, &path, &seal.seal(&text)?)
        })
        .await
    }

    async fn kept<T: DeserializeOwned + Send + 'static>(
        &self,
        doing: &'static str,
        path: PathBuf,
    ) -> Result<Option<T>> {
        let seal = Arc::clone(&self.seal);
        off(move || {
            let Some(sealed) = read(doing, &path)? else {
                return Ok(None);
            };
            opened(&seal, &sealed).map(Some).map_err(|why| failed(doing, &path, why))
        })
        .await
    }
}

#[async_trait]
impl Plans for FilePlans {
    async fn put(&self, record: &PlanRecord, file: &[u8]) -> Result<()> {
        const DOING: &str = "keeping a plan";
        let (folder, seal) = (self.at(record.id), Arc::clone(&self.seal));
        let record = serde_json::to_vec(record).map_err(|e| Error::internal(DOING, e))?;
        let file = file.to_vec();
        off(move || {
            let (record, file) = (seal.seal(&record)?, seal.seal(&file)?);
            create_folder(DOING, &folder, &[(RECORD, &record), (FILE, &file)])
        })
        .await
    }

    async fn record(&self, id: PlanId) -> Result<Option<PlanRecord>> {
        let (path, seal) = (self.at(id).join(RECORD), Arc::clone(&self.seal));
        off(move || record(&path, &seal, id)).await
    }

    async fn file(&self, id: PlanId) -> Result<Vec<u8>> {
        let (folder, seal) = (self.at(id), Arc::clone(&self.seal));
        off(move || {
            let Some(sealed) = read("reading a plan", &folder.join(FILE))? else {
                return Err(gone(&folder, id));
            };
            seal.open(&sealed).map_err(|e| changed(id, "plan file", &e.message))
        })
        .await
    }

    async fn burn(&self, id: PlanId) -> Result<()> {
        const DOING: &str = "deleting a plan file";
        let folder = self.at(id);
        off(move || {
            if remove(DOING, &folder.join(FILE))? {
                sync_folder(DOING, &folder)?;
            }
            Ok(())
        })
        .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<usize> {
        let (folder, seal) = (self.state.join("plans"), Arc::clone(&self.seal));
        off(move || sweep(&folder, &seal, now)).await
    }

    async fn keep_variables(&self, place: &str, variables: &Map<String, Value>) -> Result<()> {
        self.keep("keeping variables", self.place("variables", place), variables).await
    }

    async fn kept_variables(&self, place: &str) -> Result<Option<Map<String, Value>>> {
        self.kept("reading kept variables", self.place("variables", place)).await
    }

    async fn keep_backend(&self, place: &str, identity: &str) -> Result<()> {
        self.keep("keeping the state backend", self.place("backends", place), identity).await
    }

    async fn kept_backend(&self, place: &str) -> Result<Option<String>> {
        self.kept("reading the kept state backend", self.place("backends", place)).await
    }
}

fn opened<T: DeserializeOwned>(seal: &Seal, sealed: &[u8]) -> Result<T, String> {
    let bytes = seal.open(sealed).map_err(|e| e.message)?;
    serde_json::from_slice(&bytes).map_err(|e| e.to_string())
}

fn record(path: &Path, seal: &Seal, id: PlanId) -> Result<Option<PlanRecord>> {
    let Some(sealed) = read("reading a plan", path)? else {
        return Ok(None);
    };
    let record: PlanRecord =
        opened(seal, &sealed).map_err(|why| changed(id, "plan record", &why))?;
    if record.id != id {
        return Err(changed(id, "plan record", "it is another plan's"));
    }
    Ok(Some(record))
}

fn changed(id: PlanId, what: &str, why: &str) -> Error {
    Error::new(
        ErrorCode::ApprovalMismatch,
        format!("reading plan {id}: the {what} is not what was stored: {why}"),
    )
    .detail("changed", json!([what]))
    .next("compute a new plan and have it approved")
}

/// There is no plan file: burnt, when its record is still there.
fn gone(folder: &Path, id: PlanId) -> Error {
    if folder.join(RECORD).exists() {
        return Error::new(
            ErrorCode::ApprovalUsed,
            format!("reading plan {id}: it was carried out before, its file is deleted"),
        )
        .next("compute a new plan: a plan runs once");
    }
    Error::invalid("plan_id", id.to_string(), "names no plan that is kept")
        .next("compute a new plan")
}

/// How long an expired plan's record stays, so that "expired" is told apart from "unknown".
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Deletes the files of plans that expired before `now`, and the records of those long gone. One whose record does not
/// open stays: when it expired is not known.
fn sweep(folder: &Path, seal: &Seal, now: Timestamp) -> Result<usize> {
    const DOING: &str = "deleting expired plans";
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(failed(DOING, folder, e)),
    };
    let mut deleted = 0;
    for entry in entries {
        let path = entry.map_err(|e| failed(DOING, folder, e))?.path();
        let id = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<PlanId>().ok());
        let Some(id) = id else { continue };
        let Ok(Some(known)) = record(&path.join(RECORD), seal, id) else { continue };
        if known.expires < now && path.join(FILE).exists() {
            remove(DOING, &path.join(FILE))?;
            deleted += 1;
        }
        if known.expires + REMEMBERED < now {
            std::fs::remove_dir_all(&path).map_err(|e| failed(DOING, &path, e))?;
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests;
