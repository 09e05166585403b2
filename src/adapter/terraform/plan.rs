//! Computes a plan: `plan`, then both forms of `show` side by side.

use serde_json::{Map, Value};

use super::prepare::Prepared;
use super::report::Report;
use super::{command, diagnose, files, follow, plan_file, plan_json};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::Sink;
use crate::model::{Digest, Intent};
use crate::port::{Job, Planned, Watch};

pub(super) async fn plan(
    prepared: &Prepared,
    job: &Job,
    intent: Intent,
    variables: &Map<String, Value>,
    watch: &dyn Watch,
) -> Result<Planned> {
    let doing = format!("planning {}", prepared.place);
    let in_scratch = |name: &str| job.scratch.join(name);
    let (file, vars) = (in_scratch("plan.tfplan"), in_scratch("variables.tfvars.json"));
    let (stream, complaints) = (in_scratch("plan.jsonl"), in_scratch("plan.stderr"));
    for old in [&file, &stream, &complaints] {
        files::remove(old);
    }
    let values = Value::Object(variables.clone()).to_string();
    files::write_private(&vars, values.as_bytes())?;
    watch.progress(&doing, 0, 0).await;
    // A plan holds the state lock: its output goes to files as well, so that it never dies of our death.
    let mut running = prepared
        .invocation(command::plan(intent, &file, &vars))
        .output(Sink::File(stream.clone()), Sink::File(complaints.clone()))
        .own_session()
        .spawn()?;
    let mut report = Report::default();
    let end = follow::follow(&mut running, &stream, 0, &mut report, watch).await?;
    if running.is_interrupted() {
        let why = format!("{doing}: stopped on request");
        return Err(Error::new(ErrorCode::Cancelled, why));
    }
    if let Some(ui) = &report.foreign_ui {
        return Err(foreign(&doing, ui));
    }
    if !matches!(end.code, Some(0 | 2)) || report.diagnostics.iter().any(|d| d.error) {
        let text = files::read(&complaints).unwrap_or_default();
        let more = diagnose::from_text(&String::from_utf8_lossy(&text));
        report.diagnostics.extend(more);
        return Err(diagnose::classify(&doing, &report.diagnostics)
            .detail("returncode", end.code)
            .detail("signal", end.signal));
    }
    let showing = format!("showing the plan of {}", prepared.place);
    let both = async {
        tokio::try_join!(
            prepared.read(&showing, command::show_json(&file)),
            prepared.read(&showing, command::show(&file)),
        )
    };
    let (json, text) = follow::unless_stopped(watch, &showing, both).await?;
    let read = plan_json::read(&json, intent)?;
    let bytes = files::read(&file)?;
    let warnings = report.diagnostics.iter().filter(|d| !d.error);
    Ok(Planned {
        json: Digest::of(&json),
        changes: read.changes,
        text: String::from_utf8_lossy(&text).into_owned(),
        state: plan_file::prior_state(&bytes)?,
        file: bytes,
        facts: prepared.facts.clone(),
        secrets: read.secrets,
        seen: read.seen,
        warnings: warnings
            .map(|d| {
                format!("{}: {}", d.summary, d.detail.trim())
                    .trim_end_matches([':', ' '])
                    .to_owned()
            })
            .collect(),
    })
}

/// A stream whose major version we do not know may mean anything.
fn foreign(doing: &str, ui: &str) -> Error {
    let why = format!("{doing}: the event stream has version {ui}");
    Error::new(ErrorCode::ToolMissing, why)
        .allowed("event stream version 1.x")
        .next("use a terraform or tofu version that this version of datamcp supports")
}
