//! How soon a call that does not wait is answered, and how long the answer about a large plan is.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::figure::{Figure, median, millis, percentile};
use super::site::{LARGE, Site};
use crate::mcp::{Answer, Client};

/// Calls that do not wait.
const CALLS: usize = 10;

pub(super) fn measure(site: &Site) -> Result<Vec<Figure>> {
    let mut client = site.session(&site.settings())?;
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let request = json!({ "cloud": "aws", "env": "one-0", "wait_s": 0 });
        let started = Instant::now();
        let answer = client.call("apply_terraform", &request, &mut |_| {})?;
        times.push(millis(started.elapsed()));
        let id = answer.text_at("/operation_id").context("the answer has no operation_id")?;
        settle(&mut client, id)?;
    }
    let slowest = percentile(&times, 1.0);
    let started = Instant::now();
    let request = json!({ "cloud": "aws", "env": "large", "wait_s": 120 });
    let answer = client.call("apply_terraform", &request, &mut |_| {})?;
    let took = started.elapsed();
    if answer.structured.pointer("/summary/add") != Some(&json!(LARGE)) {
        bail!("expected a plan of {LARGE} resources, got {}", answer.brief());
    }
    let length = characters(&answer);
    client.stop()?;
    Ok(vec![
        Figure::at_most("answer with wait_s = 0, slowest", slowest, "ms", 1000.0)
            .note(format!("median {:.1} ms of {CALLS} calls", median(&times))),
        Figure::at_most("answer about a 10,000-resource plan", length, "chars", 8000.0).note(
            format!("structured and text together; the plan took {:.1} s", took.as_secs_f64()),
        ),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "a length of thousands")]
fn characters(answer: &Answer) -> f64 {
    (answer.structured.to_string().chars().count() + answer.text.chars().count()) as f64
}

/// Waits for the end, so that the next call finds the environment free.
fn settle(client: &mut Client, id: &str) -> Result<()> {
    let request = json!({ "id": id, "wait_s": 120 });
    let answer = client.call("get_operation", &request, &mut |_| {})?;
    match answer.structured.get("status") {
        Some(Value::String(status)) if status == "planned" => Ok(()),
        _ => bail!("expected status planned, got {}", answer.brief()),
    }
}
