//! Root modules of `terraform_data` (built in: nothing is installed) whose resources tell that they were made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A file to which every resource that is made adds a line: pid of its terraform, home of its run, its name.
#[derive(Debug, Clone)]
pub(crate) struct Effects(PathBuf);

impl Effects {
    /// In this folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.join("effects"))
    }

    /// The command that adds a line; `$HOME` of a run names its operation.
    pub(crate) fn command(&self, name: &str) -> String {
        format!("echo \\\"$PPID $HOME {name}\\\" >> {}", self.0.display())
    }

    /// Names that were made, by operation. One terraform an operation, each name once: or the test fails.
    pub(crate) fn by_operation(&self) -> BTreeMap<String, Vec<String>> {
        let mut pids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in std::fs::read_to_string(&self.0).unwrap_or_default().lines() {
            let [pid, home, name] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("a line of effects: {line}");
            };
            let operation = home.split("/runs/").nth(1).unwrap().split('/').next().unwrap();
            pids.entry(operation.to_owned()).or_default().insert(pid.to_owned());
            names.entry(operation.to_owned()).or_default().push(name.to_owned());
        }
        for (operation, pids) in pids {
            assert_eq!(pids.len(), 1, "{operation} had several terraform children: {pids:?}");
            let made = &names[&operation];
            let once: BTreeSet<_> = made.iter().collect();
            assert_eq!(once.len(), made.len(), "{operation} made one thing twice: {made:?}");
        }
        names
    }

    /// Names that an operation made, in order.
    pub(crate) fn of(&self, operation: &str) -> Vec<String> {
        self.by_operation().remove(operation).unwrap_or_default()
    }

    /// How many lines there are.
    pub(crate) fn count(&self) -> usize {
        self.by_operation().values().map(Vec::len).sum()
    }
}

/// One resource, made after another one, that runs a command.
pub(crate) fn step(name: &str, after: Option<&str>, command: &str) -> String {
    let after =
        after.map_or_else(String::new, |a| format!("  depends_on = [terraform_data.{a}]\n"));
    format!(
        "resource \"terraform_data\" \"{name}\" {{\n  triggers_replace = [var.turn]\n{after}  \
         provisioner \"local-exec\" {{\n    command = \"{command}\"\n  }}\n}}\n"
    )
}

/// Resources `s0`, `s1`, … one after the other, each of which takes this long.
pub(crate) fn chain(effects: &Effects, length: usize, seconds: f32) -> String {
    chain_on("local", effects, length, seconds)
}

/// The same with another kind of backend.
pub(crate) fn chain_on(backend: &str, effects: &Effects, length: usize, seconds: f32) -> String {
    let steps: Vec<String> = (0..length)
        .map(|i| {
            let (name, command) = (
                format!("s{i}"),
                format!("{}; sleep {seconds}", effects.command(&format!("s{i}"))),
            );
            let before = i.checked_sub(1).map(|b| format!("s{b}"));
            step(&name, before.as_deref(), &command)
        })
        .collect();
    module_of(backend, &steps.concat())
}

/// Steps `a`, `b` and `c`, one after the other; the second one, once it is noted, goes on with this command.
pub(crate) fn three(effects: &Effects, second: &str) -> String {
    let second = format!("{}; {second}", effects.command("b"));
    let steps = [
        step("a", None, &effects.command("a")),
        step("b", Some("a"), &second),
        step("c", Some("b"), &effects.command("c")),
    ];
    module_of("local", &steps.concat())
}

/// A root module with a variable `turn` (another value of it replaces every step) and one that does nothing.
pub(crate) fn module_of(backend: &str, body: &str) -> String {
    format!(
        "terraform {{\n  backend \"{backend}\" {{}}\n}}\n\nvariable \"turn\" {{\n  type    = string\n  \
         default = \"0\"\n}}\n\nvariable \"other\" {{\n  type    = string\n  default = \"0\"\n}}\n\n{body}"
    )
}
