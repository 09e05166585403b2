//! The Terraform binary: from PATH, else the vendor's archive, else `OpenTofu` built from its Go module.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Origin, Provided, golang, origin, python, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::{Pins, TerraformPin, numbers, platform};

pub(super) fn provide(cache: &Cache, pins: &Pins) -> Provided {
    if let Some(path) = child::on_path("terraform") {
        let version = version(&path)?;
        if numbers(&version) >= numbers(&pins.terraform.minimum) {
            return Ok((path, version, Origin::Machine));
        }
        say(&format!("terraform on PATH is {version}, needed is {}", pins.terraform.minimum));
    }
    if !golang::TOFU.is_cached(cache) {
        match downloaded(cache, &pins.terraform) {
            Ok((path, new)) => return Ok((path, pins.terraform.version.clone(), origin(new))),
            Err(error) => say(&format!("no terraform from its vendor: {error:#}")),
        }
    }
    golang::provide(cache, &golang::TOFU)
}

/// The version that a terraform or tofu binary reports.
fn version(path: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Report {
        terraform_version: String,
    }
    let text = child::capture(
        Command::new(path)
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE"),
    )?;
    let report: Report = serde_json::from_str(&text)
        .with_context(|| format!("reading the version of {}", path.display()))?;
    Ok(report.terraform_version)
}

fn downloaded(cache: &Cache, pin: &TerraformPin) -> Result<(PathBuf, bool)> {
    let platform = platform();
    let sum = pin
        .sha256
        .get(&platform)
        .with_context(|| format!("no checksum is pinned for {platform}"))?;
    let slot = cache.slot("terraform", &[pin.version.as_bytes(), sum.as_bytes()]);
    let new = slot.fill(|folder| {
        let archive = folder.join("terraform.zip");
        let version = &pin.version;
        let url = format!(
            "https://releases.hashicorp.com/terraform/{version}/terraform_{version}_{platform}.zip"
        );
        say(&format!("terraform {version}: downloading the vendor's archive"));
        child::capture(
            Command::new("curl")
                .args(["--fail", "--silent", "--show-error", "--location", "--retry", "2"])
                .args(["--connect-timeout", "20", "--max-time", "600", "--output"])
                .arg(&archive)
                .arg(&url),
        )?;
        let got = hex::encode(Sha256::digest(fs::read(&archive).context("reading the archive")?));
        if got != *sum {
            bail!("checksum of {url}: expected {sum}, got {got}");
        }
        let program = folder.join("bin/terraform");
        let unpack = ["-m", "zipfile", "-e"];
        child::capture(
            Command::new(python::interpreter()?.path)
                .args(unpack)
                .arg(&archive)
                .arg(folder.join("bin")),
        )?;
        fs::set_permissions(&program, Permissions::from_mode(0o755))
            .context("making terraform executable")?;
        fs::remove_file(&archive).context("removing the archive")
    })?;
    Ok((slot.folder().join("bin/terraform"), new))
}
