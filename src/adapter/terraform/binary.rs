//! Finds terraform or tofu and asks its version, once.
#![expect(clippy::disallowed_methods, reason = "looks at the first bytes of a binary")]

use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::files;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};
use crate::port::ToolVersion;

const NAMES: [(&str, (u64, u64)); 2] = [("terraform", (1, 11)), ("tofu", (1, 10))];
const NEED: &str = "terraform 1.11 or later, or tofu 1.10 or later";
const LIMIT: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Answer {
    terraform_version: String,
}

/// The configured binary, or the first of the search path.
pub(super) fn find(configured: Option<&Path>, search: &[PathBuf]) -> Result<PathBuf> {
    if let Some(path) = configured {
        return if is_executable(path) {
            Ok(path.to_owned())
        } else {
            Err(missing(&format!("{} is not a program", path.display())))
        };
    }
    let mut scripts = Vec::new();
    for (name, _) in NAMES {
        for dir in search.iter().filter(|d| d.is_absolute()) {
            let path = dir.join(name);
            if is_executable(&path) {
                if !is_script(&path) {
                    return Ok(path);
                }
                scripts.push(path.display().to_string());
            }
        }
    }
    let searched: Vec<String> = search.iter().map(|d| d.display().to_string()).collect();
    if let Some(script) = scripts.first() {
        return Err(missing(&format!("{script} is a script, not the program itself"))
            .next("set terraform.binary in datamcp.toml to the program's path"));
    }
    Err(missing(&format!("neither is in {}", searched.join(":"))).detail("searched", searched))
}

/// What a binary answered, and what it was then.
#[derive(PartialEq, Serialize, Deserialize)]
struct Known {
    path: PathBuf,
    inode: u64,
    size: u64,
    changed: (i64, i64),
    name: String,
    version: String,
}

impl Known {
    /// The binary as it is now. A script is not known by its file: what it starts may change.
    fn look(path: &Path, tool: Option<&ToolVersion>) -> Option<Self> {
        let about = path.metadata().ok().filter(|_| !is_script(path))?;
        let (name, version) = tool.map(|t| (t.name.clone(), t.version.clone())).unwrap_or_default();
        let changed = (about.ctime(), about.ctime_nsec());
        let path = path.to_owned();
        Some(Self { path, inode: about.ino(), size: about.size(), changed, name, version })
    }
}

const KNOWN: &str = "terraform-version.json";

/// The version of the binary: as it was told before, while the file is the same one, so that not every supervisor has to
/// ask.
pub(super) async fn version(path: &Path, work: &Path) -> Result<ToolVersion> {
    let file = work.join(KNOWN);
    let known = files::read(&file).ok().and_then(|b| serde_json::from_slice::<Known>(&b).ok());
    if let Some(Known { name, version, .. }) = &known {
        let tool = ToolVersion { name: name.clone(), version: version.clone(), path: path.into() };
        if known == Known::look(path, Some(&tool)) {
            return Ok(tool);
        }
    }
    let before = Known::look(path, None);
    let tool = probe(path, work).await?;
    // Written only if it was the same file all the while; whoever finds half of it asks again.
    if before.is_some() && before == Known::look(path, None) {
        let known = Known::look(path, Some(&tool));
        let written = serde_json::to_vec(&known).map(|text| files::write_private(&file, &text));
        drop(written);
    }
    Ok(tool)
}

/// Asks the binary for its version and refuses one that is too old.
async fn probe(path: &Path, home: &Path) -> Result<ToolVersion> {
    let home_text = home.to_string_lossy().into_owned();
    let end = Invocation::new(path, home)
        .args(["version", "-json"])
        .env([("CHECKPOINT_DISABLE", "1"), ("HOME", home_text.as_str())])
        .output(Sink::Capture(64 * 1024), Sink::Capture(64 * 1024))
        .capture(LIMIT)
        .await?;
    let answer: Answer = serde_json::from_slice(&end.stdout.bytes).map_err(|_| {
        missing(&format!("{} does not tell its version", path.display()))
            .detail("stderr", end.stderr.text())
    })?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let (name, least) = if file.contains("tofu") { NAMES[1] } else { NAMES[0] };
    let version = answer.terraform_version;
    if is_older(&version, least) {
        return Err(missing(&format!("{} is {name} {version}", path.display()))
            .given(&version)
            .detail("path", path.display().to_string()));
    }
    Ok(ToolVersion { name: name.to_owned(), version, path: path.to_owned() })
}

fn is_older(version: &str, least: (u64, u64)) -> bool {
    let mut numbers = version.split(['.', '-']).map(|n| n.parse::<u64>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < least,
        _ => true,
    }
}

fn missing(why: &str) -> Error {
    Error::new(ErrorCode::ToolMissing, format!("looking for terraform or tofu: {why}"))
        .field("terraform.binary")
        .allowed(NEED)
        .next(format!("install {NEED}, or set terraform.binary in datamcp.toml"))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

fn is_script(path: &Path) -> bool {
    let mut head = [0; 2];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head == *b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn bad_input_49_missing_says_where_it_looked() {
        let error = find(None, &[PathBuf::from("/nowhere")]).unwrap_err();
        assert_eq!(error.code, ErrorCode::ToolMissing);
        assert!(error.message.contains("/nowhere"));
        assert_eq!(error.allowed.as_deref(), Some(NEED));
    }

    #[test]
    fn bad_input_50_a_script_in_the_path_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        program(dir.path(), "terraform", "#!/bin/sh\n");
        let error = find(None, &[dir.path().to_owned()]).unwrap_err();
        assert!(error.message.contains("is a script"), "{error}");
    }

    #[tokio::test]
    async fn bad_input_48_too_old_states_the_need() {
        let dir = tempfile::tempdir().unwrap();
        let old =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/terraform/fake/old/terraform");
        let error = probe(&old, dir.path()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ToolMissing);
        assert!(error.message.contains("1.4.6") && error.allowed.as_deref() == Some(NEED));
    }

    #[tokio::test]
    async fn a_version_is_asked_for_once_as_long_as_the_file_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let tool = program(dir.path(), "terraform", "not a script, and no program either");
        let known = |version: &str| {
            let told = ToolVersion {
                name: "terraform".into(),
                version: version.into(),
                path: tool.clone(),
            };
            let text = serde_json::to_vec(&Known::look(&tool, Some(&told)).unwrap()).unwrap();
            std::fs::write(dir.path().join(KNOWN), text).unwrap();
        };
        known("1.12.1");
        assert_eq!(version(&tool, dir.path()).await.unwrap().version, "1.12.1", "not started");
        program(dir.path(), "terraform", "another one");
        assert!(version(&tool, dir.path()).await.is_err(), "another file is asked, and cannot run");
        known("1.12.1");
        std::fs::write(dir.path().join(KNOWN), "{ half").unwrap();
        assert!(version(&tool, dir.path()).await.is_err(), "what is not whole does not count");
    }

    #[tokio::test]
    async fn a_script_is_asked_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let answer = |version: &str| {
            let text = format!("#!/bin/sh\necho '{{\"terraform_version\":\"{version}\"}}'\n");
            program(dir.path(), "terraform", &text)
        };
        let tool = answer("1.12.1");
        assert_eq!(version(&tool, dir.path()).await.unwrap().version, "1.12.1");
        assert!(!dir.path().join(KNOWN).exists());
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_older("1.9.8", (1, 11)) && is_older("x", (1, 11)));
        assert!(!is_older("1.11.0-rc1", (1, 11)) && !is_older("2.0.0", (1, 11)));
    }
}
