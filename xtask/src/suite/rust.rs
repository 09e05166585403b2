//! The Rust code: format, lints, the core without SDKs, its pages, dependency rules, tests.
//!
//! All cargo runs but one name the whole workspace: with the same packages selected, dependencies keep
//! the same features and nothing is built twice.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Lane, Run, Totals, test_totals};
use crate::child;
use crate::lab::{Emulator, Lab, NEEDS, PrivateLab, foreign_endpoint};
use crate::tools::{self, Tool};

pub(super) fn hermetic(run: &mut Run<'_>) {
    let lane = Lane::Hermetic;
    let deny = run.tools(lane, [Tool::CargoDeny]);
    run.command(lane, "cargo fmt", cargo(run, &["fmt", "--all", "--check"]));
    let lints = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run.command(lane, "cargo clippy", cargo(run, &lints));
    let lints = ["clippy", "--locked", "--workspace", "--test", "emulator", "--", "-D", "warnings"];
    run.command(lane, "cargo clippy, emulator tests", cargo(run, &lints));
    let lints = ["clippy", "--locked", "--workspace", "--test", "cluster", "--", "-D", "warnings"];
    run.command(lane, "cargo clippy, cluster tests", cargo(run, &lints));
    let core = ["check", "--locked", "--package", "datamcp", "--no-default-features"];
    run.command(lane, "cargo check, core without SDKs", cargo(run, &core));
    let pages = ["doc", "--locked", "--workspace", "--no-deps"];
    let mut pages = cargo(run, &pages);
    pages.env("RUSTDOCFLAGS", "-D warnings");
    run.command(lane, "cargo doc, no warnings", pages);
    if let Some([deny]) = deny {
        let mut command = Command::new(deny.path);
        command.current_dir(run.checkout.top());
        command.args(["--workspace", "--locked", "check", "bans", "licenses", "sources"]);
        run.command(lane, "cargo deny: bans, licences, sources", command);
    }
    tests(
        run,
        lane,
        "cargo test",
        cargo(run, &["test", "--locked", "--workspace", "--no-fail-fast"]),
    );
}

pub(super) fn emulator(run: &mut Run<'_>) {
    let lane = Lane::Emulator;
    let mut lab = None;
    run.step(lane, "lab of the tests", |run| {
        let started = private_lab(run)?;
        let seen = format!("{}, terraform {}", started.aws.endpoint, started.terraform.version);
        lab = Some(started);
        Ok(seen)
    });
    // Held to the end of the lane: the emulator ends with it.
    let Some(lab) = lab else { return };
    let arguments = ["test", "--locked", "--workspace", "--test", "emulator", "--no-fail-fast"];
    let mut command = cargo(run, &arguments);
    command.arg("--").arg(waiting());
    command.env("DATAMCP_LAB", run.logs.join("lab/lab.json"));
    if foreign_endpoint().is_some() {
        foreign(run, "cargo test, a foreign emulator", command);
        return;
    }
    tests(run, lane, "cargo test, emulator tests", command);
    as_described(run, lane, &Emulator::new(&lab.aws));
    drop(lab);
    switched(run, &arguments);
}

/// How many tests run at once where much of their time is a wait: for a pause in a module, for keys to end, for a provider to
/// look again.
pub(super) fn waiting() -> String {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    format!("--test-threads={}", 2 * processors)
}

/// A few tests on moto without additions, by the switch that users have: the whole path, and some that need additions.
fn switched(run: &mut Run<'_>, arguments: &[&str]) {
    let mut lab = None;
    run.step(Lane::Emulator, "a foreign emulator", |run| {
        let started = Lab::start_foreign(&run.logs.join("foreign"))?;
        let seen = format!("{}, account {}", started.aws.endpoint, started.aws.account_id);
        lab = Some(started);
        Ok(seen)
    });
    let Some(lab) = lab else { return };
    let mut command = cargo(run, arguments);
    command.args(["--", "path::", "backend::answers::"]);
    command.env("DATAMCP_LAB", run.logs.join("foreign/lab.json"));
    command.env("DATAMCP_TEST_AWS_ENDPOINT", &lab.aws.endpoint);
    let name = "cargo test, by DATAMCP_TEST_AWS_ENDPOINT";
    if let Some(0) = foreign(run, name, command) {
        run.step(Lane::Emulator, name, |_| bail!("no test said that it needs an addition"));
    }
}

