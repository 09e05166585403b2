//! The user's kubeconfig files, and clusters that are known by one. A file is read, merged in memory and replaced as a whole, under the lock that kubectl
//! takes too (client-go, "loader.go": a file `PATH.lock` that is made anew); links are not followed.
#![expect(
    clippy::disallowed_methods,
    reason = "this adapter is the door to the user's kubeconfig files"
)]

mod lines;
mod merge;
mod reach;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::clock::fresh_uuid;
use crate::error::{Error, Result};
use crate::model::{Cluster, ContextEntry, KubeconfigPlaces, Merged, PodAccount};
use crate::port::{ClusterFacts, ClusterUser, Kubeconfigs};

/// Longest kubeconfig that is read, in bytes.
const MAX: u64 = 4 * 1024 * 1024;
/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kubeconfig files on this machine.
#[derive(Debug)]
pub struct KubeconfigFiles {
    /// Where they may lie.
    pub places: KubeconfigPlaces,
    /// The program that makes tokens.
    pub program: PathBuf,
    /// The account of the pod that we run in.
    pub pod: Option<PodAccount>,
}

#[async_trait]
impl Kubeconfigs for KubeconfigFiles {
    fn places(&self) -> KubeconfigPlaces {
        self.places.clone()
    }

    async fn put(&self, path: &Path, entry: &ContextEntry, set_current: bool) -> Result<Merged> {
        let (path, entry) = (path.to_path_buf(), entry.clone());
        let program = self.program.display().to_string();
        tokio::task::spawn_blocking(move || put(&path, &program, &entry, set_current))
            .await
            .map_err(|e| Error::internal("writing a kubeconfig", e))?
    }

    async fn reach(&self, cluster: &Cluster) -> Result<(ClusterFacts, ClusterUser)> {
        let (cluster, pod) = (cluster.clone(), self.pod.clone());
        tokio::task::spawn_blocking(move || reach::reach(&cluster, pod.as_ref()))
            .await
            .map_err(|e| Error::internal("reading a kubeconfig", e))?
    }
}

fn put(path: &Path, program: &str, entry: &ContextEntry, set_current: bool) -> Result<Merged> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    regular(path)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| refused(path, format!("its folder cannot be made: {e}")))?;
    let _lock = Lock::take(path)?;
    let before = read(path)?;
    let merged = merge::merge(before.as_deref().unwrap_or(""), program, entry, set_current)
        .map_err(|bad| bad.error(path))?;
    let changed = before.as_deref() != Some(merged.text.as_str());
    if changed {
        replace(path, merged.text.as_bytes())?;
    }
    Ok(Merged { changed, comments_lost: changed && merged.comments_lost })
}

fn refused(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::invalid("path", path.to_string_lossy(), format!("cannot be used as a kubeconfig: {why}"))
        .allowed("a kubeconfig that you may write to, or a file that is not there yet")
}

/// A file of one's own, or none: never a link, a folder, a pipe.
fn regular(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(refused(path, e)),
        Ok(about) if about.is_symlink() => {
            Err(refused(path, "it is a symbolic link").next("name the file that it leads to"))
        }
        Ok(about) if !about.is_file() => Err(refused(path, "it is not a file")),
        Ok(about) if about.permissions().readonly() => Err(refused(path, "it is read-only")),
        Ok(about) if about.len() > MAX => {
            Err(refused(path, format!("it is longer than {MAX} bytes")))
        }
        Ok(_) => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    // Between the look and this a link may have taken its place: it is not followed.
    regular(path)?;
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let opened = File::options().read(true).custom_flags(nofollow).open(path);
    let file = match opened {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| refused(path, e))?,
    };
    let mut text = String::new();
    file.take(MAX).read_to_string(&mut text).map_err(|e| refused(path, e))?;
    Ok(Some(text))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", fresh_uuid()));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, path));
    if let Err(cause) = written {
        // What is left of it is of no use; the file itself is as it was.
        std::fs::remove_file(&beside).ok();
        return Err(refused(path, cause));
    }
    Ok(())
}

/// The lock of one kubeconfig, given back when it is dropped.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let begun = Instant::now();
        loop {
            match File::options().write(true).create_new(true).mode(0o600).open(&lock) {
                Ok(_) => return Ok(Self(lock)),
                Err(e) if e.kind() == ErrorKind::AlreadyExists && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    let why = format!("{} is there: another program writes to it", lock.display());
                    return Err(refused(path, why).next(format!(
                        "call again; if no program works on it any more, a person removes {}",
                        lock.display()
                    )));
                }
                Err(e) => return Err(refused(path, e)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody else removes it; one that stays is told to the next who comes.
        std::fs::remove_file(&self.0).ok();
    }
}
