//! The argument vectors: fixed words, checked names, absolute paths. No `--set`, no plugin, no switch that makes a
//! connection less safe, and none that repairs by force.

use std::ffi::OsString;
use std::path::Path;

use super::binary::Line;
use crate::port::Patience;

/// How many revisions are looked at.
pub(super) const REVISIONS: usize = 20;

/// What every call says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) line: Line,
    pub(super) kubeconfig: &'a Path,
    pub(super) namespace: &'a str,
    pub(super) release: &'a str,
}

/// Where chart and values lie.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) chart: std::path::PathBuf,
    pub(super) values: std::path::PathBuf,
}

/// Name of the only context in our kubeconfig.
pub(super) const CONTEXT: &str = "environment";

fn option(name: &str, value: impl AsRef<std::ffi::OsStr>) -> OsString {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(value);
    word
}

impl Call<'_> {
    fn words(&self, verb: &str, positional: &[OsString]) -> Vec<OsString> {
        let mut words = vec![OsString::from(verb)];
        words.extend_from_slice(positional);
        words.push(option("--kubeconfig", self.kubeconfig));
        words.push(option("--kube-context", CONTEXT));
        words.push(option("--namespace", self.namespace));
        words
    }

    fn of_release(&self, verb: &str) -> Vec<OsString> {
        self.words(verb, &[self.release.into()])
    }
}

fn json(mut words: Vec<OsString>) -> Vec<OsString> {
    words.push("--output=json".into());
    words
}

fn patient(words: &mut Vec<OsString>, line: Line, patience: Patience) {
    words.push(option("--timeout", format!("{}s", patience.timeout_s)));
    match (line, patience.wait) {
        (Line::Four, true) => words.push("--wait=watcher".into()),
        (Line::Four, false) => words.push("--wait=hookOnly".into()),
        (Line::Three, true) => words.push("--wait".into()),
        (Line::Three, false) => {}
    }
}

pub(super) fn list(call: &Call<'_>, all: bool) -> Vec<OsString> {
    let mut words = call.words("list", &[]);
    if !all {
        // A checked name has no character that means something in a regular expression.
        words.push(option("--filter", format!("^{}$", call.release)));
    }
    if call.line == Line::Three {
        words.push("--all".into());
    }
    json(words)
}

pub(super) fn history(call: &Call<'_>) -> Vec<OsString> {
    let mut words = call.of_release("history");
    words.push(option("--max", REVISIONS.to_string()));
    json(words)
}

pub(super) fn status(call: &Call<'_>, revision: Option<u64>) -> Vec<OsString> {
    let mut words = call.of_release("status");
    if let Some(revision) = revision {
        words.push(option("--revision", revision.to_string()));
    }
    if call.line == Line::Three {
        words.push("--show-resources".into());
    }
    json(words)
}

fn upgrade(call: &Call<'_>, files: &Files) -> Vec<OsString> {
    let mut words = call.words("upgrade", &[call.release.into(), files.chart.clone().into()]);
    words.push("--install".into());
    words.push(option("--values", &files.values));
    json(words)
}

pub(super) fn render(call: &Call<'_>, files: &Files) -> Vec<OsString> {
    let mut words = upgrade(call, files);
    words.push("--dry-run=server".into());
    words
}

/// Checks a signature: the archive with its `.prov` beside it, against public keys.
pub(super) fn verify(archive: &Path, keyring: &Path) -> Vec<OsString> {
    vec!["verify".into(), archive.into(), option("--keyring", keyring)]
}

/// Renders a chart of ours that asks the API server something.
pub(super) fn ask(call: &Call<'_>, chart: &Path) -> Vec<OsString> {
    let mut words = call.words("template", &["question".into(), chart.into()]);
    words.push("--dry-run=server".into());
    words
}

