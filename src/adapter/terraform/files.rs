//! Files of a run: private to us, written whole. And the lock that keeps two `init` apart.
#![expect(clippy::disallowed_methods, reason = "writes the files that terraform reads")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, Result};

const POLL: Duration = Duration::from_millis(50);

/// Makes a folder, and those above it, for us alone.
pub(super) fn make_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| Error::file("making a folder", path, &e))
}

/// Writes a file that only we can read, in place of an earlier one.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    remove(path);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| Error::file("writing a file of the run", path, &e))
}

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::internal(&format!("reading {}", path.display()), e))
}

/// What is in a folder.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(|e| Error::file("listing a folder", folder, &e))?;
    Ok(entries.iter().map(fs::DirEntry::path).collect())
}

/// Removes a file; that there is none is as good.
pub(super) fn remove(path: &Path) {
    fs::remove_file(path).ok();
}

/// Moves a file, across file systems too.
pub(super) fn relocate(from: &Path, to: &Path) -> Result<()> {
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    write_private(to, &read(from)?)?;
    remove(from);
    Ok(())
}

/// An exclusive lock on a file; let go of when dropped.
#[derive(Debug)]
pub(super) struct FileLock(#[expect(dead_code, reason = "holds the lock")] File);

impl FileLock {
    /// Waits for the lock.
    pub(super) async fn take(path: &Path) -> Result<Self> {
        let doing = format!("locking {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| Error::internal(&doing, e))?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(rustix::io::Errno::WOULDBLOCK) => tokio::time::sleep(POLL).await,
                Err(e) => return Err(Error::internal(&doing, e)),
            }
        }
    }
}
