//! What datamcp adds to the terraform commands that it runs: its plan and apply beside the same commands run bare, and
//! the time in which no terraform runs at all.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::bare::Bare;
use super::figure::{Figure, median, millis};
use super::noted::{Noted, covered, told};
use super::site::{ROUNDS, Site, write};
use crate::mcp::{Answer, Client};

pub(super) fn measure(site: &Site) -> Result<Vec<Figure>> {
    let mut client = site.session(&site.settings())?;
    let (mut plans, mut applies, mut whole, mut bare) = (vec![], vec![], vec![], vec![]);
    let mut parts: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut last = String::new();
    for round in 1..=ROUNDS {
        // In turn first and second: neither always finds a warmer machine.
        let mut ours = || -> Result<()> {
            let (plan, apply, id) = through(&mut client, &format!("one-{round}"))?;
            plans.push(millis(plan));
            applies.push(millis(apply));
            whole.push(millis(plan + apply));
            last = id;
            Ok(())
        };
        if round % 2 == 0 {
            ours()?;
        }
        let run = Bare::run(site, round)?;
        bare.push(millis(run.total()));
        for (at, (name, time)) in run.times.iter().enumerate() {
            match parts.get_mut(at) {
                Some((_, times)) => times.push(millis(*time)),
                None => parts.push((name, vec![millis(*time)])),
            }
        }
        if round % 2 == 1 {
            ours()?;
        }
    }
    client.stop()?;
    let (mine, theirs) = (median(&whole), median(&bare));
    let bar = (theirs * 0.02).max(50.0);
    let shares: Vec<String> =
        parts.iter().map(|(name, times)| format!("{name} {:.0}", median(times))).collect();
    let mut figures = vec![
        Figure::told("plan and apply, bare", theirs, "ms").note(shares.join(", ")),
        Figure::told("plan and apply, datamcp", mine, "ms").note(format!(
            "plan {:.0}, apply {:.0}; both shows side by side",
            median(&plans),
            median(&applies)
        )),
        Figure::at_most("overhead, whole", mine - theirs, "ms", bar),
    ];
    figures.extend(alone(site, bar)?);
    figures.push(events(site, &last)?);
    Ok(figures)
}

/// A plan and its apply through the server; the times of both, and the operation that applied.
fn through(client: &mut Client, env: &str) -> Result<(Duration, Duration, String)> {
    let started = Instant::now();
    let request = json!({ "cloud": "aws", "env": env, "wait_s": 120 });
    let planned = expect(client.call("apply_terraform", &request, &mut |_| {})?, "planned")?;
    let plan = started.elapsed();
    let id = planned.text_at("/plan_id").context("the answer has no plan_id")?;
    let started = Instant::now();
    let request = json!({ "plan_id": id, "dry_run": false, "auto_approve": true, "wait_s": 120 });
    let applied = expect(client.call("apply_terraform", &request, &mut |_| {})?, "succeeded")?;
    let operation = applied.text_at("/operation_id").context("the answer has no operation_id")?;
    Ok((plan, started.elapsed(), operation.to_owned()))
}

fn expect(answer: Answer, status: &str) -> Result<Answer> {
    if answer.status() != status {
        bail!("expected status {status}, got {}", answer.brief());
    }
    Ok(answer)
}

/// More runs, with a terraform that notes when it starts and ends: what is left is ours alone.
fn alone(site: &Site, bar: f64) -> Result<Vec<Figure>> {
    let noted = Noted::of(&site.terraform.path, &site.folder, "terraform")?;
    let settings = site.folder.join("noted.toml");
    write(&settings, &site.configuration(&noted.script, "noted")?)?;
    let mut client = site.session(&settings)?;
    // The first round notes the files that everything is read from.
    through(&mut client, "one-0")?;
    let mut own = Vec::new();
    let mut seen = String::new();
    for round in 1..=3 {
        noted.clear()?;
        let (plan, apply, _) = through(&mut client, &format!("one-{round}"))?;
        let spans = noted.spans()?;
        own.push(millis(plan + apply) - covered(&spans));
        seen = told(&spans);
    }
    client.stop()?;
    let version = "the version probes of both supervisors count as terraform's here";
    Ok(vec![
        Figure::at_most("time without any terraform, both calls", median(&own), "ms", bar)
            .note(version),
        Figure::told("terraform processes of the last run", count(&seen), "").note(seen),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn count(seen: &str) -> f64 {
    seen.split(", ").count() as f64
}

/// Events in the log of the operation that applied.
fn events(site: &Site, operation: &str) -> Result<Figure> {
    let mut command = std::process::Command::new(&site.program);
    command.arg("--config").arg(site.settings()).args(["--json", "ops", "show", operation]);
    command.env_clear().envs(site.surroundings());
    let shown: Value = serde_json::from_str(&crate::child::capture(&mut command)?)
        .context("reading an operation")?;
    let number = shown.get("events").and_then(Value::as_array).map_or(0, Vec::len);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    Ok(Figure::at_most("log writes on the path of an apply", number as f64, "", 3.0))
}
