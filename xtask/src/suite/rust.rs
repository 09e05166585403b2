//! The Rust code: format, lints, the core without SDKs, its pages, dependency rules, tests.
//!
//! All cargo runs but one name the whole workspace: with the same packages selected, dependencies keep
//! the same features and nothing is built twice.

use std::process::Command;

use anyhow::{Context, Result};

use super::{Lane, Run, test_totals};
use crate::child;
use crate::lab::{Lab, PrivateLab};
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
    let Some(_lab) = lab else { return };
    let arguments = ["test", "--locked", "--workspace", "--test", "emulator", "--no-fail-fast"];
    let mut command = cargo(run, &arguments);
    // Much of their time is a wait: for a pause in a module, for keys to end, for a provider to look again.
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    command.args(["--", &format!("--test-threads={}", 2 * processors)]);
    command.env("DATAMCP_LAB", run.logs.join("lab/lab.json"));
    tests(run, lane, "cargo test, emulator tests", command);
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
