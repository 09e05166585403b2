//! Helm: from PATH where it is new enough, else built from its Go module.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Origin, Provided, golang, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::{HelmPin, Pins, numbers};

pub(super) fn provide(cache: &Cache, pins: &Pins) -> Provided {
    if let Some(path) = child::on_path("helm") {
        let version = version(&path)?;
        if pins.helm.accepts(&version) {
            return Ok((path, version, Origin::Machine));
        }
        let HelmPin { minimum_3, minimum_4 } = &pins.helm;
        say(&format!("helm on PATH is {version}, needed is {minimum_4}, or {minimum_3} of helm 3"));
    }
    golang::provide(cache, &golang::HELM)
}

/// The version that a helm binary reports.
fn version(path: &Path) -> Result<String> {
    let text = child::capture(
        Command::new(path)
            .args(["version", "--template", "{{.Version}}"])
            .env("HELM_NO_PLUGINS", "1"),
    )?;
    Ok(text.trim().trim_start_matches('v').to_owned())
}

impl HelmPin {
    /// Whether a helm of this version is taken from PATH: each line has its own oldest sound version.
    fn accepts(&self, version: &str) -> bool {
        let found = numbers(version);
        let minimum = if found.first() == Some(&3) { &self.minimum_3 } else { &self.minimum_4 };
        found >= numbers(minimum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_helm_has_its_own_minimum() {
        let pin = Pins::read().unwrap().helm;
        for good in ["4.1.4", "v4.3", "5.0.0", "3.20.2", "3.22.0+g1234567"] {
            assert!(pin.accepts(good), "{good}");
        }
        for bad in ["4.1.3", "4.0.5", "3.20.1", "2.17.0", ""] {
            assert!(!pin.accepts(bad), "{bad}");
        }
    }
}
