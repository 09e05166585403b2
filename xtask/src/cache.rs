//! The cache that all checkouts of one user share: one folder per tool and content hash.
//!
//! A folder counts only when its mark of completion is there; it is filled under a file lock, so
//! two tasks that want the same tool at once build it once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Written last into a folder of the cache.
const MARK: &str = ".complete";

/// The user's cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// The place of one tool in one version in the cache.
#[derive(Debug, Clone)]
pub struct Slot {
    name: String,
    folder: PathBuf,
    lock: PathBuf,
}

impl Cache {
    /// `$XDG_CACHE_HOME/datamcp`, else `~/.cache/datamcp`.
    pub fn of_user() -> Result<Self> {
        let base = match std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from) {
            Some(folder) if folder.is_absolute() => folder,
            _ => home()?.join(".cache"),
        };
        Ok(Self { root: base.join("datamcp") })
    }

    /// A cache in a folder of one's own.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The cache's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place for `name` made of exactly these ingredients.
    pub fn slot(&self, name: &str, ingredients: &[&[u8]]) -> Slot {
        let mut digest = Sha256::new();
        for ingredient in ingredients {
            digest.update((ingredient.len() as u64).to_be_bytes());
            digest.update(ingredient);
        }
        let mut hash = hex::encode(digest.finalize());
        hash.truncate(16);
        let key = format!("{name}-{hash}");
        Slot {
            name: name.to_owned(),
            folder: self.root.join("tools").join(&key),
            lock: self.root.join("locks").join(format!("{key}.lock")),
        }
    }
}

impl Slot {
    /// Where the tool lies once the slot is filled.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the tool is there, whole.
    pub fn is_filled(&self) -> bool {
        self.folder.join(MARK).is_file()
    }

    /// Fills the slot unless it is filled; tells whether it had to be.
    ///
    /// Half-made folders of an interrupted run are removed first.
    pub fn fill(&self, make: impl FnOnce(&Path) -> Result<()>) -> Result<bool> {
        if self.is_filled() {
            return Ok(false);
        }
        let _held = hold(&self.lock, &self.name)?;
        if self.is_filled() {
            return Ok(false);
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("clearing {}", self.folder.display()))?;
        }
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("making {}", self.folder.display()))?;
        make(&self.folder)?;
        fs::write(self.folder.join(MARK), "").context("marking a tool as complete")?;
        Ok(true)
    }
}

/// Takes a file lock, and says so when it has to wait for another task.
pub fn hold(path: &Path, what: &str) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            eprintln!("  {what}: another task is at it, waiting for {}", path.display());
            file.lock().with_context(|| format!("waiting for {}", path.display()))?;
        }
        Err(fs::TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    Ok(file)
}

/// The user's home folder.
pub fn home() -> Result<PathBuf> {
    match std::env::home_dir() {
        Some(home) if home.is_absolute() => Ok(home),
        _ => bail!("the user has no home folder: set HOME"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_filled_once_and_again_only_for_other_ingredients() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let slot = cache.slot("tool", &[b"1.0", b"linux"]);
        assert!(slot.fill(|at| Ok(fs::write(at.join("it"), "x")?)).unwrap());
        assert!(!slot.fill(|_| bail!("filled twice")).unwrap());
        assert_ne!(slot.folder(), cache.slot("tool", &[b"1.0l", b"inux"]).folder());
    }

    #[test]
    fn a_failed_filling_leaves_nothing_that_counts() {
        let folder = tempfile::tempdir().unwrap();
        let slot = Cache::at(folder.path()).slot("tool", &[b"1"]);
        assert!(
            slot.fill(|at| {
                fs::write(at.join("half"), "x")?;
                bail!("network")
            })
            .is_err()
        );
        assert!(!slot.is_filled());
        let again = slot.fill(|at| {
            assert!(!at.join("half").exists());
            Ok(())
        });
        assert!(again.unwrap());
    }

    #[test]
    fn two_at_once_fill_one_slot_once() {
        let folder = tempfile::tempdir().unwrap();
        let slot = Cache::at(folder.path()).slot("tool", &[b"1"]);
        let filled: usize = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        slot.fill(|_| {
                            std::thread::sleep(std::time::Duration::from_millis(50));
                            Ok(())
                        })
                    })
                })
                .collect();
            tasks.into_iter().map(|task| usize::from(task.join().unwrap().unwrap())).sum()
        });
        assert_eq!(filled, 1);
    }
}
