//! Definitions of resources that charts use and the lab has no controller for, out of the Go modules of their projects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::super::{Provided, origin, say};
use super::{KWOK, compiler};
use crate::cache::Cache;
use crate::child;
use crate::pins::{CrdPin, ModulePin, Pins};

/// What Go says of a module that it has fetched.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Fetched {
    dir: PathBuf,
    zip: PathBuf,
    sum: String,
}

/// A folder with the files, named as they are there.
pub(in crate::tools) fn provide(cache: &Cache, pins: &Pins) -> Provided {
    let words: Vec<&[u8]> = pins.crds.iter().flat_map(CrdPin::words).map(str::as_bytes).collect();
    let slot = cache.slot("crds", &words);
    let new = slot.fill(|folder| {
        // Any Go does: nothing is compiled.
        let go = compiler(cache, &KWOK)?;
        pins.crds.iter().try_for_each(|pin| fetch(&go, folder, pin))
    })?;
    let versions: Vec<&str> = pins.crds.iter().map(|pin| pin.version.as_str()).collect();
    Ok((slot.folder().to_path_buf(), versions.join(" "), origin(new)))
}

/// The archive of a module, as Go has fetched and checked it, from Go's own cache where it lies there.
pub(crate) fn archive(pin: &ModulePin, folder: &Path) -> Result<PathBuf> {
    let go = compiler(&Cache::of_user()?, &KWOK)?;
    Ok(fetched(&go, folder, (&pin.module, &pin.version, &pin.sum))?.zip)
}

fn fetched(
    go: &Path,
    folder: &Path,
    (module, version, sum): (&str, &str, &str),
) -> Result<Fetched> {
    let module = format!("{module}@{version}");
    let mut command = Command::new(go);
    command.current_dir(folder).env("GOWORK", "off").env("GOFLAGS", "-mod=mod");
    let text = child::capture(command.args(["mod", "download", "-json", &module]))?;
    let fetched: Fetched = serde_json::from_str(&text).context("reading what Go says of it")?;
    ensure!(fetched.sum == sum, "{module} has the checksum {}, not {sum}", fetched.sum);
    Ok(fetched)
}

fn fetch(go: &Path, folder: &Path, pin: &CrdPin) -> Result<()> {
    say(&format!("{}@{}: fetching definitions", pin.module, pin.version));
    let fetched = fetched(go, folder, (&pin.module, &pin.version, &pin.sum))?;
    for file in &pin.files {
        let from = fetched.dir.join(file);
        let name = from.file_name().context("a definition has a name")?;
        let bytes = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        fs::write(folder.join(name), bytes).with_context(|| format!("writing {file}"))?;
    }
    Ok(())
}
