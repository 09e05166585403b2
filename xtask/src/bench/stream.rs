//! The parser of terraform's event stream, by the crate's own benchmark.

use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::figure::Figure;
use crate::child;
use crate::place::Checkout;
use crate::tools;

/// What the benchmark prints.
#[derive(Deserialize)]
struct Measured {
    megabytes: f64,
    seconds: f64,
    growth_megabytes: Option<f64>,
    events: u64,
}

pub(super) fn measure(checkout: &Checkout) -> Result<Vec<Figure>> {
    let mut command: Command = tools::cargo();
    command.current_dir(checkout.top());
    command.args(["bench", "--locked", "--quiet", "--package", "datamcp", "--bench", "stream"]);
    let said = child::capture(&mut command)?;
    let line = said.lines().last().unwrap_or_default();
    let found: Measured = serde_json::from_str(line).context("reading the benchmark's answer")?;
    let note =
        format!("{:.0} MB, {} events, {:.2} s", found.megabytes, found.events, found.seconds);
    let speed = found.megabytes / found.seconds;
    let growth = found.growth_megabytes.context("memory: this needs /proc")?;
    Ok(vec![
        Figure::at_least("stream parser", speed, "MB/s", 100.0).note(note),
        Figure::at_most("memory growth while parsing", growth, "MB", 16.0),
    ])
}
