//! `datamcp eks-token` beside `aws eks get-token`, in turn. Each start is in a home of its own, so that neither finds
//! what it kept before.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::figure::{Figure, median, millis, percentile};
use super::site::Site;
use crate::child;
use crate::tools::Tool;

/// Tokens of each.
const TOKENS: usize = 15;
/// The cluster's name is signed, not looked up.
const CLUSTER: &str = "bench";

pub(super) fn measure(site: &Site) -> Result<Vec<Figure>> {
    let aws = Tool::Aws.provide()?;
    let ours = |home: &Path| {
        let mut command = Command::new(&site.program);
        command.args(["eks-token", "--cluster", CLUSTER, "--region", &site.aws.region]);
        at_home(site, command, home)
    };
    let theirs = |home: &Path| {
        let mut command = Command::new(&aws.path);
        command.args(["eks", "get-token", "--cluster-name", CLUSTER]);
        command.args(["--region", &site.aws.region]);
        at_home(site, command, home)
    };
    // Once each that does not count: what the machine reads from its disk.
    token(&mut ours(&home(site, "ours-first")?))?;
    token(&mut theirs(&home(site, "theirs-first")?))?;
    let (mut mine, mut beside, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..TOKENS {
        let own = home(site, &format!("ours-{round}"))?;
        mine.push(millis(token(&mut ours(&own))?));
        kept.push(millis(token(&mut ours(&own))?));
        beside.push(millis(token(&mut theirs(&home(site, &format!("theirs-{round}"))?))?));
    }
    let spread = format!(
        "p95 {:.1} ms of {TOKENS}; {:.1} ms with the token kept from before",
        percentile(&mine, 0.95),
        median(&kept)
    );
    let theirs = median(&beside);
    let whose = format!("aws-cli {}: {theirs:.0} ms", aws.version);
    Ok(vec![
        Figure::at_most("EKS token, p50", median(&mine), "ms", 10.0).note(spread),
        Figure::at_least("EKS token, beside aws-cli", theirs / median(&mine), "×", 50.0)
            .note(whose),
    ])
}

fn home(site: &Site, name: &str) -> Result<PathBuf> {
    let home = site.folder.join("homes").join(name);
    std::fs::create_dir_all(&home).context("making a home")?;
    Ok(home)
}

fn at_home(site: &Site, mut command: Command, home: &Path) -> Command {
    command.current_dir(home).env_clear().envs(site.surroundings());
    command.env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// How long one took, from the start to the end of the process.
fn token(command: &mut Command) -> Result<Duration> {
    let started = Instant::now();
    let said = child::capture(command)?;
    let took = started.elapsed();
    let answer: Value = serde_json::from_str(&said).context("reading a token")?;
    let token = answer.pointer("/status/token").and_then(Value::as_str).unwrap_or_default();
    if !token.starts_with("k8s-aws-v1.") {
        bail!("that is no token of EKS");
    }
    Ok(took)
}
