//! What stand-ins and mappings are held against, made anew from the modules in which Google and Argo CD publish it; and that a
//! drift of each of the emulator's layers is seen.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Run;
use crate::child;
use crate::pins::{ModulePin, Pins};
use crate::tools::module_archive;

/// Program, module, more arguments, and the file that holds what it prints.
const MADE: [(&str, &str, &[&str], &str); 4] = [
    ("google_apis.py", "google.golang.org/api", &["clusters"], "python/additions/google.json"),
    (
        "google_apis.py",
        "google.golang.org/api",
        &["storage"],
        "python/additions/google_storage.json",
    ),
    (
        "google_apis.py",
        "google.golang.org/api",
        &["projects"],
        "python/additions/google_projects.json",
    ),
    ("argocd_api.py", "github.com/argoproj/argo-cd/v3", &[], "argocd.json"),
];

/// Makes each description from its module and compares.
pub(super) fn made_anew(run: &Run<'_>, python: &Path) -> Result<String> {
    let folder = run.logs.join("descriptions");
    fs::create_dir_all(&folder).context("making a folder for descriptions")?;
    let (pins, lab) = (Pins::read()?, run.checkout.top().join("tests/lab"));
    let mut said = Vec::new();
    for (program, module, arguments, file) in MADE {
        let pin: &ModulePin = pins
            .descriptions
            .iter()
            .find(|pin| pin.module == module)
            .with_context(|| format!("{module} is not pinned"))?;
        let archive = module_archive(pin, &folder)?;
        let mut command = Command::new(python);
        command.arg(lab.join("python").join(program)).arg(archive).arg(&pin.version);
        let made = child::capture(command.args(arguments))?;
        let there =
            fs::read_to_string(lab.join(file)).with_context(|| format!("reading {file}"))?;
        ensure!(made.trim() == there.trim(), "{file} is not what {program} makes of {module}");
        said.push(format!("{file} of {}", pin.version));
    }
    Ok(said.join(", "))
}

/// Asks every layer of an emulator of its own, and has each answer drift.
pub(super) fn drifts_are_seen(run: &Run<'_>, python: &Path) -> Result<String> {
    let script = run.checkout.top().join("tests/lab/python/drifting.py");
    let said = child::capture(without_traces(python).arg(script))?;
    Ok(said.lines().last().unwrap_or_default().to_owned())
}

/// A Python that leaves nothing behind in the checkout.
pub(super) fn without_traces(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