pub(super) fn deploy(
    call: &Call<'_>,
    files: &Files,
    patience: Patience,
    operation: &str,
) -> Vec<OsString> {
    let mut words = upgrade(call, files);
    patient(&mut words, call.line, patience);
    words.push(option("--description", format!("datamcp {operation}")));
    if patience.undo {
        words.push(match call.line {
            Line::Three => "--atomic".into(),
            Line::Four => "--rollback-on-failure".into(),
        });
    }
    words
}

pub(super) fn rollback(call: &Call<'_>, revision: u64, patience: Patience) -> Vec<OsString> {
    let mut words = call.words("rollback", &[call.release.into(), revision.to_string().into()]);
    patient(&mut words, call.line, patience);
    words
}

pub(super) fn uninstall(call: &Call<'_>, patience: Patience) -> Vec<OsString> {
    let mut words = call.of_release("uninstall");
    patient(&mut words, call.line, patience);
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::name;

    fn all(call: &Call<'_>, folder: &Path, patience: Patience) -> Vec<Vec<OsString>> {
        let files = Files { chart: folder.join("chart"), values: folder.join("values.json") };
        vec![
            list(call, false),
            list(call, true),
            history(call),
            status(call, Some(3)),
            status(call, None),
            render(call, &files),
            ask(call, folder),
            deploy(call, &files, patience, "0198"),
            rollback(call, 3, patience),
            uninstall(call, patience),
            verify(&files.chart, &folder.join("keys")),
        ]
    }

    #[test]
    fn flags_are_those_of_the_line() {
        let text = |line| {
            let call = Call { line, kubeconfig: Path::new("/k"), namespace: "n", release: "r" };
            let patience = Patience { wait: true, timeout_s: 60, undo: true };
            let words: Vec<String> = all(&call, Path::new("/s"), patience)
                .concat()
                .iter()
                .map(|w| w.to_string_lossy().into_owned())
                .collect();
            words
        };
        let (three, four) = (text(Line::Three), text(Line::Four));
        for (only_three, only_four) in
            [("--atomic", "--rollback-on-failure"), ("--wait", "--wait=watcher")]
        {
            assert!(three.iter().any(|w| w == only_three) && !four.iter().any(|w| w == only_three));
            assert!(four.iter().any(|w| w == only_four) && !three.iter().any(|w| w == only_four));
        }
    }

    proptest! {
        /// Bar 23: whatever a release, a namespace or a folder is called, no positional begins with a dash, and nothing
        /// is said to helm but our own options.
        #[test]
        fn bar_23_no_positional_begins_with_a_dash(
            release in "[-a-zA-Z0-9._=/ ]{0,12}", namespace in "[-a-zA-Z0-9._=/ ]{0,12}",
            folder in "[-=a-z _$\"]{1,12}", four: bool, wait: bool, undo: bool, timeout_s in 1u64..4000,
        ) {
            if name::release(&release).is_err() || name::namespace(&namespace).is_err() {
                return Ok(());
            }
            let kubeconfig = Path::new("/scratch").join(&folder);
            let line = if four { Line::Four } else { Line::Three };
            let call = Call { line, kubeconfig: &kubeconfig, namespace: &namespace, release: &release };
            let named = ["--kubeconfig=/", "--kube-context=environment", "--namespace=", "--values=/", "--keyring=/",
                "--timeout=", "--description=datamcp ", "--filter=^", "--max=20", "--revision=3"];
            let ours = ["--install", "--output=json", "--dry-run=server", "--atomic", "--all", "--wait",
                "--rollback-on-failure", "--wait=watcher", "--wait=hookOnly", "--show-resources"];
            for words in all(&call, &kubeconfig, Patience { wait, timeout_s, undo }) {
                for word in words {
                    let word = word.to_string_lossy().into_owned();
                    let known = ours.contains(&word.as_str()) || named.iter().any(|n| word.starts_with(n));
                    prop_assert!(known || !word.starts_with('-'), "{}", word);
                }
            }
        }
    }
}
