//! Files of a run: folders and files that only we can read.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files for its children")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, Result};

/// Makes a folder with its parents, mode 0700.
pub(super) fn make_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| Error::file("making a folder", path, &e))
}

/// Writes a file that only we can read, in place of an earlier one.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::remove_file(path).ok();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| Error::file("writing a file of the run", path, &e))
}

/// Reads a file that settings name.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::file("reading a file of the settings", path, &e))
}

/// Removes a folder with all that is in it; that there is none is as good.
pub(super) fn clear(path: &Path) {
    fs::remove_dir_all(path).ok();
}

/// The beginning of a file that a child wrote, as text.
pub(super) fn beginning(path: &Path, limit: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(bytes.get(..limit).unwrap_or(&bytes)).into_owned()
}
