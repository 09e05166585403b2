//! From the start of the process to the first MCP answer, and memory at rest, beside another server of the same kind.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::figure::{Figure, median, millis, percentile};
use super::site::Site;
use crate::mcp::{Client, REVISION};
use crate::tools::Tool;

/// Starts of each server.
const STARTS: usize = 30;
/// How often memory is looked at.
const LOOKS: usize = 3;
/// After this time a server is at rest: datamcp takes over what dead supervisors left one second after its start.
const REST: Duration = Duration::from_secs(3);

pub(super) fn measure(site: &Site) -> Result<Vec<Figure>> {
    let ours = || site.server(&site.settings());
    let other = Tool::Tfmcp.provide();
    let theirs = other.as_ref().ok().map(|found| {
        let program = found.path.clone();
        move || {
            let mut command = Command::new(&program);
            command.arg("--dir").arg(site.folder.join("large")).arg("mcp");
            command.current_dir(&site.folder).env_clear().envs(site.surroundings());
            command
        }
    });
    let (mut mine, mut beside) = (Vec::new(), Vec::new());
    first_answer(site, &mut ours())?;
    for _ in 0..STARTS {
        mine.push(millis(first_answer(site, &mut ours())?));
        if let Some(theirs) = &theirs {
            beside.push(millis(first_answer(site, &mut theirs())?));
        }
    }
    let (mut rest, mut other_rest) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        rest.push(at_rest(site, &mut ours())?);
        if let Some(theirs) = &theirs {
            other_rest.push(at_rest(site, &mut theirs())?);
        }
    }
    let spread = format!("p95 {:.1} ms of {STARTS} starts", percentile(&mine, 0.95));
    let mut figures = vec![
        Figure::at_most("start to first answer, p50", median(&mine), "ms", 15.0).note(spread),
        Figure::at_most("start to first answer, p95", percentile(&mine, 0.95), "ms", 15.0),
        Figure::at_most("idle memory", median(&rest), "MB", 14.0)
            .note("VmRSS 3 s after tools/list"),
    ];
    match other {
        Ok(found) => {
            let whose = format!("tfmcp {}", found.version);
            let spread = format!("their p95 {:.1} ms", percentile(&beside, 0.95));
            let start =
                Figure::below("start, beside tfmcp", median(&mine), "ms", median(&beside), &whose);
            figures.push(start.note(spread));
            let theirs = Figure::told("idle memory of tfmcp", median(&other_rest), "MB");
            figures.push(theirs.note(whose));
        }
        Err(error) => figures.push(Figure::unmeasured("start, beside tfmcp", &error)),
    }
    Ok(figures)
}

/// Spawn, `initialize`, answer.
fn first_answer(site: &Site, command: &mut Command) -> Result<Duration> {
    let started = Instant::now();
    let mut client = Client::start(command, &site.folder.join("start.log"))?;
    hello(&mut client)?;
    let took = started.elapsed();
    // Dropped, not stopped: how a server ends is not measured here.
    Ok(took)
}

/// Megabytes in memory once nothing is going on.
fn at_rest(site: &Site, command: &mut Command) -> Result<f64> {
    let mut client = Client::start(command, &site.folder.join("start.log"))?;
    hello(&mut client)?;
    client.notify("notifications/initialized", &json!({}))?;
    client.tools()?;
    thread::sleep(REST);
    resident(client.pid().context("the server has no process")?)
}

/// Any revision is fine: the other server may know only an older one.
fn hello(client: &mut Client) -> Result<()> {
    let params = json!({
        "protocolVersion": REVISION,
        "capabilities": {},
        "clientInfo": { "name": "datamcp-bench", "version": env!("CARGO_PKG_VERSION") },
    });
    client.request("initialize", &params, &mut |_| {}).map(drop)
}

fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .context("reading the server's memory: this needs /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 = line
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .context("no VmRSS in /proc/PID/status")?;
    Ok(kilobytes * 1024.0 / 1e6)
}