/// Whatever the tests expected: nothing that went over the wire may have been unlike the descriptions of AWS and Google.
pub(super) fn as_described(run: &mut Run<'_>, lane: Lane, emulator: &Emulator) {
    run.step(lane, "exchanges as AWS and Google describe them", |_| {
        let (drifts, looked) = emulator.drifts()?;
        ensure!(drifts.is_empty(), "{} were not\n{}", drifts.len(), drifts.join("\n"));
        ensure!(looked > 0, "none was looked at");
        Ok(format!("{looked} of them"))
    });
}

/// On somebody else's emulator: tests that end for want of one of the lab's additions are counted, and named in the log;
/// any other failure is one.
/// Answers how many these are, where nothing else failed.
fn foreign(run: &mut Run<'_>, name: &str, mut command: Command) -> Option<usize> {
    let lane = Lane::Emulator;
    let log = run.log(lane, name);
    let mut without = None;
    run.step(lane, name, |_| {
        // Whether it went well is read from the log.
        let _ = child::run(&mut command, &log);
        let totals = Totals::of(&log)?;
        let text = std::fs::read_to_string(&log).context("reading the log of the tests")?;
        let wanting = wanting(&text);
        ensure!(totals.passed > 0, "no test passed; see {}", log.display());
        let other = totals.failed.saturating_sub(u32::try_from(wanting.len())?);
        for name in &wanting {
            println!("  not on this emulator: {name}");
        }
        ensure!(other == 0, "{other} tests failed for another reason; see {}", log.display());
        without = Some(wanting.len());
        Ok(format!("{} passed, {} need the lab's additions", totals.passed, wanting.len()))
    });
    without
}

/// Tests that ended with the words for a missing addition.
fn wanting(log: &str) -> Vec<String> {
    let parts = log.split("\n---- ").skip(1);
    let parts = parts.filter_map(|part| part.split_once(" stdout ----"));
    parts.filter(|(_, text)| text.contains(NEEDS)).map(|(name, _)| name.to_owned()).collect()
}

pub(super) fn advisories(run: &mut Run<'_>) {
    let lane = Lane::Network;
    let Some([deny]) = run.tools(lane, [Tool::CargoDeny]) else {
        return;
    };
    let mut command = Command::new(deny.path);
    command.current_dir(run.checkout.top()).args(["--workspace", "check", "advisories"]);
    run.command(lane, "cargo deny: advisories", command);
}

/// Builds the program that the clients talk to. The whole workspace with its tests, as the other lanes do.
pub(super) fn build(run: &Run<'_>) -> Command {
    cargo(run, &["build", "--locked", "--workspace", "--all-targets"])
}

fn private_lab(run: &Run<'_>) -> Result<PrivateLab> {
    Lab::start_private(&run.logs.join("lab")).context("starting a lab for the tests")
}

pub(super) fn tests(run: &mut Run<'_>, lane: Lane, name: &str, mut command: Command) {
    let log = run.log(lane, name);
    run.step(lane, name, |_| {
        child::run(&mut command, &log)?;
        test_totals(&log)
    });
}

pub(super) fn cargo(run: &Run<'_>, arguments: &[&str]) -> Command {
    let mut command = tools::cargo();
    command
        .current_dir(run.checkout.top())
        .args(arguments)
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_want_an_addition_are_told_from_those_that_fail() {
        let log = format!(
            "failures:\n\n---- a::b stdout ----\npanicked at x: {NEEDS} keys, which\n\n---- c stdout ----\npanicked: wrong\n"
        );
        assert_eq!(wanting(&log), ["a::b"]);
        assert!(wanting("test result: ok. 1 passed; 0 failed").is_empty());
    }
}
