//! The folder of one operation. The supervisor writes here, servers and command lines read and ask to stop.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

mod evidence;
mod old;
mod tail;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde_json::Value;

use super::{
    Seal, create_folder, create_once, failed, make_folder, off, read, replace, sync_folder,
};
use crate::error::{Error, Result};
use crate::model::OperationId;
use crate::port::runs::{Hold, JournalLine, Runs};

/// Run folders under `runs` of the state folder.
#[derive(Debug, Clone)]
pub struct FileRuns {
    folder: PathBuf,
    seal: Arc<Seal>,
    writing: Arc<Mutex<Option<Writing>>>,
}

/// The files that a supervisor appends to, kept open: it writes to one run, a line at a time.
#[derive(Debug)]
struct Writing {
    run: PathBuf,
    journal: Option<Journal>,
    log: Option<File>,
}

impl FileRuns {
    /// Run folders of this state folder. Touches nothing yet.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        let state = state.into();
        let seal = Arc::new(Seal::new(&state));
        Self { folder: state.join("runs"), seal, writing: Arc::default() }
    }

    /// Does something with the open files of a run; those of another run are closed.
    async fn write(
        &self,
        id: OperationId,
        work: impl FnOnce(&mut Writing) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (run, writing) = (self.at(id), Arc::clone(&self.writing));
        off(move || {
            let mut slot = writing.lock().unwrap_or_else(PoisonError::into_inner);
            let open = slot.take().filter(|open| open.run == run);
            let mut open = open.unwrap_or(Writing { run, journal: None, log: None });
            let written = work(&mut open);
            // What could not be written is opened anew by the next try.
            *slot = written.is_ok().then_some(open);
            written
        })
        .await
    }

    fn at(&self, id: OperationId) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

/// Lets go when it is dropped or its process ends. Closed in children, unlike a lease's file.
#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "open means held")] File);

impl Hold for Held {}

/// An `is_held` of another process has the lock for a moment: a busy one is looked at this often.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);

#[async_trait]
impl Runs for FileRuns {
    async fn create(&self, id: OperationId, run_file: &Value) -> Result<()> {
        let (folder, seal, text) = (self.at(id), Arc::clone(&self.seal), run_file.to_string());
        off(move || {
            let sealed = seal.seal(text.as_bytes())?;
            create_folder("storing a run", &folder, &[("run.age", &sealed)])
        })
        .await
    }

    async fn run_file(&self, id: OperationId) -> Result<Option<Value>> {
        const DOING: &str = "reading a run";
        let (path, seal) = (self.at(id).join("run.age"), Arc::clone(&self.seal));
        off(move || {
            let Some(sealed) = read(DOING, &path)? else {
                return Ok(None);
            };
            let bytes = seal.open(&sealed).map_err(|e| failed(DOING, &path, e.message))?;
            serde_json::from_slice(&bytes).map(Some).map_err(|e| failed(DOING, &path, e))
        })
        .await
    }

