//! Reads a chart's folder: plain files only, below the project's chart folder, within Helm's own limits.
#![expect(clippy::disallowed_methods, reason = "reads the chart")]

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::files;
use crate::error::{Error, ErrorCode, Result};
use crate::model::digest::Parts;
use crate::port::Chart;

/// Helm's own limit for a file.
pub(super) const FILE_MAX: u64 = 5 * 1024 * 1024;
/// For the whole chart: it is kept with the plan.
const CHART_MAX: u64 = 20 * 1024 * 1024;
pub(super) const FILES_MAX: usize = 2000;

/// What `Chart.yaml` says of a chart.
#[derive(Deserialize)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) version: String,
}

fn refused(given: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid("chart_path", given, why)
        .allowed("a folder below helm/ with a Chart.yaml, plain files only")
}

/// The chart in the folder `given`, relative to the project.
pub(super) fn read(project: &Path, given: &str) -> Result<Chart> {
    let folder = below(project, given)?;
    let mut files = BTreeMap::new();
    let mut size = 0;
    for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
        let entry = entry.map_err(|e| refused(given, format!("cannot be read: {e}")))?;
        let inside = entry.path().strip_prefix(&folder).unwrap_or(entry.path());
        let name = inside.to_string_lossy().into_owned();
        if entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            return Err(refused(given, format!("holds {name}, which is not a plain file")));
        }
        let length = entry.metadata().map_or(u64::MAX, |about| about.len());
        size += length.min(CHART_MAX + 1);
        if length > FILE_MAX || size > CHART_MAX || files.len() >= FILES_MAX {
            return Err(refused(given, "is too large")
                .given(&name)
                .allowed("files up to 5 MiB, 20 MiB and 2000 files in all"));
        }
        let bytes = std::fs::read(entry.path())
            .map_err(|e| refused(given, format!("cannot be read: {name}: {e}")))?;
        files.insert(name, bytes);
    }
    let about = about(given, &files)?;
    let mut parts = Parts::default();
    for (name, bytes) in &files {
        parts.add(name.as_bytes()).add(bytes);
    }
    Ok(Chart {
        name: about.name,
        version: about.version,
        files,
        digest: parts.finish(),
        archive: None,
        origin: None,
        signature: None,
    })
}

/// The folder, no part of which is a link.
fn below(project: &Path, given: &str) -> Result<PathBuf> {
    let plain = Path::new(given).components().all(|c| matches!(c, Component::Normal(_)));
    if !plain || !given.starts_with("helm/") {
        return Err(refused(given, "leaves the chart folder"));
    }
    let mut at = project.to_path_buf();
    for part in Path::new(given).components() {
        at.push(part);
        let about =
            at.symlink_metadata().map_err(|e| refused(given, format!("cannot be read: {e}")))?;
        if about.file_type().is_symlink() {
            return Err(refused(given, "goes through a symbolic link"));
        }
        if !about.is_dir() {
            return Err(refused(given, "is not a folder"));
        }
    }
    Ok(at)
}

pub(super) fn about(given: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<About> {
    let text = files.get("Chart.yaml").ok_or_else(|| refused(given, "holds no Chart.yaml"))?;
    let about: About = serde_saphyr::from_slice(text)
        .map_err(|e| refused(given, format!("has a Chart.yaml that cannot be read: {e}")))?;
    // A chart that calls itself `..` would be written beside its folder; and both are part of a file's name.
    let named = about.name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && about.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !named {
        return Err(refused(given, "has a name that is none")
            .given(&about.name)
            .allowed("letters, digits, -, _ and ., beginning with a letter or digit"));
    }
    if about.version.contains('/') || about.version.chars().any(char::is_control) {
        return Err(refused(given, "has a version that is none").given(&about.version));
    }
    Ok(about)
}

/// Writes a chart below `folder`, and says where helm finds it.
pub(super) fn write(chart: &Chart, folder: &Path) -> Result<PathBuf> {
    files::clear(folder);
    files::make_dir(folder)?;
    if let Some(archive) = &chart.archive {
        let place = folder.join("chart.tgz");
        files::write_private(&place, archive)?;
        return Ok(place);
    }
    for (name, bytes) in &chart.files {
        let inside = Path::new(name);
        if !inside.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(Error::new(
                ErrorCode::Internal,
                format!("writing a chart: {name:?} leaves it"),
            ));
        }
        let place = folder.join(inside);
        files::make_dir(place.parent().unwrap_or(folder))?;
        files::write_private(&place, bytes)?;
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        let chart = project.path().join("helm/charts/web");
        std::fs::create_dir_all(chart.join("templates")).unwrap();
        std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.2.3\n")
            .unwrap();
        std::fs::write(chart.join("templates/a.yaml"), "kind: ConfigMap\n").unwrap();
        project
    }

    #[test]
    fn a_chart_is_known_by_its_content() {
        let project = project();
        let first = read(project.path(), "helm/charts/web").unwrap();
        assert_eq!((first.name.as_str(), first.version.as_str()), ("web", "1.2.3"));
        let copy = project.path().join("copy");
        write(&first, &copy).unwrap();
        assert_eq!(std::fs::read(copy.join("templates/a.yaml")).unwrap(), b"kind: ConfigMap\n");
        std::fs::write(project.path().join("helm/charts/web/values.yaml"), "a: 1\n").unwrap();
        assert_ne!(read(project.path(), "helm/charts/web").unwrap().digest, first.digest);
    }

    #[test]
    fn bad_input_73_a_chart_does_not_leave_its_folder() {
        let project = project();
        let chart = project.path().join("helm/charts/web");
        let outside = project.path().join("outside");
        std::fs::create_dir_all(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, project.path().join("helm/charts/link")).unwrap();
        for bad in [
            ".",
            "..",
            "helm",
            "helm/..",
            "helm/charts/../charts/web",
            "/helm/charts/web",
            "charts",
            "helm/charts/none",
            "helm/charts/link",
            "helm/charts/web/Chart.yaml",
            "helm/charts",
            "",
        ] {
            let error = read(project.path(), bad).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("chart_path"), "{bad}");
        }
        std::os::unix::fs::symlink("/etc/passwd", chart.join("templates/b.yaml")).unwrap();
        let error = read(project.path(), "helm/charts/web").unwrap_err();
        assert!(error.message.contains("not a plain file"), "{error}");
        std::fs::remove_file(chart.join("templates/b.yaml")).unwrap();
        for name in ["..", ".", "-x", "a/b"] {
            std::fs::write(chart.join("Chart.yaml"), format!("name: \"{name}\"\nversion: 1.0.0\n"))
                .unwrap();
            let error = read(project.path(), "helm/charts/web").unwrap_err();
            assert!(error.message.contains("name that is none"), "{name}: {error}");
        }
    }
}
