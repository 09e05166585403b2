//! Programs that are built with cargo: published ones with the lock file that their crate ships, one of our own with that beside it.

use std::fs;

use anyhow::{Context, Result};

use super::{Provided, cargo, origin, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::platform;

/// How a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Build {
    /// To be measured against.
    Optimized,
    /// For a check that takes seconds either way: the optimizer would take minutes.
    Plain,
}

pub(super) fn provide(cache: &Cache, name: &str, version: &str, build: Build) -> Provided {
    let platform = platform();
    let mut parts = vec![version.as_bytes(), platform.as_bytes()];
    let minutes = match build {
        Build::Optimized => 5,
        Build::Plain => {
            parts.push(b"plain");
            1
        }
    };
    let slot = cache.slot(name, &parts);
    let new = slot.fill(|folder| {
        say(&format!("{name} {version}: building with cargo (about {minutes} min)"));
        let target = folder.join("target");
        let mut command = cargo();
        command.args(["install", "--locked", "--quiet", "--root"]).arg(folder);
        command.arg("--target-dir").arg(&target);
        if build == Build::Plain {
            command.args(["--debug", "--config", "profile.dev.debug=false"]);
        }
        command.arg(format!("{name}@{version}"));
        child::run(&mut command, &folder.join("build.log"))?;
        fs::remove_dir_all(target).context("removing what the build left")
    })?;
    Ok((slot.folder().join("bin").join(name), version.to_owned(), origin(new)))
}

/// A package of our own, which puts published crates together.
#[derive(Debug)]
pub(super) struct Package {
    name: &'static str,
    /// The crate that it is about: its version is told.
    about: &'static str,
    manifest: &'static str,
    lock: &'static str,
    main: &'static str,
}

pub(super) const KUBE_CLIENT: Package = Package {
    name: "kube-client",
    about: "kube",
    manifest: include_str!("../../../tests/lab/kube-client/Cargo.toml"),
    lock: include_str!("../../../tests/lab/kube-client/Cargo.lock"),
    main: include_str!("../../../tests/lab/kube-client/src/main.rs"),
};

pub(super) fn build(cache: &Cache, package: &Package) -> Provided {
    let version = package.version()?;
    let parts = [package.manifest, package.lock, package.main];
    let mut parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let platform = platform();
    parts.push(platform.as_bytes());
    let slot = cache.slot(package.name, &parts);
    let new = slot.fill(|folder| {
        say(&format!("{} {version}: building with cargo (about 1 min)", package.about));
        let (source, target) = (folder.join("source"), folder.join("target"));
        fs::create_dir_all(source.join("src")).context("laying a package")?;
        for (name, text) in [
            ("Cargo.toml", package.manifest),
            ("Cargo.lock", package.lock),
            ("src/main.rs", package.main),
        ] {
            fs::write(source.join(name), text).context("laying a package")?;
        }
        child::run(
            cargo()
                .args(["install", "--locked", "--quiet", "--root"])
                .arg(folder)
                .arg("--target-dir")
                .arg(&target)
                .arg("--path")
                .arg(&source),
            &folder.join("build.log"),
        )?;
        fs::remove_dir_all(target).context("removing what the build left")
    })?;
    Ok((slot.folder().join("bin").join(package.name), version, origin(new)))
}

impl Package {
    /// What the lock file pins.
    fn version(&self) -> Result<String> {
        let entry = format!("name = \"{}\"\nversion = \"", self.about);
        let (_, rest) = self.lock.split_once(&entry).context("the lock file lacks its crate")?;
        let (version, _) = rest.split_once('"').context("the lock file is cut")?;
        Ok(version.to_owned())
    }
}