    async fn hold(&self, id: OperationId) -> Result<Option<Box<dyn Hold>>> {
        let folder = self.at(id);
        off(move || {
            // A run whose requester died before it stored the run file has none yet.
            make_folder("holding a run", &folder)?;
            let path = folder.join("lock");
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)
                .map_err(|e| failed("holding a run", &path, e))?;
            for look in 1..=LOOKS {
                if try_lock(&file, FlockOperation::NonBlockingLockExclusive, &path)? {
                    return Ok(Some(Box::new(Held(file)) as Box<dyn Hold>));
                }
                if look < LOOKS {
                    std::thread::sleep(PAUSE);
                }
            }
            Ok(None)
        })
        .await
    }

    async fn is_held(&self, id: OperationId) -> Result<bool> {
        let path = self.at(id).join("lock");
        off(move || match File::open(&path) {
            Ok(file) => Ok(!try_lock(&file, FlockOperation::NonBlockingLockShared, &path)?),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(failed("looking at a run", &path, e)),
        })
        .await
    }

    async fn note(&self, id: OperationId, line: &JournalLine) -> Result<()> {
        let line = line.clone();
        self.write(id, move |open| open.note(&line, true)).await
    }

    async fn note_lazily(&self, id: OperationId, line: &JournalLine) -> Result<()> {
        let line = line.clone();
        self.write(id, move |open| open.note(&line, false)).await
    }

    async fn journal(&self, id: OperationId, offset: u64) -> Result<(Vec<JournalLine>, u64)> {
        let path = self.at(id).join("journal.jsonl");
        off(move || tail::lines(&path, offset)).await
    }

    async fn log(&self, id: OperationId, text: &str) -> Result<()> {
        let text = text.to_owned();
        self.write(id, move |open| open.log(&text)).await
    }

    async fn read_log(&self, id: OperationId, offset: u64, limit: usize) -> Result<(String, u64)> {
        let path = self.at(id).join("log.txt");
        off(move || tail::text(&path, offset, limit)).await
    }

    async fn put_result(&self, id: OperationId, result: &Value) -> Result<()> {
        const DOING: &str = "storing a result";
        let (folder, text) = (self.at(id), result.to_string());
        off(move || {
            // A run whose requester died before it stored the run file has none yet.
            make_folder(DOING, &folder)?;
            replace(DOING, &folder.join("result.json"), text.as_bytes())
        })
        .await
    }

    async fn result(&self, id: OperationId) -> Result<Option<Value>> {
        const DOING: &str = "reading a result";
        let path = self.at(id).join("result.json");
        off(move || {
            read(DOING, &path)?
                .map(|bytes| serde_json::from_slice(&bytes))
                .transpose()
                .map_err(|e| failed(DOING, &path, e))
        })
        .await
    }

    async fn request_cancel(&self, id: OperationId, by: &str) -> Result<bool> {
        let (path, by) = (self.at(id).join("cancel"), by.to_owned());
        off(move || create_once("asking a run to stop", &path, by.as_bytes())).await
    }

    async fn cancel_requested(&self, id: OperationId) -> Result<Option<String>> {
        let path = self.at(id).join("cancel");
        off(move || {
            let by = read("looking for a request to stop", &path)?;
            Ok(by.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        })
        .await
    }

    async fn scratch(&self, id: OperationId) -> Result<PathBuf> {
        const DOING: &str = "making a scratch folder";
        let run = self.at(id);
        off(move || {
            if !run.is_dir() {
                return Err(failed(DOING, &run, "there is no such run"));
            }
            let scratch = run.join("scratch");
            make_folder(DOING, &scratch)?;
            Ok(scratch)
        })
        .await
    }

    async fn scratch_size(&self, id: OperationId, name: &str) -> Result<Option<u64>> {
        let (scratch, name) = (self.at(id).join("scratch"), name.to_owned());
        off(move || {
            let found = evidence::find("looking at a scratch file", &scratch, &name)?;
            Ok(found.and_then(|path| path.metadata().ok()).map(|m| m.len()))
        })
        .await
    }

    async fn close_scratch(&self, id: OperationId, keep: &[&str]) -> Result<Vec<String>> {
        let (run, seal) = (self.at(id), Arc::clone(&self.seal));
        let keep: Vec<String> = keep.iter().map(|name| (*name).to_owned()).collect();
        off(move || evidence::keep_and_delete(&run, &seal, &keep)).await
    }

    async fn forget(&self, id: OperationId) -> Result<()> {
        let (folder, writing) = (self.at(id), Arc::clone(&self.writing));
        off(move || {
            *writing.lock().unwrap_or_else(PoisonError::into_inner) = None;
            match std::fs::remove_dir_all(&folder) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    Err(failed("forgetting a run", &folder, e))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn sweep(&self, before: Timestamp) -> Result<usize> {
        let folder = self.folder.clone();
        off(move || old::delete(&folder, before)).await
    }
}

fn try_lock(file: &File, how: FlockOperation, path: &Path) -> Result<bool> {
    match flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(failed("locking a run", path, e)),
    }
}

fn append_to(path: &Path) -> std::io::Result<File> {
    File::options().read(true).append(true).create(true).mode(0o600).open(path)
}

/// An open journal.
#[derive(Debug)]
struct Journal {
    file: File,
    /// Whether its name in the folder is on the disk.
    lasting: bool,
}

impl Writing {
    /// One line in one write. A line that a crash tore is ended first, so that it spoils no other.
    fn note(&mut self, line: &JournalLine, durable: bool) -> Result<()> {
        const DOING: &str = "writing a run's journal";
        let path = self.run.join("journal.jsonl");
        let text = serde_json::to_string(line).map_err(|e| Error::internal(DOING, e))?;
        let stopped = |e| failed(DOING, &path, e);
        let mut journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal { file: append_to(&path).map_err(stopped)?, lasting: false },
        };
        let file = &mut journal.file;
        let mut last = [b'\n'];
        let length = file.metadata().map_err(stopped)?.len();
        if length > 0 {
            file.read_exact_at(&mut last, length - 1).map_err(stopped)?;
        }
        let ended = if last == [b'\n'] { "" } else { "\n" };
        file.write_all(format!("{ended}{text}\n").as_bytes()).map_err(stopped)?;
        if durable {
            file.sync_data().map_err(stopped)?;
            if !journal.lasting {
                sync_folder(DOING, &self.run)?;
                journal.lasting = true;
            }
        }
        self.journal = Some(journal);
        Ok(())
    }

    fn log(&mut self, text: &str) -> Result<()> {
        let path = self.run.join("log.txt");
        let stopped = |e| failed("writing a run's log", &path, e);
        let mut file = match self.log.take() {
            Some(file) => file,
            None => append_to(&path).map_err(stopped)?,
        };
        file.write_all(text.as_bytes()).map_err(stopped)?;
        self.log = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
