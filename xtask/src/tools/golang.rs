//! Tools built from Go modules, each by a small module of ours that pins the whole graph.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Provided, origin, python, say};
use crate::cache::{Cache, Slot};
use crate::child;
use crate::pins::{numbers, platform};

/// The same for every tool, or Go's build cache is not shared.
const FLAGS: [&str; 3] = ["-trimpath", "-ldflags", "-s -w"];

/// A tool and the module that pins it.
#[derive(Debug)]
pub(super) struct Module {
    name: &'static str,
    /// The path of the module that carries the version.
    path: &'static str,
    /// The package that is the program.
    package: &'static str,
    go_mod: &'static str,
    go_sum: &'static str,
    about: &'static str,
}

pub(super) const TFLINT: Module = Module {
    name: "tflint",
    path: "github.com/terraform-linters/tflint",
    package: "github.com/terraform-linters/tflint",
    go_mod: include_str!("../../../tests/lab/tflint/go.mod"),
    go_sum: include_str!("../../../tests/lab/tflint/go.sum"),
    about: "about 2 min",
};
pub(super) const ACTIONLINT: Module = Module {
    name: "actionlint",
    path: "github.com/rhysd/actionlint",
    package: "github.com/rhysd/actionlint/cmd/actionlint",
    go_mod: include_str!("../../../tests/lab/actionlint/go.mod"),
    go_sum: include_str!("../../../tests/lab/actionlint/go.sum"),
    about: "about 20 s",
};
pub(super) const HELM: Module = Module {
    name: "helm",
    path: "helm.sh/helm/v4",
    package: "helm.sh/helm/v4/cmd/helm",
    go_mod: include_str!("../../../tests/lab/helm/go.mod"),
    go_sum: include_str!("../../../tests/lab/helm/go.sum"),
    about: "about 3 min",
};
pub(super) const TOFU: Module = Module {
    name: "tofu",
    path: "github.com/opentofu/opentofu",
    package: "github.com/opentofu/opentofu/cmd/tofu",
    go_mod: include_str!("../../../tests/lab/tofu/go.mod"),
    go_sum: include_str!("../../../tests/lab/tofu/go.sum"),
    about: "about 5 min",
};

pub(super) const FAKE_GCS: Module = Module {
    name: "fake-gcs-server",
    path: "github.com/fsouza/fake-gcs-server",
    package: "github.com/fsouza/fake-gcs-server",
    go_mod: include_str!("../../../tests/lab/fakegcs/go.mod"),
    go_sum: include_str!("../../../tests/lab/fakegcs/go.sum"),
    about: "about 1 min",
};

pub(super) fn provide(cache: &Cache, module: &Module) -> Provided {
    let version = module.version()?;
    let slot = module.slot(cache);
    let new = slot.fill(|folder| {
        let go = compiler(cache, module)?;
        say(&format!("{} {version}: building with go ({})", module.name, module.about));
        let source = folder.join("source");
        fs::create_dir_all(&source).context("making the module's folder")?;
        fs::write(source.join("go.mod"), module.go_mod).context("writing go.mod")?;
        fs::write(source.join("go.sum"), module.go_sum).context("writing go.sum")?;
        child::run(
            Command::new(go)
                .current_dir(&source)
                .arg("build")
                .args(FLAGS)
                .arg("-o")
                .arg(folder.join("bin").join(module.name))
                .arg(module.package)
                .env("CGO_ENABLED", "0")
                .env("GOWORK", "off")
                .env("GOFLAGS", "-mod=readonly"),
            &folder.join("build.log"),
        )
    })?;
    Ok((slot.folder().join("bin").join(module.name), version, origin(new)))
}

/// The Go of PATH where it is new enough for the module, else the one from the package index.
fn compiler(cache: &Cache, module: &Module) -> Result<PathBuf> {
    let wanted = module.language()?;
    if let Some(go) = child::on_path("go") {
        let version = child::capture(Command::new(&go).args(["env", "GOVERSION"]))?;
        if numbers(version.trim()) >= numbers(wanted) {
            return Ok(go);
        }
        say(&format!("go on PATH is {}, {} wants {wanted}", version.trim(), module.name));
    }
    let (go, _, _) = python::provide(cache, &python::GO)?;
    Ok(go)
}

impl Module {
    /// Whether the tool lies in the cache already.
    pub(super) fn is_cached(&self, cache: &Cache) -> bool {
        self.slot(cache).is_filled()
    }

    fn slot(&self, cache: &Cache) -> Slot {
        cache.slot(
            self.name,
            &[
                self.go_mod.as_bytes(),
                self.go_sum.as_bytes(),
                FLAGS.join(" ").as_bytes(),
                platform().as_bytes(),
            ],
        )
    }

    /// The tool's version, as go.mod requires it.
    fn version(&self) -> Result<String> {
        let wanted = format!("{} v", self.path);
        let version = self
            .go_mod
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("require ").strip_prefix(&wanted))
            .find_map(|rest| rest.split_whitespace().next());
        match version {
            Some(version) => Ok(version.to_owned()),
            None => bail!("go.mod of {} does not require {}", self.name, self.path),
        }
    }

    /// The language version that go.mod wants.
    fn language(&self) -> Result<&'static str> {
        let line = self.go_mod.lines().find_map(|line| line.strip_prefix("go "));
        line.with_context(|| format!("go.mod of {} names no Go version", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pins::Pins;

    #[test]
    fn every_module_names_its_version() {
        for module in [TFLINT, ACTIONLINT, HELM, TOFU, FAKE_GCS] {
            assert!(numbers(&module.version().unwrap()).len() == 3);
            assert!(numbers(module.language().unwrap()).len() >= 2);
            assert!(module.go_mod.contains(&format!("tool {}", module.package)), "{}", module.name);
        }
    }

    #[test]
    fn tofu_is_the_pinned_one() {
        assert_eq!(TOFU.version().unwrap(), Pins::read().unwrap().tofu.version);
    }
}
