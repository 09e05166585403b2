//! The MCP conformance suites, run against the server of fixtures that stands on our own transport.
//!
//! What has to run is a committed list: a suite that runs less, or nothing, fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Kit;
use crate::child;

/// One suite in one version.
pub(super) struct Suite {
    /// The revision of the protocol.
    pub(super) revision: &'static str,
    /// Its package in `node_modules`.
    package: &'static str,
    /// What it is told to run.
    pick: [&'static str; 2],
    /// The scenarios, one a line; after `-` one that is expected to fail.
    scenarios: &'static str,
}

pub(super) const SUITES: [Suite; 2] = [
    Suite {
        revision: "2025-11-25",
        package: "conformance-2025",
        pick: ["--suite", "all"],
        scenarios: include_str!("../../../../tests/conformance/scenarios-2025-11-25.txt"),
    },
    Suite {
        revision: "2026-07-28",
        package: "conformance-2026",
        pick: ["--requirements", "2026-07-28"],
        scenarios: include_str!("../../../../tests/conformance/scenarios-2026-07-28.txt"),
    },
];

/// The server of fixtures; it ends with this value.
#[derive(Debug)]
pub(super) struct Fixture {
    child: Child,
    url: String,
}

impl Fixture {
    /// Starts it.
    pub(super) fn start(program: &Path, log: &Path) -> Result<Self> {
        let log = fs::File::create(log).with_context(|| format!("making {}", log.display()))?;
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let out = child.stdout.take().context("the server's stdout")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).context("reading where the server listens")?;
        let fixture = Self { child, url: line.trim().to_owned() };
        ensure!(fixture.url.starts_with("http://127.0.0.1:"), "expected a URL, got {line:?}");
        Ok(fixture)
    }

    /// Runs a suite and compares what it ran, and how that ended, with the list.
    pub(super) fn run(
        &self,
        suite: &Suite,
        kit: &Kit,
        folder: &Path,
        log: &Path,
    ) -> Result<String> {
        let expected = suite.expected();
        let failing: Vec<String> = expected
            .iter()
            .filter(|(_, passes)| !**passes)
            .map(|(name, _)| format!("  - {name}\n"))
            .collect();
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let baseline = folder.join("expected.yml");
        let text = if failing.is_empty() {
            "server: []\n".into()
        } else {
            format!("server:\n{}", failing.concat())
        };
        fs::write(&baseline, text).context("writing the expected failures")?;
        let script = format!("node_modules/{}/dist/index.js", suite.package);
        let results = folder.join("results");
        let mut command = Command::new(&kit.node);
        command.arg(kit.packages.join(script)).args(["server", "--url", &self.url]);
        command.args(suite.pick).arg("--expected-failures").arg(&baseline);
        command.arg("--output-dir").arg(&results).current_dir(folder);
        let ended = child::run(&mut command, log);
        let mut seen = outcomes(&results)?;
        let ran = seen.len();
        // A suite also runs what a revision does not require.
        seen.retain(|name, _| expected.contains_key(name));
        let missing: BTreeSet<&String> =
            expected.keys().filter(|name| !seen.contains_key(*name)).collect();
        let wrong: BTreeSet<&String> = seen
            .iter()
            .filter(|(name, passed)| expected.get(*name) != Some(passed))
            .map(|(name, _)| name)
            .collect();
        if !(missing.is_empty() && wrong.is_empty()) {
            bail!("did not run: {missing:?}; ended otherwise than expected: {wrong:?}");
        }
        ended?;
        let passed = seen.values().filter(|passed| **passed).count();
        let failed = seen.len() - passed;
        let more = ran - seen.len();
        Ok(format!("{passed} passed, {failed} failed as expected; {more} more are not required"))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Also reached on the way out of an error; it holds nothing that could be lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Suite {
    fn expected(&self) -> BTreeMap<String, bool> {
        let lines = self.scenarios.lines().map(str::trim).filter(|line| !line.is_empty());
        let one = |line: &str| match line.strip_prefix("- ") {
            Some(name) => (name.to_owned(), false),
            None => (line.to_owned(), true),
        };
        lines.map(one).collect()
    }
}

/// Scenarios with whether they passed, from the folders of a run: `server-NAME-TIME/checks.json`.
fn outcomes(results: &Path) -> Result<BTreeMap<String, bool>> {
    let mut seen = BTreeMap::new();
    let entries =
        fs::read_dir(results).with_context(|| format!("reading {}", results.display()))?;
    for entry in entries {
        let folder = entry.context("reading results")?;
        let name = folder.file_name().to_string_lossy().into_owned();
        let text = fs::read(folder.path().join("checks.json"))
            .with_context(|| format!("reading the checks of {name}"))?;
        let checks: Vec<Value> = serde_json::from_slice(&text).context("reading checks")?;
        let failed =
            checks.iter().any(|check| check.get("status") == Some(&Value::from("FAILURE")));
        seen.insert(scenario(&name), !checks.is_empty() && !failed);
    }
    Ok(seen)
}

/// The scenario of a result's folder: without the kind before it and the time behind it.
fn scenario(folder: &str) -> String {
    let name = folder.strip_prefix("server-").unwrap_or(folder);
    let time = regex_lite::Regex::new(r"-\d{4}-\d{2}-\d{2}T[0-9-]+Z?$");
    time.map_or_else(|_| name.to_owned(), |time| time.replace(name, "").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_24_the_lists_hold_what_the_revisions_require() {
        let counts = SUITES.map(|suite| {
            let expected = suite.expected();
            (suite.revision, expected.len(), expected.values().filter(|passes| !**passes).count())
        });
        assert_eq!(counts, [("2025-11-25", 32, 3), ("2026-07-28", 37, 0)]);
    }

    #[test]
    fn a_folder_names_its_scenario() {
        assert_eq!(scenario("server-tools-list-2026-11-22T19-02-11-123Z"), "tools-list");
        assert_eq!(
            scenario("server-server-sse-polling-2026-11-22T19-02-11-123Z"),
            "server-sse-polling"
        );
    }

    #[test]
    fn a_suite_that_ran_nothing_has_no_outcomes() {
        let folder = tempfile::tempdir().unwrap();
        assert!(outcomes(folder.path()).unwrap().is_empty());
        let one = folder.path().join("server-ping-2026-11-22T19-02-11-123Z");
        fs::create_dir(&one).unwrap();
        fs::write(one.join("checks.json"), "[]").unwrap();
        assert_eq!(outcomes(folder.path()).unwrap(), [("ping".to_owned(), false)].into());
    }
}
