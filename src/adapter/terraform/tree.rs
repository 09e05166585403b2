//! A configuration tree by content: its digest, and a copy that nobody edits while terraform runs on it.
#![expect(clippy::disallowed_methods, reason = "reads and copies a configuration tree")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::{DirEntry, WalkDir};

use super::files;
use crate::error::{Error, Result};
use crate::model::Digest;
use crate::model::digest::Parts;

const FILES_MAX: usize = 20_000;
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The files of a tree, read once.
#[derive(Debug)]
pub(super) struct Tree {
    files: Vec<(PathBuf, Vec<u8>)>,
    digest: Digest,
}

impl Tree {
    /// Reads the tree. Refuses links that leave it, and whatever is neither a file nor a folder.
    pub(super) fn read(at: &Path) -> Result<Self> {
        if at.to_string_lossy().contains('\0') {
            return Err(refuse(at, "holds a NUL byte"));
        }
        let home = at.canonicalize().map_err(|e| refuse(at, &format!("cannot be opened: {e}")))?;
        if !home.is_dir() {
            return Err(refuse(at, "is not a folder"));
        }
        let (mut files, mut bytes) = (Vec::new(), 0u64);
        let walk = WalkDir::new(&home).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|e| !is_left_out(e)) {
            let entry = entry.map_err(|e| refuse(at, &format!("cannot be read: {e}")))?;
            let path = entry.path();
            let relative = path.strip_prefix(&home).unwrap_or(path).to_owned();
            let kind = entry.file_type();
            if kind.is_dir() {
                continue;
            }
            let about = inside(&home, path, &relative, kind.is_symlink())?;
            bytes += about.len();
            if files.len() >= FILES_MAX || bytes > BYTES_MAX {
                let why = format!("is larger than {FILES_MAX} files or {BYTES_MAX} bytes");
                return Err(refuse(at, &why));
            }
            let content =
                fs::read(path).map_err(|e| refuse(&relative, &format!("cannot be read: {e}")))?;
            files.push((relative, content));
        }
        let mut parts = Parts::default();
        for (path, content) in &files {
            parts.add(path.as_os_str().as_encoded_bytes()).add(content);
        }
        let digest = parts.finish();
        Ok(Self { files, digest })
    }

    /// Digest over paths and contents.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Digest of the provider lock file of the root module; `None` when there is none.
    pub(super) fn lock_file(&self, root: &Path) -> Option<Digest> {
        let path = root.join(".terraform.lock.hcl");
        let path: PathBuf =
            path.components().filter(|c| !matches!(c, std::path::Component::CurDir)).collect();
        self.files.iter().find(|(file, _)| *file == path).map(|(_, content)| Digest::of(content))
    }

    /// A copy under `shelf`, made once for each content: whole or not at all.
    pub(super) fn copy_to(&self, trees: &Path) -> Result<PathBuf> {
        let name = self.digest.as_str().trim_start_matches("sha256:");
        let place = trees.join(name);
        if place.is_dir() {
            // Its time is that of its last use.
            touch(&place);
            return Ok(place);
        }
        files::make_dir(trees)?;
        delete_unused(trees);
        let fresh = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(trees)
            .map_err(|e| Error::file("copying the configuration", &place, &e))?;
        for (path, content) in &self.files {
            let to = fresh.path().join(path);
            if let Some(folder) = to.parent() {
                files::make_dir(folder)?;
            }
            files::write_private(&to, content)?;
        }
        let made = fresh.keep();
        match fs::rename(&made, &place) {
            Ok(()) => Ok(place),
            // Somebody else was faster with the same content.
            Err(_) if place.is_dir() => {
                fs::remove_dir_all(&made).ok();
                Ok(place)
            }
            Err(e) => Err(Error::file("copying the configuration", &place, &e)),
        }
    }
}

/// A copy that nobody used for so long belongs to a configuration that has moved on. Should it come back, it is copied
/// and initialised again.
const UNUSED: Duration = Duration::from_hours(7 * 24);

fn touch(place: &Path) {
    let touched = fs::File::open(place).and_then(|folder| folder.set_modified(SystemTime::now()));
    if let Err(error) = touched {
        tracing::debug!(%error, "noting that a copy of the configuration is used");
    }
}

/// Deletes the copies that were not used for long. One with a state in it that could not be saved stays, wherever it is.
fn delete_unused(trees: &Path) {
    let Ok(entries) = fs::read_dir(trees) else { return };
    for copy in entries.flatten().map(|entry| entry.path()) {
        let age =
            fs::metadata(&copy).and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        if age.is_none_or(|age| age < UNUSED) || holds_state(&copy) {
            continue;
        }
        if let Err(error) = fs::remove_dir_all(&copy) {
            tracing::warn!(%error, copy = %copy.display(), "deleting an old copy of the configuration");
        }
    }
}

