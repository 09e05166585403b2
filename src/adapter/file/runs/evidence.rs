//! The end of a scratch folder: what has to be kept is sealed, all of it is deleted.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::io::ErrorKind;
use std::path::{Component, Path};

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
        let inside = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
        if !inside || name.is_empty() {
            return Err(failed(DOING, &scratch, format!("{name:?} is not a name in it")));
        }
        let path = scratch.join(name);
        if !is_own_file(&scratch, &path) {
            continue;
        }
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

/// Whether it is a plain file that lies in the folder: a child may have left links to elsewhere.
fn is_own_file(scratch: &Path, path: &Path) -> bool {
    let plain = path.symlink_metadata().is_ok_and(|m| m.is_file());
    plain
        && matches!((scratch.canonicalize(), path.canonicalize()),
            (Ok(folder), Ok(file)) if file.starts_with(&folder))
}
