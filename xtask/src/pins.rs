//! The pinned versions and checksums of `tests/lab/pins.toml`, carried in the program.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// The text of `tests/lab/pins.toml`.
const TEXT: &str = include_str!("../../tests/lab/pins.toml");

/// What the lab and the test lanes run, by version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// The Terraform binary.
    pub terraform: TerraformPin,
    /// `OpenTofu`, where no Terraform is to be had.
    pub tofu: VersionPin,
    /// Helm.
    pub helm: HelmPin,
    /// The providers that must lie in the mirror.
    pub provider: Vec<ProviderPin>,
    /// The provider that the lab has a stand-in for.
    pub google_provider: ProviderPin,
    /// cargo-deny.
    pub cargo_deny: VersionPin,
    /// Definitions of resources of Kubernetes.
    pub crds: Vec<CrdPin>,
    /// Modules with descriptions of APIs.
    pub descriptions: Vec<ModulePin>,
    /// WireMock.
    pub wiremock: ArchivePin,
    /// tfmcp, for the bench.
    pub tfmcp: VersionPin,
}

/// One Terraform release.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerraformPin {
    /// The oldest version that is taken from PATH.
    pub minimum: String,
    /// The version that is downloaded.
    pub version: String,
    /// SHA-256 of the archive, by platform.
    pub sha256: BTreeMap<String, String>,
}

/// The Helm that is taken from PATH; what is built instead stands in `tests/lab/helm/go.mod`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelmPin {
    /// The oldest Helm 3.
    pub minimum_3: String,
    /// The oldest Helm 4.
    pub minimum_4: String,
}

/// A version and nothing else.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionPin {
    /// The version.
    pub version: String,
}

/// One archive for every platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivePin {
    /// The version.
    pub version: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// Files of a Go module that define resources of Kubernetes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrdPin {
    /// Path of the module.
    pub module: String,
    /// Its version.
    pub version: String,
    /// Its checksum, as `go.sum` has it.
    pub sum: String,
    /// The files.
    pub files: Vec<String>,
}

/// A Go module of which some files are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModulePin {
    /// Its path.
    pub module: String,
    /// Its version.
    pub version: String,
    /// Its checksum, as `go.sum` has it.
    pub sum: String,
}

impl CrdPin {
    /// All that makes the files what they are.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().map(String::as_str);
        [self.module.as_str(), self.version.as_str(), self.sum.as_str()].into_iter().chain(files)
    }
}

/// One Terraform provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderPin {
    /// Host, namespace and type, as in a mirror's folders.
    pub source: String,
    /// The version.
    pub version: String,
}

impl Pins {
    /// Reads the pins.
    pub fn read() -> Result<Self> {
        toml::from_str(TEXT).context("reading tests/lab/pins.toml")
    }
}

/// This machine as Terraform and Go name it, such as `linux_amd64`.
pub fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{machine}")
}

/// The numbers of a version, for comparing: `v1.12.6-rc1` is `[1, 12, 6]`.
pub fn numbers(version: &str) -> Vec<u32> {
    version
        .trim_start_matches(['v', 'g', 'o'])
        .split(['-', '+'])
        .next()
        .unwrap_or_default()
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pins_are_complete() {
        let pins = Pins::read().unwrap();
        assert!(numbers(&pins.terraform.version) >= numbers(&pins.terraform.minimum));
        assert!(pins.terraform.sha256.values().all(|sum| sum.len() == 64));
        assert!(!pins.provider.is_empty());
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("v1.11.4") > numbers("1.9.8"));
        assert!(numbers("go1.26.8") > numbers("1.26.3"));
        assert_eq!(numbers("1.12.0-rc1"), [1, 12, 0]);
    }
}
