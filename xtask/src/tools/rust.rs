//! Programs that are built with `cargo install`, each with the lock file that its crate ships.

use anyhow::Context;

use super::{Provided, cargo, origin, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::platform;

pub(super) fn provide(cache: &Cache, name: &str, version: &str) -> Provided {
    let slot = cache.slot(name, &[version.as_bytes(), platform().as_bytes()]);
    let new = slot.fill(|folder| {
        say(&format!("{name} {version}: building with cargo (about 5 min)"));
        let target = folder.join("target");
        child::run(
            cargo()
                .args(["install", "--locked", "--quiet", "--root"])
                .arg(folder)
                .arg("--target-dir")
                .arg(&target)
                .arg(format!("{name}@{version}")),
            &folder.join("build.log"),
        )?;
        std::fs::remove_dir_all(target).context("removing what the build left")
    })?;
    Ok((slot.folder().join("bin").join(name), version.to_owned(), origin(new)))
}
