//! Reads a root module and its local modules without running anything, and names every reason to refuse it.
//! Not a validator of the language: terraform does that. What cannot be read is refused.
#![expect(clippy::disallowed_methods, reason = "reads the files of a configuration tree")]

mod block;
mod hcl;
mod json;
mod module;
mod rules;
mod settings;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use block::Block;
use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;
use crate::port::Module;

/// Largest configuration file that is read.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// What may be in a configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed<'a> {
    /// Provider sources, `namespace/type`.
    pub(super) providers: &'a [String],
    /// Ways to run code: `local-exec`, `remote-exec`, `file`, `external`, `http`.
    pub(super) code: &'a BTreeSet<String>,
    /// Prefixes of remote module sources.
    pub(super) modules: &'a [String],
}

/// What a scan found out.
#[derive(Debug)]
pub(super) struct Scanned {
    /// For the caller of `inspect`.
    pub(super) module: Module,
    /// Whether any provider has to be installed.
    pub(super) needs_providers: bool,
}

/// One module's parsed files.
struct Parsed {
    /// Folder relative to the tree.
    dir: PathBuf,
    blocks: Vec<Block>,
}

/// Scans the root module `environment.root` of the tree at `tree`.
pub(super) fn scan(
    tree: &Path,
    environment: &Environment,
    allowed: Allowed<'_>,
) -> Result<Scanned> {
    let root = normalise(&environment.root).ok_or_else(|| {
        Error::invalid(
            "environment.root",
            environment.root.to_string_lossy(),
            "leaves the configuration tree",
        )
    })?;
    let (mut todo, mut seen) = (vec![root.clone()], BTreeSet::new());
    let mut providers = BTreeSet::new();
    let mut found = None;
    while let Some(dir) = todo.pop() {
        if !seen.insert(dir.clone()) {
            continue;
        }
        let parsed = read_module(tree, &dir)?;
        rules::code(&parsed.blocks, allowed.code)?;
        providers.extend(rules::providers(&parsed.blocks, allowed)?);
        rules::foreign_state(&parsed.blocks, environment)?;
        todo.extend(module::local_sources(&parsed, allowed.modules)?);
        if dir == root {
            let mut warnings = settings::backend(&parsed.blocks, environment)?;
            let assigned = assigned_variables(&tree.join(&dir))?;
            let variables = settings::variables(&parsed.blocks, &assigned)?;
            warnings.sort();
            found = Some(Module { variables, warnings });
        }
    }
    let module = found.ok_or_else(|| Error::internal("scanning", "the root was not read"))?;
    Ok(Scanned { module, needs_providers: !providers.is_empty() })
}

#[derive(Deserialize)]
struct Installed {
    #[serde(rename = "Modules", default)]
    modules: Vec<InstalledModule>,
}

#[derive(Deserialize)]
struct InstalledModule {
    #[serde(rename = "Dir")]
    dir: PathBuf,
}

/// Scans the remote modules that `init` fetched into the data folder, before anything of them is run.
pub(super) fn installed(
    data: &Path,
    environment: &Environment,
    allowed: Allowed<'_>,
) -> Result<()> {
    let Ok(bytes) = std::fs::read(data.join("modules/modules.json")) else {
        return Ok(());
    };
    let list: Installed = serde_json::from_slice(&bytes)
        .map_err(|e| Error::internal("reading the list of installed modules", e))?;
    for dir in list.modules.iter().map(|m| &m.dir).filter(|d| d.is_absolute()) {
        let mut parsed = read_module(dir, Path::new(""))?;
        for block in &mut parsed.blocks {
            block.place.file = dir.join(&block.place.file).to_string_lossy().into_owned();
        }
        rules::code(&parsed.blocks, allowed.code)?;
        rules::providers(&parsed.blocks, allowed)?;
        rules::foreign_state(&parsed.blocks, environment)?;
    }
    Ok(())
}

/// The path without `.` and `..`; `None` when it is absolute or leaves its beginning.
fn normalise(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

fn is_config(name: &str) -> bool {
    [".tf", ".tf.json", ".tofu", ".tofu.json"].iter().any(|e| name.ends_with(e))
        && !name.starts_with('.')
        && !name.ends_with('~')
}

fn names(dir: &Path, shown: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(dir).map_err(|e| {
        Error::invalid(
            "environment.root",
            shown.to_string_lossy(),
            format!("is not a folder that can be read: {e}"),
        )
    })?;
    let mut names: Vec<String> =
        entries.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

fn read_module(tree: &Path, dir: &Path) -> Result<Parsed> {
    let folder = tree.join(dir);
    let mut blocks = Vec::new();
    let mut files = 0;
    for name in names(&folder, dir)?.iter().filter(|n| is_config(n)) {
        files += 1;
        let shown = dir.join(name).to_string_lossy().into_owned();
        let text = read_file(&folder.join(name), &shown)?;
        let mut parsed = if name.to_ascii_lowercase().ends_with(".json") {
            json::parse(&text, &shown)?
        } else {
            hcl::parse(&text, &shown)?
        };
        let stem = name.split('.').next().unwrap_or_default();
        if stem == "override" || stem.ends_with("_override") {
            for block in &mut parsed {
                block.place.overrides = true;
            }
        }
        blocks.append(&mut parsed);
    }
    if files == 0 {
        return Err(Error::invalid(
            "environment.root",
            dir.to_string_lossy(),
            "holds no *.tf file",
        )
        .allowed("a folder with a terraform root module"));
    }
    Ok(Parsed { dir: dir.to_owned(), blocks })
}

fn read_file(path: &Path, shown: &str) -> Result<String> {
    let refuse = |why: String| Err(Error::invalid("environment.tree", shown, why));
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => return refuse("is not a regular file".into()),
        Ok(about) if about.len() > FILE_MAX => {
            return refuse(format!("is larger than {FILE_MAX} bytes"));
        }
        Ok(_) => {}
        Err(e) => return refuse(format!("cannot be read: {e}")),
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => refuse("is not UTF-8".into()),
        Err(e) => refuse(format!("cannot be read: {e}")),
    }
}

/// Names that the module's own `terraform.tfvars` and `*.auto.tfvars` give a value to.
fn assigned_variables(folder: &Path) -> Result<BTreeSet<String>> {
    let mut assigned = BTreeSet::new();
    for name in names(folder, folder)? {
        let bare = name.strip_suffix(".json").unwrap_or(&name);
        if bare != "terraform.tfvars" && !bare.ends_with(".auto.tfvars") {
            continue;
        }
        let text = read_file(&folder.join(&name), &name)?;
        if bare == name {
            assigned.extend(hcl::attribute_names(&text, &name)?);
        } else {
            assigned.extend(json::keys(&text, &name)?);
        }
    }
    Ok(assigned)
}

/// A refusal by our policy about what configurations may hold.
fn denied(block: &Block, what: &str, allowed: String) -> Error {
    Error::new(
        ErrorCode::PolicyDenied,
        format!("scanning the configuration: {what} at {}", block.place),
    )
    .detail("place", block.place.to_string())
    .allowed(allowed)
}

#[cfg(test)]
mod tests;
