//! Tools built from Go modules, each by a small module of ours that pins the whole graph.
//!
//! Most modules only name a published program as their tool; some hold a program of our own, which puts
//! published parts together. One is built at a time: the compiler alone fills the machine.

mod cluster;
mod google;
pub(super) mod manifests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

pub(super) use self::cluster::{
    ARGOLAB, ARGOLAB_EXTRAS, KUBELAB, KUBELAB_EXTRAS, KWOK, KWOK_EXTRAS, REGISTRY, REGISTRY_EXTRAS,
};
pub(super) use self::google::{GOOGLE_PROVIDER, GOOGLE_PROVIDER_EXTRAS};
use super::{Provided, origin, python, say};
use crate::cache::{Cache, Slot, hold};
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

/// What a module has beside its pins.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// The program, where it is our own.
    main_go: &'static str,
    /// More files of it, by name.
    files: &'static [(&'static str, &'static str)],
    /// Variables set when it is linked: `-X NAME=VALUE …`. They do not part the build cache.
    variables: &'static str,
    /// Files of the module that carries the version, wanted beside the program in `share/`.
    share: &'static [&'static str],
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
pub(super) const HELM_3: Module = Module {
    name: "helm3",
    path: "helm.sh/helm/v3",
    package: "helm.sh/helm/v3/cmd/helm",
    go_mod: include_str!("../../../tests/lab/helm3/go.mod"),
    go_sum: include_str!("../../../tests/lab/helm3/go.sum"),
    about: "about 3 min",
};
/// Built from its module it says the line it belongs to, not the patch that it is: older ones are refused.
pub(super) const HELM_3_EXTRAS: Extras = Extras {
    main_go: "",
    files: &[],
    variables: "-X helm.sh/helm/v3/internal/version.version=v3.20.2",
    share: &[],
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
    provide_with(cache, module, &Extras::default())
}

pub(super) fn provide_with(cache: &Cache, module: &Module, extras: &Extras) -> Provided {
    let version = module.version()?;
    let slot = module.slot(cache, extras);
    let new = slot.fill(|folder| {
        let go = compiler(cache, module)?;
        // Held while it builds; taken behind the slot's own lock, never before it.
        let _alone = hold(&cache.root().join("locks").join("go-build.lock"), module.name)?;
        say(&format!("{} {version}: building with go ({})", module.name, module.about));
        let started = Instant::now();
        module.build(&go, folder, extras)?;
        extras.copy(&go, folder, module)?;
        say(&format!(
            "{} {version}: built in {:.0} s",
            module.name,
            started.elapsed().as_secs_f64()
        ));
        Ok(())
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
        self.slot(cache, &Extras::default()).is_filled()
    }

    fn slot(&self, cache: &Cache, extras: &Extras) -> Slot {
        let (flags, platform) = (FLAGS.join(" "), platform());
        let files = extras.files.iter().flat_map(|(name, text)| [*name, *text]);
        let mut ingredients: Vec<&[u8]> = vec![
            self.go_mod.as_bytes(),
            self.go_sum.as_bytes(),
            flags.as_bytes(),
            platform.as_bytes(),
        ];
        for extra in [extras.main_go, extras.variables].iter().chain(extras.share) {
            if !extra.is_empty() {
                ingredients.push(extra.as_bytes());
            }
        }
        ingredients.extend(files.map(str::as_bytes));
        cache.slot(self.name, &ingredients)
    }

    fn build(&self, go: &Path, folder: &Path, extras: &Extras) -> Result<()> {
        let source = folder.join("source");
        fs::create_dir_all(&source).context("making the module's folder")?;
        fs::write(source.join("go.mod"), self.go_mod).context("writing go.mod")?;
        fs::write(source.join("go.sum"), self.go_sum).context("writing go.sum")?;
        if !extras.main_go.is_empty() {
            fs::write(source.join("main.go"), extras.main_go).context("writing main.go")?;
        }
        for (name, text) in extras.files {
            fs::write(source.join(name), text).with_context(|| format!("writing {name}"))?;
        }
        let [trim, link, strip] = FLAGS;
        child::run(
            in_module(go, &source)
                .args(["build", trim, link])
                .arg(format!("{strip} {}", extras.variables).trim_end())
                .arg("-o")
                .arg(folder.join("bin").join(self.name))
                .arg(self.package),
            &folder.join("build.log"),
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

impl Extras {
    /// Copies the wanted files out of the module as Go has fetched and checked it.
    fn copy(&self, go: &Path, folder: &Path, module: &Module) -> Result<()> {
        if self.share.is_empty() {
            return Ok(());
        }
        let list = ["list", "-m", "-f", "{{.Dir}}", module.path];
        let from = child::capture(in_module(go, &folder.join("source")).args(list))?;
        let to = folder.join("share");
        fs::create_dir_all(&to).context("making the folder of shared files")?;
        for file in self.share {
            let source = Path::new(from.trim()).join(file);
            let name = source.file_name().context("a shared file has a name")?;
            // Read and written, not copied: what Go keeps is read-only.
            let bytes =
                fs::read(&source).with_context(|| format!("reading {}", source.display()))?;
            fs::write(to.join(name), bytes).with_context(|| format!("writing {file}"))?;
        }
        Ok(())
    }
}

/// Go in a module's folder, with nothing around it that would change what is built.
fn in_module(go: &Path, source: &Path) -> Command {
    let mut command = Command::new(go);
    command
        .current_dir(source)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly");
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pins::Pins;

    #[test]
    fn every_module_names_its_version() {
        for module in [
            TFLINT,
            ACTIONLINT,
            HELM,
            KUBELAB,
            KWOK,
            ARGOLAB,
            TOFU,
            FAKE_GCS,
            HELM_3,
            REGISTRY,
            GOOGLE_PROVIDER,
        ] {
            assert!(numbers(&module.version().unwrap()).len() == 3);
            assert!(numbers(module.language().unwrap()).len() >= 2);
            let tool = format!("tool {}", module.package);
            assert!(module.package == "." || module.go_mod.contains(&tool), "{}", module.name);
        }
    }

    #[test]
    fn what_asks_its_version_of_the_linker_says_the_one_it_is_built_from() {
        let version = format!("gitVersion=v{}", KUBELAB.version().unwrap());
        assert!(KUBELAB_EXTRAS.variables.contains(&version));
        let version = format!("version.version=v{}", HELM_3.version().unwrap());
        assert!(HELM_3_EXTRAS.variables.contains(&version));
    }

    #[test]
    fn extras_make_another_tool() {
        let cache = Cache::at(Path::new("/nowhere"));
        let place = |extras| KWOK.slot(&cache, &extras).folder().to_path_buf();
        assert_ne!(place(KWOK_EXTRAS), place(Extras::default()));
    }

    #[test]
    fn tofu_is_the_pinned_one() {
        assert_eq!(TOFU.version().unwrap(), Pins::read().unwrap().tofu.version);
    }
}
