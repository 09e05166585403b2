//! A mirror with the pinned Terraform providers: found on this machine, else filled from the registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Origin, Provided, Tool, origin, say};
use crate::cache::{Cache, home};
use crate::child;
use crate::pins::{Pins, ProviderPin, platform};

/// The folder that makes a folder a mirror.
const HOST: &str = "registry.terraform.io";

pub(super) fn provide(cache: &Cache, pins: &Pins) -> Provided {
    let platform = platform();
    let names: Vec<String> =
        pins.provider.iter().map(|pin| format!("{}@{}", pin.source, pin.version)).collect();
    let version =
        pins.provider.iter().map(|pin| pin.version.as_str()).collect::<Vec<_>>().join(" ");
    let complete = |mirror: &PathBuf| pins.provider.iter().all(|pin| holds(mirror, pin, &platform));
    if let Some(mirror) = candidates()?.into_iter().find(complete) {
        return Ok((mirror, version, Origin::Machine));
    }
    let slot = cache.slot("providers", &[names.join("\n").as_bytes(), platform.as_bytes()]);
    let new = slot.fill(|folder| {
        let terraform = Tool::Terraform.provide()?.path;
        say(&format!("{}: downloading from the registry (about 150 MB each)", names.join(", ")));
        let work = tempfile::tempdir().context("making a work folder")?;
        fs::write(work.path().join("main.tf"), requirements(&pins.provider))
            .context("writing the provider requirements")?;
        child::run(
            Command::new(terraform)
                .current_dir(work.path())
                .args(["providers", "mirror", &format!("-platform={platform}")])
                .arg(folder)
                .env("CHECKPOINT_DISABLE", "1"),
            &folder.join("mirror.log"),
        )
    })?;
    Ok((slot.folder().to_path_buf(), version, origin(new)))
}

/// Folders that may be a mirror: one level below the usual roots, and Terraform's implied mirrors.
fn candidates() -> Result<Vec<PathBuf>> {
    let home = home()?;
    let data = match std::env::var_os("XDG_DATA_HOME").map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => folder,
        _ => home.join(".local/share"),
    };
    let mut folders = vec![
        home.join(".terraform.d/plugins"),
        home.join("Library/Application Support/io.terraform/plugins"),
        data.join("terraform/plugins"),
        PathBuf::from("/usr/local/share/terraform/plugins"),
        PathBuf::from("/usr/share/terraform/plugins"),
    ];
    folders.extend(std::env::var_os("TF_PLUGIN_CACHE_DIR").map(PathBuf::from));
    let roots = ["/opt", "/usr/local", "/usr/local/share", "/usr/share", "/usr/lib"];
    for root in roots.iter().map(PathBuf::from).chain([home]) {
        let Ok(entries) = fs::read_dir(&root) else {
            continue;
        };
        let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        below.sort();
        folders.extend(below);
    }
    folders.retain(|folder| folder.join(HOST).is_dir());
    Ok(folders)
}

/// Whether a mirror has this provider for this platform, unpacked or packed.
fn holds(mirror: &Path, pin: &ProviderPin, platform: &str) -> bool {
    let folder = mirror.join(&pin.source);
    let unpacked = folder.join(&pin.version).join(platform);
    let kind = pin.source.rsplit('/').next().unwrap_or_default();
    let packed = folder.join(format!("terraform-provider-{kind}_{}_{platform}.zip", pin.version));
    let filled = fs::read_dir(unpacked).is_ok_and(|mut files| files.next().is_some());
    filled || packed.is_file()
}

fn requirements(pins: &[ProviderPin]) -> String {
    let blocks: Vec<String> = pins
        .iter()
        .enumerate()
        .map(|(number, pin)| {
            let (source, version) = (&pin.source, &pin.version);
            format!("    p{number} = {{ source = {source:?}, version = {version:?} }}\n")
        })
        .collect();
    format!("terraform {{\n  required_providers {{\n{}  }}\n}}\n", blocks.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws() -> ProviderPin {
        ProviderPin { source: format!("{HOST}/hashicorp/aws"), version: "5.100.0".to_owned() }
    }

    #[test]
    fn a_mirror_counts_for_exactly_this_version_and_platform() {
        let mirror = tempfile::tempdir().unwrap();
        let provider = mirror.path().join(HOST).join("hashicorp/aws");
        fs::create_dir_all(provider.join("5.100.0/linux_amd64")).unwrap();
        assert!(!holds(mirror.path(), &aws(), "linux_amd64"), "an empty folder");
        fs::write(provider.join("5.100.0/linux_amd64/terraform-provider-aws"), "").unwrap();
        assert!(holds(mirror.path(), &aws(), "linux_amd64"));
        assert!(!holds(mirror.path(), &aws(), "darwin_arm64"));
        fs::write(provider.join("terraform-provider-aws_5.100.0_darwin_arm64.zip"), "").unwrap();
        assert!(holds(mirror.path(), &aws(), "darwin_arm64"));
    }
}
