//! References to secrets: settings say where a token is, never what it is.

use std::path::Path;

use super::surroundings::variable_name;
use crate::error::{Error, Result};
use crate::model::TokenSource;

/// Understands one. Whatever has another form may be a token itself, and is not repeated.
pub(super) fn token(field: &str, given: &str, root: &Path) -> Result<TokenSource> {
    let found = match given.split_once(':') {
        Some(("env", name)) if variable_name(name) => Some(TokenSource::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Some(TokenSource::File(root.join(path))),
        _ => None,
    };
    found.ok_or_else(|| {
        Error::invalid(field, "(not shown)", "is not a reference to a token")
            .allowed("env:NAME of an environment variable, or file:PATH")
            .next("put the token into a variable or a file of its own, and take it out of the settings")
    })
}
