//! What the root module says of itself: its backend and its variables.

use std::collections::BTreeSet;

use super::block::{Block, Value};
use super::denied;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Backend, Environment};
use crate::port::VariableDecl;

/// Arguments that a backend block may hold: none that names credentials, other servers or files.
const ALLOWED: [&str; 15] = [
    "acl",
    "bucket",
    "dynamodb_table",
    "encrypt",
    "key",
    "kms_key_id",
    "path",
    "prefix",
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
    let wanted = &environment.backend;
    let settings: Vec<&Block> = blocks.iter().filter(|b| b.kind == "terraform").collect();
    let clouds = settings.iter().flat_map(|s| s.children("cloud")).map(|b| (b, None));
    let backends =
        settings.iter().flat_map(|s| s.children("backend")).map(|b| (b, Some(b.label(0))));
    let all: Vec<(&Block, Option<&str>)> = clouds.chain(backends).collect();
    let named = |kind: Option<&str>| {
        kind.map_or_else(|| "a cloud block".to_owned(), |kind| format!("backend \"{kind}\""))
    };
    let right = |kind: Option<&str>| kind.unwrap_or("cloud") == wanted.kind();
    if let [_, (second, kind), ..] =
        all.iter().filter(|(b, _)| !b.place.overrides).collect::<Vec<_>>().as_slice()
    {
        let what = kind.map_or("a second cloud block", |_| "a second backend");
        return Err(refuse(second, what, wanted));
    }
    if let Some((block, kind)) = all.iter().find(|(_, kind)| !right(*kind)) {
        return Err(refuse(block, &named(*kind), wanted));
    }
    if all.is_empty() {
        let root = environment.root.display();
        return Err(Error::new(
            ErrorCode::InvalidRequest,
            format!("scanning the configuration: {root} has no backend"),
        )
        .field("environment.root")
        .allowed(wanted.block())
        .next(format!(
            "add `terraform {{ {} }}` to the root module; its values come from datamcp's configuration",
            wanted.block()
        )));
    }
    let mut warnings = Vec::new();
    for (block, kind) in all {
        match kind {
            Some(_) => warnings.extend(arguments(block, wanted)?),
            None => empty(block)?,
        }
    }
    Ok(warnings)
}

/// The arguments of a backend block.
fn arguments(block: &Block, wanted: &Backend) -> Result<Option<String>> {
    let foreign = block
        .attributes
        .keys()
        .chain(block.blocks.iter().map(|b| &b.kind))
        .find(|name| !ALLOWED.contains(&name.as_str()));
    if let Some(name) = foreign {
        let what = format!("backend argument {name} is not allowed");
        return Err(denied(block, &what, ALLOWED.join(", ")));
    }
    if block.attributes.get("use_lockfile").is_some_and(|on| *on != Value::Bool(true)) {
        let what = "a state without a lock is not allowed: use_lockfile that is not true";
        return Err(denied(block, what, "use_lockfile = true, or nothing".to_owned()));
    }
    let Some(table) = block.attributes.get("dynamodb_table") else { return Ok(None) };
    if let Backend::S3 { lock_table: Some(ours), .. } = wanted {
        let other = table.text() != Some(ours);
        return Ok(other.then(|| {
            format!(
                "{}: dynamodb_table is not what state.lock_table says; {ours} is used. Take it out of the module",
                block.place
            )
        }));
    }
    let locks_by_file = block.attributes.get("use_lockfile") == Some(&Value::Bool(true));
    Ok((!locks_by_file).then(|| {
        format!(
            "{}: dynamodb_table is deprecated; a lock file is used beside it. Add use_lockfile = true, let every client move over, then remove dynamodb_table",
            block.place
        )
    }))
}

/// A cloud block says nothing itself: what it could say would win over settings, or mean several workspaces.
fn empty(block: &Block) -> Result<()> {
    let Some(name) = block.attributes.keys().chain(block.blocks.iter().map(|b| &b.kind)).next()
    else {
        return Ok(());
    };
    let what = format!("{name} in a cloud block is not allowed");
    Err(denied(block, &what, "cloud {}".to_owned()).next(
        "leave the block empty: organization, workspace, hostname and token stand in the environment's state setting, one workspace an environment",
    ))
}

fn refuse(block: &Block, what: &str, wanted: &Backend) -> Error {
    let wanted = wanted.block();
    let wanted = wanted.trim_end_matches(" {}");
    Error::new(
        ErrorCode::InvalidRequest,
        format!(
            "scanning the configuration: {what} at {} where {wanted} is configured",
            block.place
        ),
    )
    .field("environment.state")
    .allowed(format!("one {wanted}"))
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
