//! The end of a scratch folder: what has to be kept is sealed, all of it is deleted.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::{Seal, failed, make_folder, read, replace};
use crate::error::Result;

/// Seals the named files of `scratch` into `evidence` and deletes `scratch`. Names that are not there are passed over;
/// when one cannot be kept, nothing is deleted. Answers with the paths of the sealed files.
pub(super) fn keep_and_delete(run: &Path, seal: &Seal, keep: &[String]) -> Result<Vec<String>> {
    const DOING: &str = "closing a scratch folder";
    let scratch = run.join("scratch");
    let evidence = run.join("evidence");
    let mut kept = Vec::new();
    for name in keep {
        let Some(path) = find(DOING, &scratch, name)? else {
            continue;
        };
        let Some(bytes) = read(DOING, &path)? else {
            continue;
        };
        make_folder(DOING, &evidence)?;
        let sealed = evidence.join(format!("{}.age", name.replace('/', "+")));
        replace(DOING, &sealed, &seal.seal(&bytes)?)?;
        kept.push(sealed.display().to_string());
    }
    match std::fs::remove_dir_all(&scratch) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(failed(DOING, &scratch, e)),
        _ => Ok(kept),
    }
}

/// Path of a plain file that lies in the folder; `None` when there is none, links to elsewhere included: a child may
/// have left them. A name that leads out of the folder is an error.
pub(super) fn find(doing: &str, scratch: &Path, name: &str) -> Result<Option<PathBuf>> {
    let inside = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
    if !inside || name.is_empty() {
        return Err(failed(doing, scratch, format!("{name:?} is not a name in it")));
    }
    let path = scratch.join(name);
    let plain = path.symlink_metadata().is_ok_and(|m| m.is_file());
    let own = matches!((scratch.canonicalize(), path.canonicalize()),
        (Ok(folder), Ok(file)) if file.starts_with(&folder));
    Ok((plain && own).then_some(path))
}
