//! Reading files that somebody else is appending to.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::failed;
use crate::error::Result;
use crate::port::runs::JournalLine;

/// Bytes from `offset` on, at most `limit`, and the file's length; nothing of a file that is not there.
fn bytes(doing: &str, path: &Path, offset: u64, limit: u64) -> Result<(Vec<u8>, u64)> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(e) => return Err(failed(doing, path, e)),
    };
    let mut out = Vec::new();
    let length = file
        .seek(SeekFrom::Start(offset))
        .and_then(|_| (&mut file).take(limit).read_to_end(&mut out))
        .and_then(|_| file.metadata())
        .map_err(|e| failed(doing, path, e))?
        .len();
    Ok((out, length))
}

/// Whole lines from `offset` on and the offset after them. A last line without its end is left for later; a whole line
/// that is no journal line (torn by a crash, ended by the next writer) was never promised and is passed over.
pub(super) fn lines(path: &Path, offset: u64) -> Result<(Vec<JournalLine>, u64)> {
    let (all, _) = bytes("reading a run's journal", path, offset, u64::MAX)?;
    let whole = all.iter().rposition(|b| *b == b'\n').map_or(0, |last| last + 1);
    let lines = all
        .get(..whole)
        .unwrap_or_default()
        .split(|b| *b == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    Ok((lines, offset + whole as u64))
}

/// At most `limit` bytes of text from `offset` on and the file's length. As many bytes as were read come back, so that
/// `offset` plus the text's length is where to go on: bytes that are no text become one `?` each.
pub(super) fn text(path: &Path, offset: u64, limit: usize) -> Result<(String, u64)> {
    let (mut rest, length) = bytes("reading a run's log", path, offset, limit as u64)?;
    let mut out = String::with_capacity(rest.len());
    loop {
        match std::str::from_utf8(&rest) {
            Ok(text) => {
                out.push_str(text);
                return Ok((out, length));
            }
            Err(e) => {
                let (good, bad) = rest.split_at(e.valid_up_to());
                out.push_str(std::str::from_utf8(good).unwrap_or_default());
                let Some(wrong) = e.error_len() else {
                    return Ok((out, length));
                };
                out.push_str(&"?".repeat(wrong));
                rest = bad.get(wrong..).unwrap_or_default().to_vec();
            }
        }
    }
}
