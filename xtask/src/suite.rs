//! `cargo xtask test`: every check of the repository, in lanes.
//!
//! A lane that cannot run is a failure, unless `--lanes` leaves it out by name. A failed step does not
//! stop the run: all failures are shown. The last line is `N passed, N failed`, counted in steps.

mod charts;
mod clients;
mod cluster;
mod descriptions;
mod infra;
mod mappings;
mod rust;
mod workflows;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::child;
use crate::place::Checkout;
use crate::report::Report;
use crate::tools::{Found, Tool};

/// A set of checks with the same needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lane {
    /// Format, lints, dependency rules, and tests that start nothing but our own processes.
    Hermetic,
    /// Stub mappings in WireMock, by the models of AWS, and recorded once more; stand-ins that drift; descriptions made anew.
    Fixtures,
    /// Tests with a real Terraform on the AWS emulator.
    Emulator,
    /// Tests with a real Kubernetes and a real Argo CD, on the checkout's own lab.
    Cluster,
    /// Terraform code, the chart, and GitHub workflows.
    Infra,
    /// The official MCP clients and the conformance suites.
    Clients,
    /// What needs the open network: advisories, and tflint's rules for AWS. Only when named.
    Network,
}

/// One run: what it knows, and what it has seen.
struct Run<'a> {
    checkout: &'a Checkout,
    logs: PathBuf,
    report: Report,
}

impl Lane {
    /// The lanes that run when none is named.
    pub fn by_default() -> Vec<Self> {
        Self::value_variants().iter().copied().filter(|lane| *lane != Self::Network).collect()
    }
}

/// Runs the lanes; tells whether every step passed.
pub fn run(checkout: &Checkout, lanes: &[Lane]) -> Result<bool> {
    let logs = checkout.target().join("xtask-test");
    if logs.exists() {
        std::fs::remove_dir_all(&logs).with_context(|| format!("clearing {}", logs.display()))?;
    }
    std::fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;
    let mut run = Run { checkout, logs, report: Report::new() };
    for lane in Lane::value_variants().iter().filter(|lane| lanes.contains(lane)) {
        match lane {
            Lane::Hermetic => rust::hermetic(&mut run),
            Lane::Emulator => rust::emulator(&mut run),
            Lane::Fixtures => mappings::lane(&mut run),
            Lane::Cluster => cluster::lane(&mut run),
            Lane::Infra => {
                infra::lane(&mut run);
                charts::lane(&mut run);
                workflows::lane(&mut run);
            }
            Lane::Clients => clients::lane(&mut run),
            Lane::Network => {
                rust::advisories(&mut run);
                infra::cloud_rules(&mut run);
            }
        }
    }
    Ok(run.finish(lanes))
}

impl Run<'_> {
    /// Runs a step and goes on, whatever it was; a failure is shown with the end of its log.
    fn step(&mut self, lane: Lane, name: &str, work: impl FnOnce(&Self) -> Result<String>) -> bool {
        let mut report = std::mem::take(&mut self.report);
        let outcome = report.step(&lane.to_string(), name, |_| work(self));
        self.report = report;
        if let Err(error) = &outcome {
            for line in format!("{error:#}").lines().skip(1) {
                println!("{line}");
            }
        }
        outcome.is_ok()
    }

    /// Runs a command as a step; its output goes to a log named after the step.
    fn command(&mut self, lane: Lane, name: &str, mut command: Command) -> bool {
        let log = self.log(lane, name);
        self.step(lane, name, |_| {
            child::run(&mut command, &log)?;
            Ok(String::new())
        })
    }

    /// Provides tools as one step; nothing when one is not to be had, which is a failure of the lane.
    fn tools<const N: usize>(&mut self, lane: Lane, tools: [Tool; N]) -> Option<[Found; N]> {
        let mut found = Vec::new();
        self.step(lane, "tools", |_| {
            for tool in tools {
                found.push(tool.provide()?);
            }
            let names: Vec<String> =
                found.iter().map(|found| format!("{} {}", found.tool, found.version)).collect();
            Ok(names.join(", "))
        });
        found.try_into().ok()
    }

    fn log(&self, lane: Lane, name: &str) -> PathBuf {
        let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = format!("{lane}-{name}").chars().map(letters).collect();
        self.logs.join(format!("{name}.log"))
    }

    /// Prints the table, which lanes ran, and the totals as the last line.
    fn finish(&self, lanes: &[Lane]) -> bool {
        let (passed, failed) = self.report.totals();
        let names = |picked: bool| {
            let lanes = Lane::value_variants().iter().filter(|lane| lanes.contains(lane) == picked);
            let names: Vec<String> = lanes.map(ToString::to_string).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        println!("\n{}", self.report.table());
        println!("lanes that ran: {}; that did not: {}", names(true), names(false));
        if !lanes.contains(&Lane::Network) {
            println!(
                "the network lane (advisories, tflint's AWS rules) runs in the GitHub workflow"
            );
        }
        println!("logs: {}", self.logs.display());
        println!("{passed} passed, {failed} failed");
        failed == 0
    }
}

/// Adds up cargo's lines about tests; fails when there was none to run.
/// What a run of cargo's tests says of itself at the end.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Totals {
    /// Tests that held.
    pub(crate) passed: u32,
    /// Tests that did not.
    pub(crate) failed: u32,
    /// Tests that were not run.
    pub(crate) ignored: u32,
}

impl Totals {
    /// Adds up the last lines of every test program in a log.
    pub(crate) fn of(log: &std::path::Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))?;
        let mut totals = Self::default();
        for line in text.lines().filter(|line| line.starts_with("test result:")) {
            let mut words = line.split_whitespace().peekable();
            while let Some(word) = words.next() {
                let number = || word.parse::<u32>().unwrap_or_default();
                match words.peek() {
                    Some(&"passed;") => totals.passed += number(),
                    Some(&"failed;") => totals.failed += number(),
                    Some(&"ignored;") => totals.ignored += number(),
                    _ => {}
                }
            }
        }
        Ok(totals)
    }
}

fn test_totals(log: &std::path::Path) -> Result<String> {
    let Totals { passed, ignored, .. } = Totals::of(log)?;
    ensure!(passed > 0, "no test was run");
    Ok(if ignored == 0 {
        format!("{passed} tests passed")
    } else {
        format!("{passed} tests passed, {ignored} ignored")
    })
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hermetic => "hermetic",
            Self::Fixtures => "fixtures",
            Self::Emulator => "emulator",
            Self::Cluster => "cluster",
            Self::Infra => "infra",
            Self::Clients => "clients",
            Self::Network => "network",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_added_up_and_none_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let line = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        std::fs::write(&log, format!("x\n{line}\n\n{line}\n")).unwrap();
        assert_eq!(test_totals(&log).unwrap(), "4 tests passed, 2 ignored");
        std::fs::write(&log, "running 0 tests\n").unwrap();
        test_totals(&log).unwrap_err();
    }

    #[test]
    fn the_network_is_asked_only_by_name() {
        let usual = [
            Lane::Hermetic,
            Lane::Fixtures,
            Lane::Emulator,
            Lane::Cluster,
            Lane::Infra,
            Lane::Clients,
        ];
        assert_eq!(Lane::by_default(), usual);
    }
}
