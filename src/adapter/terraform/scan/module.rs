//! Where modules come from: local folders inside the tree, or a pinned source that configuration allows.

use std::path::PathBuf;

use super::block::{Block, Value};
use super::{Parsed, denied, normalise};
use crate::error::Result;

/// Folders of the local modules that a module calls; refuses other sources that are not allowed and pinned.
pub(super) fn local_sources(parsed: &Parsed, allowed: &[String]) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for block in parsed.blocks.iter().filter(|b| b.kind == "module") {
        let list = || {
            let mut list = "./ and ../ inside the tree".to_owned();
            for prefix in allowed {
                list.push_str(", ");
                list.push_str(prefix);
                list.push_str(" with a pinned version");
            }
            list
        };
        let source = match block.attributes.get("source") {
            Some(Value::Text(source)) => source.as_str(),
            // An overriding file may leave it to the block that it overrides.
            None if block.place.overrides => continue,
            _ => {
                return Err(denied(block, "a module source that is not literal", list()));
            }
        };
        if source.starts_with("./") || source.starts_with("../") || matches!(source, "." | "..") {
            let dir = normalise(&parsed.dir.join(source)).ok_or_else(|| {
                denied(block, &format!("module source {source} leaves the tree"), list())
            })?;
            out.push(dir);
        } else if !is_allowed(source, allowed) || !is_pinned(block, source) {
            return Err(denied(
                block,
                &format!("module source {} is not allowed", shown(source)),
                list(),
            ));
        }
    }
    Ok(out)
}

fn shown(source: &str) -> String {
    source.chars().take(200).flat_map(char::escape_debug).collect()
}

/// A prefix counts only up to a separator: `git::https://host/acme` does not allow `…/acme-evil`.
fn is_allowed(source: &str, allowed: &[String]) -> bool {
    let plain = !source.contains("..") && !source.contains(char::is_whitespace);
    plain
        && allowed.iter().any(|prefix| {
            source.strip_prefix(prefix.as_str()).is_some_and(|rest| {
                rest.is_empty() || prefix.ends_with('/') || rest.starts_with(['/', '?', '.'])
            })
        })
}

/// A git source is pinned by a commit or a version tag, a registry module by one exact version.
fn is_pinned(block: &Block, source: &str) -> bool {
    if let Some((_, query)) = source.split_once('?') {
        let mut pairs = query.split('&').filter_map(|p| p.split_once('='));
        let only_ref = query.split('&').all(|p| p.starts_with("ref=") || p.starts_with("depth="));
        return only_ref && pairs.any(|(key, value)| key == "ref" && is_fixed(value));
    }
    let version = block.attributes.get("version").and_then(Value::text);
    !source.contains("::") && version.is_some_and(|v| is_exact(v.trim_start_matches('=').trim()))
}

fn is_fixed(reference: &str) -> bool {
    let commit = reference.len() == 40 && reference.bytes().all(|b| b.is_ascii_hexdigit());
    commit || is_exact(reference.strip_prefix('v').unwrap_or(reference))
}

fn is_exact(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3
        && parts.iter().all(digits)
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+.".contains(&b))
}
