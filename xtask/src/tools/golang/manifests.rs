//! Definitions of resources that charts use and the lab has no controller for, out of the Go modules of their projects.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::super::{Provided, origin, say};
use super::{KWOK, compiler};
use crate::cache::Cache;
use crate::child;
use crate::pins::{CrdPin, Pins};

/// What Go says of a module that it has fetched.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Fetched {
    dir: String,
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

fn fetch(go: &Path, folder: &Path, pin: &CrdPin) -> Result<()> {
    let module = format!("{}@{}", pin.module, pin.version);
    say(&format!("{module}: fetching definitions"));
    let mut command = Command::new(go);
    command.current_dir(folder).env("GOWORK", "off").env("GOFLAGS", "-mod=mod");
    let text = child::capture(command.args(["mod", "download", "-json", &module]))?;
    let fetched: Fetched = serde_json::from_str(&text).context("reading what Go says of it")?;
    ensure!(fetched.sum == pin.sum, "{module} has the checksum {}, not {}", fetched.sum, pin.sum);
    for file in &pin.files {
        let from = Path::new(&fetched.dir).join(file);
        let name = from.file_name().context("a definition has a name")?;
        let bytes = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        fs::write(folder.join(name), bytes).with_context(|| format!("writing {file}"))?;
    }
    Ok(())
}
