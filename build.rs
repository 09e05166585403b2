//! Lists the files under `infra/` and `helm/` that `datamcp init` lays into a folder, to be carried in the binary.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads the tree and its own environment, and writes what it made"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let top = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    for start in [
        "infra/README.md",
        "infra/.gitignore",
        "infra/.tflint.hcl",
        "infra/aws",
        "infra/gcp",
        "helm/charts/example-data-app",
    ] {
        println!("cargo::rerun-if-changed={start}");
        collect(&top, Path::new(start), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let (name, path) = (file.display().to_string(), top.join(file).display().to_string());
        writeln!(list, "    ({name:?}, include_str!({path:?})),")?;
    }
    list.push(']');
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("laid.rs");
    std::fs::write(out, list)?;
    Ok(())
}

/// What is source: nothing that terraform leaves behind, and no link.
fn collect(top: &Path, path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    let kind = top.join(path).symlink_metadata()?.file_type();
    if kind.is_file() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    if !kind.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(top.join(path))? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        let module_lock = text == ".terraform.lock.hcl" && !path.starts_with("infra/aws/envs");
        let left = [".terraform", "crash.log", "override.tf"].contains(&&*text)
            || text.contains(".tfstate")
            || text.contains(".tfvars")
            || text.ends_with(".tfplan")
            || text.ends_with("_override.tf");
        if !left && !module_lock {
            collect(top, &path.join(&name), files)?;
        }
    }
    Ok(())
}
