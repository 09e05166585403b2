//! What the root module says of itself: its backend and its variables.

use std::collections::BTreeSet;

use super::block::{Block, Value};
use super::denied;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;
use crate::port::VariableDecl;

/// Arguments that a backend block may hold: none that names credentials, other servers or files.
const ALLOWED: [&str; 14] = [
    "acl",
    "bucket",
    "dynamodb_table",
    "encrypt",
    "key",
    "kms_key_id",
    "path",
    "region",
    "skip_credentials_validation",
    "skip_metadata_api_check",
    "skip_region_validation",
    "use_lockfile",
    "workspace_dir",
    "workspace_key_prefix",
];

/// Refuses a root module whose state would not be where configuration says. Returns warnings.
pub(super) fn backend(blocks: &[Block], environment: &Environment) -> Result<Vec<String>> {
    let kind = environment.backend.kind();
    let settings: Vec<&Block> = blocks.iter().filter(|b| b.kind == "terraform").collect();
    if let Some(cloud) = settings.iter().find_map(|s| s.children("cloud").next()) {
        return Err(refuse(cloud, "a cloud block", kind));
    }
    let backends: Vec<&Block> = settings.iter().flat_map(|s| s.children("backend")).collect();
    if let [_, second, ..] =
        backends.iter().filter(|b| !b.place.overrides).collect::<Vec<_>>().as_slice()
    {
        return Err(refuse(second, "a second backend", kind));
    }
    if backends.is_empty() {
        return Err(Error::new(
            ErrorCode::InvalidRequest,
            format!(
                "scanning the configuration: {} has no backend",
                environment.root.display()
            ),
        )
        .field("environment.root")
        .allowed(format!("backend \"{kind}\""))
        .next(format!(
            "add `terraform {{ backend \"{kind}\" {{}} }}` to the root module; its values come from datamcp's configuration"
        )));
    }
    let mut warnings = Vec::new();
    for block in backends {
        if block.label(0) != kind {
            return Err(refuse(block, &format!("backend \"{}\"", block.label(0)), kind));
        }
        let foreign = block
            .attributes
            .keys()
            .chain(block.blocks.iter().map(|b| &b.kind))
            .find(|name| !ALLOWED.contains(&name.as_str()));
        if let Some(name) = foreign {
            let what = format!("backend argument {name} is not allowed");
            return Err(denied(block, &what, ALLOWED.join(", ")));
        }
        let locks_by_file = block.attributes.get("use_lockfile") == Some(&Value::Bool(true));
        if block.attributes.contains_key("dynamodb_table") && !locks_by_file {
            warnings.push(format!(
                "{}: dynamodb_table is deprecated; a lock file is used beside it. Add use_lockfile = true, let every client move over, then remove dynamodb_table",
                block.place
            ));
        }
    }
    Ok(warnings)
}

fn refuse(block: &Block, what: &str, kind: &str) -> Error {
    Error::new(
        ErrorCode::InvalidRequest,
        format!(
            "scanning the configuration: {what} at {} where backend \"{kind}\" is configured",
            block.place
        ),
    )
    .field("environment.state")
    .allowed(format!("one backend \"{kind}\""))
    .detail("place", block.place.to_string())
}

/// The declared variables; what `assigned` names has a value already.
pub(super) fn variables(
    blocks: &[Block],
    assigned: &BTreeSet<String>,
) -> Result<Vec<VariableDecl>> {
    let mut out: Vec<VariableDecl> = Vec::new();
    for block in blocks.iter().filter(|b| b.kind == "variable") {
        let name = block.label(0).to_owned();
        if name.is_empty() {
            let what = "a variable without a name";
            return Err(denied(block, what, "one label".to_owned()));
        }
        let has_default = block.attributes.contains_key("default");
        let sensitive = block.attributes.get("sensitive").is_some_and(|v| *v != Value::Bool(false));
        let kind = block
            .attributes
            .get("type")
            .map(|t| t.written().trim_matches(['"', '$', '{', '}']).to_owned());
        match out.iter_mut().find(|v| v.name == name) {
            // The other half of an overridden variable.
            Some(known) => {
                known.optional |= has_default;
                known.sensitive |= sensitive;
                known.kind = kind.unwrap_or_else(|| known.kind.clone());
            }
            None => out.push(VariableDecl {
                optional: has_default || assigned.contains(&name),
                name,
                sensitive,
                kind: kind.unwrap_or_else(|| "any".to_owned()),
            }),
        }
    }
    Ok(out)
}
