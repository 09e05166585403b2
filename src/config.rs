//! Settings: read once, into types. The one door to environment variables. Raw is what was written, valid is what can
//! be acted upon.

mod argocd;
mod charts;
mod cluster;
mod credentials;
pub mod exec_plugin;
pub mod raw;
mod reference;
mod state;
pub mod surroundings;
pub mod url;
mod valid;

pub use exec_plugin::ExecPlugin;
pub use raw::Raw;
pub use surroundings::Surroundings;
pub use valid::{Config, Person, PrincipalRule};

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};
use crate::model::name::nearest;

/// Name of the settings file.
pub const FILE: &str = "datamcp.toml";

/// Finds the settings file: the flag, else `DATAMCP_CONFIG`, else upward from the working directory.
pub fn find(flag: Option<&Path>, surroundings: &Surroundings) -> Result<PathBuf> {
    if let Some(path) = flag.or(surroundings.config.as_deref()) {
        return Ok(surroundings.cwd.join(path));
    }
    let found = surroundings.cwd.ancestors().map(|dir| dir.join(FILE)).find(|path| path.is_file());
    found.ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidRequest,
            format!(
                "reading settings: there is no {FILE} in {} or above it",
                surroundings.cwd.display()
            ),
        )
        .next("write one (the README shows how), or name it with --config or DATAMCP_CONFIG")
    })
}

/// Reads and checks the settings file.
pub fn load(path: &Path, surroundings: &Surroundings) -> Result<Config> {
    let text = read(path)?;
    let raw = parse(&text, path)?;
    let root = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    Config::check(raw, &root, surroundings)
}

#[expect(clippy::disallowed_methods, reason = "this is the door that the lint names")]
fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        Error::new(
            ErrorCode::InvalidRequest,
            format!("reading settings from {}: {e}", path.display()),
        )
        .next("name a readable file with --config or DATAMCP_CONFIG")
    })
}

/// The text of a file that a setting names, relative to the settings file.
#[expect(clippy::disallowed_methods, reason = "this is the door that the lint names")]
pub fn text_beside(config: &Config, field: &str, path: &Path) -> Result<String> {
    let whole = config.root().join(path);
    std::fs::read_to_string(&whole).map_err(|e| {
        Error::invalid(field, path.to_string_lossy(), format!("cannot be read: {e}"))
            .allowed("a file of text, relative to the settings file")
    })
}

/// Parses the settings file; unknown keys are errors with a suggestion.
pub fn parse(text: &str, path: &Path) -> Result<Raw> {
    toml::from_str(text).map_err(|e| {
        let message = e.message().to_owned();
        let line = e
            .span()
            .map_or(0, |span| 1 + text.get(..span.start).unwrap_or("").matches('\n').count());
        let mut error = Error::new(
            ErrorCode::InvalidRequest,
            format!("reading settings from {} line {line}: {message}", path.display()),
        );
        if let Some((unknown, known)) = unknown_field(&message) {
            error = error.field(unknown.clone()).allowed(known.join(", "));
            if let Some(near) = nearest(&unknown, known.iter().map(String::as_str)) {
                error = error.next(format!("write `{near}` instead of `{unknown}`"));
            }
        }
        error
    })
}

/// Takes serde's message about an unknown field apart: the field, and the ones that are known.
pub fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let unknown = quoted.next()?;
    Some((unknown, quoted.collect()))
}

#[cfg(test)]
mod tests;
