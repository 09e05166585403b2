//! Finds helm and asks its version, once; refuses versions with known ways out of a chart's folder.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};

/// The first of each line in which a chart named `.` or `..` cannot write outside of its folder.
const LEAST: [(u64, u64, u64); 2] = [(3, 20, 2), (4, 1, 4)];
const NEED: &str = "helm 4.1.4 or later, or helm 3.20.2 or later of the third line";
const LIMIT: Duration = Duration::from_mins(1);

/// Binary and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its version as it says it, without the `v`.
    version: String,
    /// The line that it belongs to.
    pub(super) line: Line,
}

/// The lines differ in flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Helm 3.
    Three,
    /// Helm 4.
    Four,
}

#[cfg(test)]
impl Tool {
    /// A program that stands in for helm 4.
    pub(super) fn of_test(path: &str) -> Self {
        Self { path: path.into(), version: "4.3.1".into(), line: Line::Four }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "helm {}", self.version)
    }
}

/// The configured binary, or the first of the search path.
pub(super) fn find(configured: Option<&Path>, search: &[PathBuf]) -> Result<PathBuf> {
    if let Some(path) = configured {
        return if is_program(path) {
            Ok(path.to_owned())
        } else {
            Err(missing(&format!("{} is not a program", path.display())))
        };
    }
    let mut places = search.iter().filter(|dir| dir.is_absolute()).map(|dir| dir.join("helm"));
    places.find(|path| is_program(path)).ok_or_else(|| {
        let searched: Vec<String> = search.iter().map(|d| d.display().to_string()).collect();
        missing(&format!("it is not in {}", searched.join(":"))).detail("searched", searched)
    })
}

/// Asks the binary for its version and refuses one that is too old.
pub(super) async fn probe(path: &Path) -> Result<Tool> {
    let end = Invocation::new(path, "/")
        .args(["version", "--template", "{{.Version}}"])
        .env([("HOME", "/nonexistent"), ("HELM_NO_PLUGINS", "1")])
        .output(Sink::Capture(64 * 1024), Sink::Capture(64 * 1024))
        .capture(LIMIT)
        .await?;
    told(path, &end.stdout.text())
}

/// What the binary said of its version.
fn told(path: &Path, said: &str) -> Result<Tool> {
    let version = said.trim().trim_start_matches('v').to_owned();
    let untold = || missing(&format!("{} does not tell its version", path.display()));
    let numbers = numbers(&version).ok_or_else(untold)?;
    let line = match numbers.0 {
        3 => Line::Three,
        4 => Line::Four,
        _ => return Err(missing(&format!("{} is helm {version}", path.display()))),
    };
    if LEAST.iter().any(|least| least.0 == numbers.0 && numbers < *least) {
        return Err(missing(&format!("{} is helm {version}", path.display())).given(&version));
    }
    Ok(Tool { path: path.to_owned(), version, line })
}

/// A part that is not told counts as nought, so that a binary without it is taken for an older one.
fn numbers(version: &str) -> Option<(u64, u64, u64)> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|n| n.parse::<u64>().ok());
    let major = parts.next().flatten()?;
    let minor = parts.next().flatten()?;
    Some((major, minor, parts.next().map_or(Some(0), |patch| patch)?))
}

fn missing(why: &str) -> Error {
    Error::new(ErrorCode::ToolMissing, format!("looking for helm: {why}"))
        .field("helm.binary")
        .allowed(NEED)
        .next(format!("install {NEED}, or set helm.binary in datamcp.toml"))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_known_holes_are_refused() {
        let told = |version| told(Path::new("/bin/helm"), version);
        for old in ["v3.20.1", "v4.1.3", "v4.0", "v2.17.0", "v5.0.0", "what?", ""] {
            let error = told(old).unwrap_err();
            assert_eq!(error.code, ErrorCode::ToolMissing, "{old}");
            assert_eq!(error.allowed.as_deref(), Some(NEED));
        }
        assert_eq!(told("v3.20.2").unwrap().line, Line::Three);
        assert_eq!(told("v4.1.4+gabc").unwrap().line, Line::Four);
        assert_eq!(told("v4.3\n").unwrap().to_string(), "helm 4.3");
    }

    #[test]
    fn bad_input_49_missing_says_where_it_looked() {
        let error = find(None, &[PathBuf::from("/nowhere")]).unwrap_err();
        assert!(error.message.contains("/nowhere"), "{error}");
    }
}