fn holds_state(copy: &Path) -> bool {
    let is_state = |name: &str| name.ends_with(".tfstate");
    WalkDir::new(copy)
        .into_iter()
        .filter_entry(|e| e.file_name() != ".terraform")
        .any(|e| e.is_ok_and(|e| e.file_name().to_str().is_none_or(is_state)))
}

/// Terraform's own leavings are no configuration; a hostile `.terraform` folder never comes along.
fn is_left_out(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    if entry.depth() == 0 {
        return false;
    }
    matches!(&*name, ".terraform" | ".git" | "crash.log" | "errored.tfstate")
        || name.ends_with(".tfstate")
        || name.contains(".tfstate.")
}

fn inside(home: &Path, path: &Path, shown: &Path, link: bool) -> Result<fs::Metadata> {
    if link {
        let target = path
            .canonicalize()
            .map_err(|e| refuse(shown, &format!("is a link that leads nowhere: {e}")))?;
        if !target.starts_with(home) {
            return Err(refuse(shown, "is a link that leaves the configuration tree"));
        }
    }
    let about = fs::metadata(path).map_err(|e| refuse(shown, &format!("cannot be read: {e}")))?;
    if about.is_file() { Ok(about) } else { Err(refuse(shown, "is not a regular file")) }
}

fn refuse(path: &Path, why: &str) -> Error {
    Error::invalid("environment.tree", path.to_string_lossy(), why)
        .allowed("a folder with regular files, and links that stay inside it")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let to = dir.path().join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, text).unwrap();
        }
        dir
    }

    #[test]
    fn security_16_leavings_do_not_count_and_do_not_come_along() {
        let clean = tree(&[("envs/dev/main.tf", "# a"), ("modules/x/x.tf", "")]);
        let dirty = tree(&[
            ("envs/dev/main.tf", "# a"),
            ("modules/x/x.tf", ""),
            ("envs/dev/.terraform/providers/evil", "#!"),
            ("envs/dev/terraform.tfstate", "{}"),
            ("envs/dev/terraform.tfstate.backup", "{}"),
            (".git/config", ""),
        ]);
        let (a, b) = (Tree::read(clean.path()).unwrap(), Tree::read(dirty.path()).unwrap());
        assert_eq!(a.digest(), b.digest());
        let shelf = tempfile::tempdir().unwrap();
        let copy = b.copy_to(shelf.path()).unwrap();
        assert_eq!(copy, a.copy_to(shelf.path()).unwrap());
        assert!(copy.join("modules/x/x.tf").is_file());
        assert!(!copy.join("envs/dev/.terraform").exists());
    }

    #[test]
    fn copies_that_nobody_uses_are_deleted_but_for_those_with_a_state() {
        let shelf = tempfile::tempdir().unwrap();
        let copy = |text: &str| {
            Tree::read(tree(&[("a.tf", text)]).path()).unwrap().copy_to(shelf.path()).unwrap()
        };
        let (old, used, saved) = (copy("1"), copy("2"), copy("3"));
        fs::write(saved.join("errored.tfstate"), "{}").unwrap();
        let long_ago = SystemTime::now() - 2 * UNUSED;
        for place in [&old, &used, &saved] {
            fs::File::open(place).unwrap().set_modified(long_ago).unwrap();
        }
        assert_eq!(copy("2"), used);
        let new = copy("4");
        assert!(!old.exists());
        assert!(used.is_dir() && saved.is_dir() && new.is_dir());
    }

    #[test]
    fn fault_38_any_byte_and_any_name_counts() {
        let base = Tree::read(tree(&[("a.tf", "x"), ("b.tf", "")]).path()).unwrap();
        for other in [
            tree(&[("a.tf", "y"), ("b.tf", "")]),
            tree(&[("a.tf", "x"), ("c.tf", "")]),
            tree(&[("a.tf", ""), ("b.tf", "x")]),
        ] {
            assert_ne!(base.digest(), Tree::read(other.path()).unwrap().digest());
        }
    }

    #[test]
    fn bad_inputs_23_24_28_links_files_and_pipes() {
        let dir = tree(&[("a.tf", "x")]);
        assert!(Tree::read(&dir.path().join("a.tf")).is_err());
        symlink("a.tf", dir.path().join("inside.tf")).unwrap();
        assert!(Tree::read(dir.path()).is_ok());
        symlink("/etc/hostname", dir.path().join("out.tf")).unwrap();
        let error = Tree::read(dir.path()).unwrap_err();
        assert!(error.message.contains("leaves the configuration tree"), "{error}");
        fs::remove_file(dir.path().join("out.tf")).unwrap();
        symlink("/dev/null", dir.path().join("dev.auto.tfvars")).unwrap();
        assert!(Tree::read(dir.path()).is_err());
    }
}
