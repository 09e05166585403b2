//! Lays files into somebody's folder. What is there is never changed, but for lines that are missing at the end of one file.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laid {
    /// It was not there and is now.
    Written,
    /// It was there, with this very content.
    Same,
    /// It was there with other content, and was left alone.
    Kept,
    /// Missing lines were added at its end.
    Extended,
}

/// Lays files into a folder, and adds the `lines` that the file `list` there does not have. With `dry_run` it only says
/// what it would do.
pub fn lay(
    folder: &Path,
    files: &[(PathBuf, String)],
    (list, lines): (&str, &[&str]),
    dry_run: bool,
) -> Result<Vec<(PathBuf, Laid)>> {
    let mut laid = Vec::new();
    for (path, text) in files {
        laid.push((path.clone(), lay_one(&folder.join(path), text, dry_run)?));
    }
    laid.push((PathBuf::from(list), extend(&folder.join(list), lines, dry_run)?));
    Ok(laid)
}

fn failed(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::invalid("folder", path.to_string_lossy(), format!("cannot be filled: {cause}"))
        .allowed("a folder that you may write to")
}

/// The content of a file; nothing when there is none.
fn found(path: &Path) -> Result<Option<Vec<u8>>> {
    match path.symlink_metadata() {
        Ok(about) if about.is_file() => std::fs::read(path).map(Some).map_err(|e| failed(path, e)),
        // A link or a folder is somebody's own arrangement.
        Ok(_) => Ok(Some(Vec::new())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(path, e)),
    }
}

fn lay_one(path: &Path, text: &str, dry_run: bool) -> Result<Laid> {
    if let Some(there) = found(path)? {
        return Ok(if there == text.as_bytes() { Laid::Same } else { Laid::Kept });
    }
    if dry_run {
        return Ok(Laid::Written);
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
    }
    // New or not at all: one that appears at this moment is not touched either.
    let file = std::fs::File::options().write(true).create_new(true).open(path);
    match file {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|e| failed(path, e))?;
            Ok(Laid::Written)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Laid::Kept),
        Err(e) => Err(failed(path, e)),
    }
}

fn extend(path: &Path, lines: &[&str], dry_run: bool) -> Result<Laid> {
    let whole = format!("{}\n", lines.join("\n"));
    let Some(there) = found(path)? else {
        return lay_one(path, &whole, dry_run);
    };
    if path.symlink_metadata().is_ok_and(|about| !about.is_file()) {
        return Ok(Laid::Kept);
    }
    let text = String::from_utf8_lossy(&there);
    let missing: Vec<&str> =
        lines.iter().filter(|line| !text.lines().any(|l| l.trim() == **line)).copied().collect();
    if missing.is_empty() {
        return Ok(Laid::Same);
    }
    if !dry_run {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let more = format!("{gap}{}\n", missing.join("\n"));
        let file = std::fs::File::options().append(true).open(path);
        file.and_then(|mut file| file.write_all(more.as_bytes())).map_err(|e| failed(path, e))?;
    }
    Ok(Laid::Extended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(PathBuf, String)> {
        vec![("a.txt".into(), "a\n".into()), ("deep/down/b.txt".into(), "b\n".into())]
    }

    fn go(folder: &Path, dry_run: bool) -> Vec<Laid> {
        let laid = lay(folder, &files(), (".gitignore", &["x/", "*.y"]), dry_run).unwrap();
        laid.into_iter().map(|(_, what)| what).collect()
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        assert_eq!(go(top, true), [Laid::Written; 3]);
        assert_eq!(std::fs::read_dir(top).unwrap().count(), 0, "a dry run writes nothing");
        assert_eq!(go(top, false), [Laid::Written; 3]);
        assert_eq!(go(top, false), [Laid::Same; 3]);
        std::fs::write(top.join("a.txt"), "mine").unwrap();
        std::fs::remove_file(top.join("deep/down/b.txt")).unwrap();
        let mine = top.join("mine");
        std::os::unix::fs::symlink(&mine, top.join("deep/down/b.txt")).unwrap();
        std::fs::write(top.join(".gitignore"), "*.y\nown").unwrap();
        for dry_run in [true, false] {
            assert_eq!(go(top, dry_run), [Laid::Kept, Laid::Kept, Laid::Extended]);
        }
        assert_eq!(std::fs::read_to_string(top.join("a.txt")).unwrap(), "mine");
        assert!(!mine.exists(), "a link is not followed");
        assert_eq!(std::fs::read_to_string(top.join(".gitignore")).unwrap(), "*.y\nown\nx/\n");
        assert_eq!(go(top, false), [Laid::Kept, Laid::Kept, Laid::Same]);
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("deep"), "").unwrap();
        let refused = lay(folder.path(), &files(), (".gitignore", &["x/"]), false).unwrap_err();
        assert!(refused.given.unwrap().contains("deep"));
    }
}
