//! Log, approvals and leases in one `SQLite` file of the state folder, for one machine. Opened on first use; not the
//! place of anything secret: what is stored here is redacted by whoever appends it.
#![expect(clippy::disallowed_methods, reason = "a store opens, makes and locks its own files")]

mod approvals;
mod audit;
mod leases;
mod schema;

use std::collections::HashMap;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode as Cause, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, ErrorCode, Result};

/// Name of the database in the state folder.
const FILE: &str = "log.db";

/// Several processes may use one folder at once, each with its own value of this type.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

struct Inner {
    folder: PathBuf,
    writer: Mutex<Option<Connection>>,
    reader: Mutex<Option<Connection>>,
    held: Mutex<HashMap<String, leases::Held>>,
}

/// What stops a piece of work on the database.
enum Stop {
    /// It is not allowed, as this says.
    Refused(Error),
    /// The database does not do it.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Database(cause)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Sqlite {
    /// A store in this state folder. Touches nothing yet.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            inner: Arc::new(Inner {
                folder: state.into(),
                writer: Mutex::new(None),
                reader: Mutex::new(None),
                held: Mutex::new(HashMap::new()),
            }),
        }
    }

    /// Runs blocking work where it may block.
    async fn off<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|e| Error::internal("using the store", e))?
    }
}

impl Inner {
    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// One write transaction, durable when it returns. Whatever fails, nothing of it is stored.
    fn write<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>,
    ) -> Result<T> {
        let mut slot = lock(&self.writer);
        let answer = (|| {
            if slot.is_none() {
                self.make_file(doing)?;
                let mut db = Connection::open_with_flags(
                    self.path(),
                    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                )?;
                schema::prepare(&mut db, doing)?;
                *slot = Some(db);
            }
            let Some(db) = slot.as_mut() else {
                return Err(Error::internal(doing, "the database is not open").into());
            };
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        })();
        if matches!(answer, Err(Stop::Database(_))) {
            *slot = None;
        }
        answer.map_err(|stop| self.explain(doing, stop))
    }

    /// A read; `empty` when there is no database yet.
    fn read<T>(
        &self,
        doing: &str,
        empty: T,
        work: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T> {
        let mut slot = lock(&self.reader);
        let answer = (|| {
            if slot.is_none() {
                *slot = self.open_to_read(doing)?;
            }
            match slot.as_ref() {
                Some(db) => work(db),
                None => Ok(empty),
            }
        })();
        if matches!(answer, Err(Stop::Database(_))) {
            *slot = None;
        }
        answer.map_err(|stop| self.explain(doing, stop))
    }

    /// A connection for reading, `None` when there is nothing to read yet. A log that cannot be written can be read as
    /// far as `SQLite` allows: with the write-ahead log's side files when they are there, else the file as it stands.
    fn open_to_read(&self, doing: &str) -> Result<Option<Connection>, Stop> {
        let path = self.path();
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(e) => {
                return Err(unavailable(doing, &format!("{}: {e}", path.display())).into());
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let tries = [
            (path.clone(), flags | OpenFlags::SQLITE_OPEN_READ_WRITE),
            (path.clone(), flags | OpenFlags::SQLITE_OPEN_READ_ONLY),
            (
                PathBuf::from(immutable(&path)),
                flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            ),
        ];
        let mut first = None;
        for (number, (name, flags)) in tries.into_iter().enumerate() {
            if number == 2 && has_content(&self.folder.join(format!("{FILE}-wal"))) {
                break;
            }
            let opened = Connection::open_with_flags(&name, flags)
                .map_err(Stop::from)
                .and_then(|db| Ok((schema::version(&db, doing)?, db)));
            match opened {
                Ok((0, _)) => return Ok(None),
                Ok((_, db)) => return Ok(Some(db)),
                Err(Stop::Refused(error)) => return Err(error.into()),
                Err(Stop::Database(cause)) => {
                    first.get_or_insert(cause);
                }
            }
        }
        Err(first.map_or_else(
            || Error::internal(doing, "the database does not open").into(),
            Stop::Database,
        ))
    }

    /// Makes folder and file with private modes before `SQLite` would make them with others.
    fn make_file(&self, doing: &str) -> Result<()> {
        make_folder(doing, &self.folder)?;
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path())
            .map(drop)
            .map_err(|e| not_written(doing, &self.path(), &e))
    }

    fn explain(&self, doing: &str, stop: Stop) -> Error {
        let cause = match stop {
            Stop::Refused(error) => return error,
            Stop::Database(cause) => cause,
        };
        let code = cause.sqlite_error_code();
        // Where it cannot grow a side file, `SQLite` speaks of the disk's input and output only.
        if code == Some(Cause::DiskFull)
            || (code == Some(Cause::SystemIoFailure) && is_full(&self.folder))
        {
            return Error::disk_full(doing, &self.path());
        }
        let why = match code {
            Some(Cause::DatabaseBusy | Cause::DatabaseLocked) => format!(
                "{}: another process kept it locked for more than {} s",
                self.path().display(),
                schema::BUSY.as_secs()
            ),
            _ => format!("{}: {cause}", self.path().display()),
        };
        match code {
            Some(
                Cause::DatabaseBusy
                | Cause::DatabaseLocked
                | Cause::ReadOnly
                | Cause::PermissionDenied
                | Cause::SystemIoFailure
                | Cause::CannotOpen
                | Cause::NotADatabase
                | Cause::DatabaseCorrupt,
            ) => unavailable(doing, &why),
            _ => Error::internal(doing, why),
        }
    }
}

fn unavailable(doing: &str, why: &str) -> Error {
    Error::new(ErrorCode::AuditUnavailable, format!("{doing}: {why}"))
        .next("make the store usable again (disk space, permissions, a whole file)")
}

/// A file or folder of the store that could not be made.
fn not_written(doing: &str, path: &Path, cause: &std::io::Error) -> Error {
    match Error::file(doing, path, cause) {
        full if full.code == ErrorCode::AuditUnavailable => full,
        _ => unavailable(doing, &format!("{}: {cause}", path.display())),
    }
}

/// Whether there is not even space for a page of the database.
fn is_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < 64 * 1024)
}

/// Makes a folder that only its owner may enter; one that exists is left as it is.
fn make_folder(doing: &str, folder: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| not_written(doing, folder, &e))
}

fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.len() > 0)
}

/// The URI by which `SQLite` reads a file that nobody can change, without side files.
fn immutable(path: &Path) -> String {
    let escaped =
        path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
