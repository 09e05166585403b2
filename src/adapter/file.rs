//! Files of the state folder: run folders, sealed plans, the anchor of the log. Each write that is promised to last is
//! whole or absent: written beside, synced, renamed, and the folder synced.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

mod anchor;
mod folder;
mod plans;
mod runs;
mod seal;
mod sessions;
mod token;
mod tokens;

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use anchor::FileAnchor;
pub use folder::{Laid, lay};
pub use plans::FilePlans;
pub use runs::FileRuns;
pub use seal::Seal;
pub use sessions::FileSessions;
pub use token::http_token;
pub use tokens::FileTokens;

use crate::clock::fresh_uuid;
use crate::error::{Error, Result};

/// Runs blocking work where it may block.
async fn off<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("working with files", e))?
}

/// `doing what: file: what stood in the way`. Of an error of the operating system it is known whether the disk is full.
fn failed(doing: &str, path: &Path, cause: impl std::fmt::Display + 'static) -> Error {
    match (&cause as &dyn std::any::Any).downcast_ref::<std::io::Error>() {
        Some(cause) => Error::file(doing, path, cause),
        None => Error::internal(doing, format!("{}: {cause}", path.display())),
    }
}

/// Makes a folder that only its owner may enter; one that exists is left as it is.
fn make_folder(doing: &str, folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| failed(doing, folder, e))
}

fn sync_folder(doing: &str, folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| failed(doing, folder, e))
}

/// A name in the same folder that nobody else uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", fresh_uuid()))
}

/// Writes a new private file and syncs it.
fn write_new(doing: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    let written =
        File::options().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    if let Err(e) = written {
        let _ = std::fs::remove_file(path);
        return Err(failed(doing, path, e));
    }
    Ok(())
}

/// Puts bytes in a file's place, durable when it returns; a reader sees the old ones or the new ones.
fn replace(doing: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    let temp = beside(path);
    write_new(doing, &temp, bytes)?;
    if let Err(e) = std::fs::rename(&temp, path) {
        let _ = std::fs::remove_file(&temp);
        return Err(failed(doing, path, e));
    }
    sync_folder(doing, path.parent().unwrap_or(path))
}

/// Makes a file with this content unless there is one; of several that try, one is told `true`.
fn create_once(doing: &str, path: &Path, bytes: &[u8]) -> Result<bool> {
    let temp = beside(path);
    write_new(doing, &temp, bytes)?;
    let linked = std::fs::hard_link(&temp, path);
    let _ = std::fs::remove_file(&temp);
    match linked {
        Ok(()) => sync_folder(doing, path.parent().unwrap_or(path)).map(|()| true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(failed(doing, path, e)),
    }
}

/// Makes a folder with these files, whole or not at all. Refuses one that exists.
fn create_folder(doing: &str, folder: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    make_folder(doing, parent)?;
    if folder.exists() {
        return Err(failed(doing, folder, "exists already"));
    }
    let temp = beside(folder);
    make_folder(doing, &temp)?;
    let made = files
        .iter()
        .try_for_each(|(name, bytes)| write_new(doing, &temp.join(name), bytes))
        .and_then(|()| sync_folder(doing, &temp))
        // Renaming onto a folder with content fails: of two that race, one is refused.
        .and_then(|()| std::fs::rename(&temp, folder).map_err(|e| failed(doing, folder, e)));
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&temp);
    }
    made?;
    sync_folder(doing, parent)
}

/// The content, `None` when there is no such file.
fn read(doing: &str, path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(doing, path, e)),
    }
}

/// Removes a file; true when there was one.
fn remove(doing: &str, path: &Path) -> Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed(doing, path, e)),
    }
}

/// A name from outside as a file's name; [`original`] turns it back. Upper case is escaped, too: some disks do not
/// tell it apart.
fn plain(name: &str) -> String {
    name.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(b).to_string(),
            b'/' => "+".to_owned(),
            _ => format!("%{b:02x}"),
        })
        .collect()
}

fn original(plain: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = plain.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'+' => b'/',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
