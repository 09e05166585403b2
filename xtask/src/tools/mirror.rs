//! The lab's own mirror of Terraform providers: the pinned ones, as they were found, and the stand-in for the google
//! provider, which has the real one's schemas, version and place. The real one would ask Google, which a lab has not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Provided, Tool, golang, origin, provider, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::{Pins, ProviderPin, platform};

/// The lock file, in the mirror's folder, for a root module that uses the google provider and no other: the hash of the
/// stand-in is another one on every platform, and no hash of the real provider.
pub(crate) const GOOGLE_LOCK: &str = "google.lock.hcl";

pub(super) fn provide(cache: &Cache, pins: &Pins) -> Provided {
    let (found, version, _) = provider::provide(cache, pins)?;
    let (stand_in, _, _) =
        golang::provide_with(cache, &golang::GOOGLE_PROVIDER, &golang::GOOGLE_PROVIDER_EXTRAS)?;
    let platform = platform();
    let google = &pins.google_provider;
    let names = format!("{version} {}@{}", google.source, google.version);
    let (here, there) = (found.display().to_string(), stand_in.display().to_string());
    let parts = [names.as_str(), &platform, &here, &there];
    let slot = cache.slot("mirror", &parts.map(str::as_bytes));
    let new = slot.fill(|folder| {
        for pin in &pins.provider {
            link(&found, folder, pin, &platform)?;
        }
        let place = folder.join(&google.source).join(&google.version).join(&platform);
        fs::create_dir_all(&place).context("making the folder of the google provider")?;
        let name = format!("terraform-provider-google_v{}_x5", google.version);
        fs::copy(&stand_in, place.join(name)).context("copying the google provider")?;
        lock(folder, google)
    })?;
    Ok((slot.folder().to_path_buf(), format!("{version} {}", google.version), origin(new)))
}

/// A provider of another mirror: its unpacked folder by a link, its archive as it is.
fn link(from: &Path, to: &Path, pin: &ProviderPin, platform: &str) -> Result<()> {
    let folder = to.join(&pin.source);
    let unpacked = from.join(&pin.source).join(&pin.version).join(platform);
    if unpacked.is_dir() {
        let place = folder.join(&pin.version);
        fs::create_dir_all(&place).context("making the folder of a provider")?;
        return symlink(&unpacked, place.join(platform))
            .with_context(|| format!("linking {}", unpacked.display()));
    }
    let kind = pin.source.rsplit('/').next().unwrap_or_default();
    let archive = format!("terraform-provider-{kind}_{}_{platform}.zip", pin.version);
    fs::create_dir_all(&folder).context("making the folder of a provider")?;
    fs::copy(from.join(&pin.source).join(&archive), folder.join(&archive))
        .map(drop)
        .with_context(|| format!("copying {archive}"))
}

/// Lets terraform write the lock file.
fn lock(mirror: &Path, google: &ProviderPin) -> Result<()> {
    let terraform = Tool::Terraform.provide()?.path;
    let work = tempfile::tempdir().context("making a work folder")?;
    let at = |name: &str| -> PathBuf { work.path().join(name) };
    say("google provider: writing the lab's lock file");
    // The constraint of infra/gcp: the lock file keeps it.
    let line = google.version.rsplit_once('.').map_or(google.version.as_str(), |(line, _)| line);
    let module = format!(
        "terraform {{\n  required_providers {{\n    google = {{ source = {:?}, version = \"~> {line}\" }}\n  }}\n}}\n",
        google.source
    );
    fs::write(at("main.tf"), module).context("writing a root module")?;
    crate::lab::write_cli_config(&at("terraform.rc"), mirror)?;
    let mut command = Command::new(terraform);
    command
        .current_dir(work.path())
        .args(["init", "-backend=false", "-input=false", "-no-color"])
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", at("terraform.rc"));
    child::run(&mut command, &mirror.join("lock.log"))?;
    fs::copy(at(".terraform.lock.hcl"), mirror.join(GOOGLE_LOCK))
        .map(drop)
        .context("keeping the lock file")
}
