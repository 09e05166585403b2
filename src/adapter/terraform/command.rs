//! The argument vectors: fixed words, and paths that are absolute. The only thing in them that is not ours to choose is
//! what the plan is for.

use std::ffi::OsString;
use std::path::Path;

use crate::model::Intent;

/// How long terraform tries for the state lock before it says who holds it.
const LOCK_TIMEOUT: &str = "-lock-timeout=10s";

fn words(fixed: &[&str]) -> Vec<OsString> {
    fixed.iter().map(OsString::from).collect()
}

fn option(name: &str, path: &Path) -> OsString {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(path);
    word
}

/// With a file of values for a backend block; a `cloud` block takes neither option.
pub(super) fn init(backend: Option<&Path>) -> Vec<OsString> {
    let mut args = words(&["init", "-input=false", "-json", "-no-color", "-lockfile=readonly"]);
    if let Some(file) = backend {
        args.push("-reconfigure".into());
        args.push(option("-backend-config", file));
    }
    args
}

pub(super) fn plan(intent: Intent, out: &Path, variables: &Path) -> Vec<OsString> {
    let mut args = words(&["plan", "-input=false", "-json", "-detailed-exitcode", LOCK_TIMEOUT]);
    match intent {
        Intent::Apply => {}
        Intent::Destroy => args.push("-destroy".into()),
        Intent::Refresh => args.push("-refresh-only".into()),
    }
    args.push(option("-out", out));
    args.push(option("-var-file", variables));
    args
}

pub(super) fn show_json(plan: &Path) -> Vec<OsString> {
    let mut args = words(&["show", "-json"]);
    args.push(plan.into());
    args
}

pub(super) fn show(plan: &Path) -> Vec<OsString> {
    let mut args = words(&["show", "-no-color"]);
    args.push(plan.into());
    args
}

pub(super) fn apply(plan: &Path) -> Vec<OsString> {
    let mut args = words(&["apply", "-input=false", "-json", LOCK_TIMEOUT]);
    args.push(plan.into());
    args
}

pub(super) fn outputs() -> Vec<OsString> {
    words(&["output", "-json", "-no-color"])
}

pub(super) fn state_pull() -> Vec<OsString> {
    words(&["state", "pull"])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Bar 23: whatever a folder is called, no argument but our own options begins with a dash.
        #[test]
        fn bar_23_no_positional_begins_with_a_dash(name in "[-=a-z _$\"]{1,12}") {
            let path = Path::new("/scratch").join(&name);
            let ours = ["-input=false", "-json", "-no-color", "-lockfile=readonly", "-reconfigure",
                "-detailed-exitcode", LOCK_TIMEOUT, "-destroy", "-refresh-only"];
            let named = ["-backend-config=/", "-out=/", "-var-file=/"];
            for argv in [
                init(Some(&path)), init(None), plan(Intent::Apply, &path, &path), plan(Intent::Destroy, &path, &path), plan(Intent::Refresh, &path, &path),
                show_json(&path), show(&path), apply(&path), outputs(), state_pull(),
            ] {
                for word in argv {
                    let word = word.to_string_lossy().into_owned();
                    let known = ours.contains(&word.as_str()) || named.iter().any(|n| word.starts_with(n));
                    prop_assert!(known || !word.starts_with('-'), "{}", word);
                }
            }
        }
    }
}
