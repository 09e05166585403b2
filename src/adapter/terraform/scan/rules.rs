//! What a configuration may not hold: code that runs while planning, providers that nobody allowed, foreign states.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Block, Value, all};
use super::{Allowed, denied};
use crate::error::{Error, Result};
use crate::model::Environment;

const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
const BUILTIN: &str = "terraform.io/builtin/terraform";

/// Refuses whatever runs code of the configuration's choice.
pub(super) fn code(blocks: &[Block], allowed: &BTreeSet<String>) -> Result<()> {
    let list = || match allowed.len() {
        0 => "none".to_owned(),
        _ => allowed.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    for block in all(blocks) {
        let first = block.label(0);
        let (what, word) = match block.kind.as_str() {
            "data" if matches!(first, "external" | "http") => {
                (format!("data source \"{first}\""), first)
            }
            "provisioner" => (format!("provisioner \"{first}\""), first),
            "key_provider" | "method" if first == "external" => {
                ("an external program for state encryption".to_owned(), "external")
            }
            "provider" => match block.attributes.keys().find(|k| k.starts_with("shared_")) {
                // A shared configuration file can name a program to run (`credential_process`).
                Some(name) => (format!("provider argument {name}"), "external"),
                None => continue,
            },
            _ => continue,
        };
        if !allowed.contains(word) {
            return Err(denied(block, &format!("{what} is not allowed"), list())
                .detail("vector", word.to_owned()));
        }
    }
    Ok(())
}

/// Provider sources (`namespace/type`) that a module needs, beside the built-in one; refuses those not allowed.
pub(super) fn providers(blocks: &[Block], allowed: Allowed<'_>) -> Result<BTreeSet<String>> {
    let mut sources = BTreeMap::new();
    let mut needed = BTreeSet::new();
    for block in blocks.iter().filter(|b| b.kind == "terraform") {
        for required in block.children("required_providers") {
            for (name, value) in &required.attributes {
                let source = declared_source(name, value).ok_or_else(|| {
                    denied(
                        required,
                        &format!("the source of provider {name} is not literal"),
                        list(allowed),
                    )
                })?;
                needed.insert(check(required, &source, allowed)?);
                sources.insert(name.clone(), source);
            }
        }
    }
    for block in all(blocks) {
        let local = match block.kind.as_str() {
            // A resource may have a block of this name in it (EKS: `encryption_config { provider { … } }`): no label.
            "provider" if !block.labels.is_empty() => block.label(0).to_owned(),
            "resource" | "data" | "ephemeral" | "action" if block.labels.len() == 2 => {
                match block.attributes.get("provider") {
                    Some(reference) => local_name(&reference.written()),
                    None => local_name(block.label(0).split('_').next().unwrap_or_default()),
                }
            }
            _ => continue,
        };
        let source = sources.get(&local).cloned().unwrap_or_else(|| implied(&local));
        needed.insert(check(block, &source, allowed)?);
    }
    needed.remove(BUILTIN);
    Ok(needed)
}

fn local_name(reference: &str) -> String {
    reference.split(['.', '[']).next().unwrap_or_default().trim().to_owned()
}

fn implied(local: &str) -> String {
    if local == "terraform" { BUILTIN.to_owned() } else { format!("hashicorp/{local}") }
}

fn declared_source(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => match map.get("source") {
            Some(source) => source.text().map(str::to_owned),
            None => Some(implied(name)),
        },
        // The old form: only a version.
        Value::Text(_) => Some(implied(name)),
        _ => None,
    }
}

fn list(allowed: Allowed<'_>) -> String {
    allowed.providers.join(", ")
}

fn check(block: &Block, source: &str, allowed: Allowed<'_>) -> Result<String> {
    let lower = source.to_ascii_lowercase();
    if lower == BUILTIN {
        return Ok(lower);
    }
    let parts: Vec<&str> = lower.split('/').collect();
    let short = match parts.as_slice() {
        [kind] => Some(format!("hashicorp/{kind}")),
        [namespace, kind] => Some(format!("{namespace}/{kind}")),
        [host, namespace, kind] if HOSTS.contains(host) => Some(format!("{namespace}/{kind}")),
        _ => None,
    };
    let by_code = |short: &str| {
        short
            .strip_prefix("hashicorp/")
            .is_some_and(|kind| matches!(kind, "external" | "http") && allowed.code.contains(kind))
    };
    match short {
        Some(short) if allowed.providers.contains(&short) || by_code(&short) => Ok(short),
        _ => Err(refuse(block, source, allowed)),
    }
}

fn refuse(block: &Block, source: &str, allowed: Allowed<'_>) -> Error {
    denied(block, &format!("provider {source} is not allowed"), list(allowed))
        .detail("provider", source.to_owned())
}

/// Refuses to read a state through a backend of another kind than the configured one: it could be any server.
pub(super) fn foreign_state(blocks: &[Block], environment: &Environment) -> Result<()> {
    let kind = environment.backend.kind();
    for block in all(blocks) {
        let reads = block.kind == "data" && block.label(0) == "terraform_remote_state";
        if reads && block.attributes.get("backend").and_then(Value::text) != Some(kind) {
            let what = "a remote state of another backend is not allowed";
            return Err(denied(block, what, format!("backend \"{kind}\"")));
        }
    }
    Ok(())
}
