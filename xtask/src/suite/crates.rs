//! What cargo made of other people's crates, shared by the checkouts of one user: kept in the cache by lock file and
//! compiler, and laid into a checkout that has nothing yet.
//!
//! Cargo itself judges whether what is laid fits; what does not is built again. Nothing of our own packages is kept.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use walkdir::WalkDir;

use crate::cache::{Cache, Slot};
use crate::place::Checkout;
use crate::tools::cargo;

/// Folders of a profile whose entries are named after packages or crates.
const FOLDERS: [&str; 3] = [".fingerprint", "build", "deps"];
/// Left in the target folder that was laid into: what was built there since is newer, and stays.
const LAID: &str = ".crates-laid";
/// Variables that change what a compiler is told.
const FLAGS: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_BUILD_RUSTFLAGS"];

/// The compiled crates of one lock file.
#[derive(Debug)]
pub(super) struct Crates {
    slot: Slot,
    profile: PathBuf,
    ours: BTreeSet<String>,
}

impl Crates {
    /// Those of a checkout, which need not be there.
    pub(super) fn of(checkout: &Checkout) -> Result<Self> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for name in ["Cargo.lock", "Cargo.toml", "xtask/Cargo.toml", ".cargo/config.toml"] {
            let path = checkout.top().join(name);
            parts.push(fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
        }
        let compiler = Command::new("rustc").arg("-vV").current_dir(checkout.top()).output();
        parts.push(compiler.context("asking rustc for its version")?.stdout);
        for name in FLAGS {
            parts.push(std::env::var(name).unwrap_or_default().into_bytes());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        Ok(Self {
            slot: Cache::of_user()?.slot("crates", &parts),
            profile: checkout.target().join("debug"),
            ours: ours(checkout)?,
        })
    }

    /// Lays what an earlier checkout built into this one, unless that was done before; tells in words what was done.
    pub(super) fn lay(&self) -> Result<String> {
        if !self.slot.is_filled() {
            return Ok("no checkout has built them yet: they are built here, and kept".to_owned());
        }
        let mark = self.profile.join(LAID);
        if mark.is_file() {
            return Ok("here already".to_owned());
        }
        let begun = Instant::now();
        let files = copy(self.slot.folder(), &self.profile, |_| true)?;
        fs::write(&mark, "").with_context(|| format!("writing {}", mark.display()))?;
        Ok(format!("{files} files from the cache in {:.0} s", begun.elapsed().as_secs_f64()))
    }

    /// Keeps what was built here for the next checkout, unless somebody has.
    pub(super) fn keep(&self) -> Result<()> {
        self.slot
            .fill(|folder| copy(&self.profile, folder, |name| !self.is_ours(name)).map(drop))?;
        fs::write(self.profile.join(LAID), "").context("marking what was built as laid")
    }

    /// Whether an entry of a folder is named after a package or a target of ours.
    fn is_ours(&self, name: &str) -> bool {
        let stem = name.rsplit_once('-').map_or(name, |(stem, _)| stem);
        let names = [Some(stem), stem.strip_prefix("lib")];
        names.into_iter().flatten().any(|stem| self.ours.contains(&stem.replace('-', "_")))
    }
}

/// Names of our packages and of what they are built to.
fn ours(checkout: &Checkout) -> Result<BTreeSet<String>> {
    let mut command = cargo();
    command.current_dir(checkout.top());
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = command.output().context("asking cargo for our packages")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let listed = |of: &Value, what: &str| of.get(what).and_then(Value::as_array).cloned();
    let packages = listed(&told, "packages").context("cargo metadata names no packages")?;
    let targets = packages.iter().filter_map(|package| listed(package, "targets")).flatten();
    let all: Vec<Value> = packages.iter().cloned().chain(targets).collect();
    let name = |of: &Value| of.get("name")?.as_str().map(|name| name.replace('-', "_"));
    Ok(all.iter().filter_map(name).collect())
}

/// Copies what is wanted of a profile's folders, with the times that cargo compares; tells how many files that were.
fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<usize> {
    let mut files = 0;
    for folder in FOLDERS {
        let top = from.join(folder);
        let entries = WalkDir::new(&top).min_depth(1).into_iter().filter_entry(|entry| {
            entry.depth() > 1 || wanted(&entry.file_name().to_string_lossy())
        });
        for entry in entries {
            let entry = entry.with_context(|| format!("listing {}", top.display()))?;
            let target = to.join(entry.path().strip_prefix(from)?);
            if entry.file_type().is_dir() {
                fs::create_dir_all(&target)
                    .with_context(|| format!("making {}", target.display()))?;
                continue;
            }
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)
                    .with_context(|| format!("making {}", parent.display()))?;
            }
            fs::copy(entry.path(), &target)
                .with_context(|| format!("copying {}", entry.path().display()))?;
            let changed = entry.metadata()?.modified()?;
            File::open(&target)?.set_modified(changed)?;
            files += 1;
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn crates(cache: &Path, target: &Path) -> Crates {
        Crates {
            slot: Cache::at(cache).slot("crates", &[b"lock"]),
            profile: target.to_path_buf(),
            ours: ["datamcp", "it", "apply_plan"].map(str::to_owned).into(),
        }
    }

    #[test]
    fn what_another_checkout_built_is_laid_with_its_times_and_nothing_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let files = [
            ".fingerprint/serde-aa/lib-serde",
            "build/aws-lc-sys-bb/out/lib.a",
            "deps/libserde-aa.rlib",
            "deps/libdatamcp-cc.rlib",
            "deps/apply_plan-dd.d",
            ".fingerprint/datamcp-cc/test-it",
            "deps/it-ee",
        ];
        let long_ago = SystemTime::now() - Duration::from_hours(48);
        for name in files {
            let path = first.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        }
        let cache = folder.path().join("cache");
        let (one, two) = (crates(&cache, &first), crates(&cache, &second));
        assert!(two.lay().unwrap().starts_with("no checkout"));
        one.keep().unwrap();
        assert!(two.lay().unwrap().starts_with("3 files"), "those that are not ours");
        for name in &files[..3] {
            let laid = second.join(name);
            assert_eq!(fs::read_to_string(&laid).unwrap(), *name);
            assert_eq!(fs::metadata(&laid).unwrap().modified().unwrap(), long_ago, "{name}");
        }
        assert_eq!(two.lay().unwrap(), "here already");
        assert_eq!(one.lay().unwrap(), "here already");
    }
}
