//! The ways in which an operation ends, each with its answer and its record.

use serde_json::json;

use super::ask::need;
use crate::audit::Closing;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{PlanRecord, Status};
use crate::operation::answer::{ChangeAnswer, Summary};
use crate::operation::{Scene, World};
use crate::policy::Decision;
use crate::port::Watch;
use crate::run::{Journal, RunFile};

pub(super) fn answer(
    scene: &Scene<'_>,
    status: Status,
    plan: &PlanRecord,
    warnings: Vec<String>,
) -> ChangeAnswer {
    let mut answer = ChangeAnswer::new(Some(scene.run.operation), status);
    answer.summary = Some(Summary::of(&plan.changes));
    answer.plan_id = Some(plan.id);
    answer.plan_stdout = Some(plan.text.clone());
    answer.warnings = scene.ask.notes.iter().cloned().chain(warnings).collect();
    answer
}

/// The end of a dry run.
pub(super) async fn planned(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    decision: &Decision,
    warnings: Vec<String>,
) -> Result<ChangeAnswer> {
    let mut answer = answer(scene, Status::Planned, plan, warnings);
    answer.approval = Some(need(scene, plan, decision, None));
    answer.returncode = Some(if plan.changes.is_empty() { 0 } else { 2 });
    answer.next = Some(if plan.changes.is_empty() {
        "nothing to do: the infrastructure is as described".to_owned()
    } else {
        format!(
            "review it, then call {} with plan_id {} and dry_run=false",
            scene.tool.name, plan.id
        )
    });
    let closing = closing(&answer, plan);
    end(scene, answer, closing).await
}

/// The end of a real call that has nothing to do.
pub(super) async fn nothing_to_do(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    warnings: Vec<String>,
) -> Result<ChangeAnswer> {
    let mut answer = answer(scene, Status::Succeeded, plan, warnings);
    answer.returncode = Some(0);
    answer.next = Some("nothing to do: the infrastructure is as described".to_owned());
    let closing = closing(&answer, plan);
    end(scene, answer, closing).await
}

/// The end of an operation that only looked.
pub(super) async fn surveyed(scene: &Scene<'_>, answer: ChangeAnswer) -> Result<ChangeAnswer> {
    let mut closing = Closing::new(
        answer.status,
        answer.summary.as_ref().map_or_else(String::new, |s| s.text.clone()),
    );
    closing.stdout = scene.journal.clean(answer.plan_stdout.as_deref().unwrap_or_default());
    let found = answer.summary.iter().flat_map(|s| &s.resources);
    closing.resource_refs = found.take(500).map(|r| r.address.clone()).collect();
    end(scene, answer, closing).await
}

/// What the log is told about an end.
pub(super) fn closing(answer: &ChangeAnswer, plan: &PlanRecord) -> Closing {
    let mut closing = Closing::new(
        answer.status,
        answer.summary.as_ref().map_or_else(String::new, |s| s.text.clone()),
    );
    closing.plan = Some(plan.id);
    closing.stdout =
        answer.apply_stdout.clone().or_else(|| answer.plan_stdout.clone()).unwrap_or_default();
    closing.stderr = answer.warnings.join("\n");
    closing.resource_refs =
        plan.changes.resources.iter().take(500).map(|r| r.address.clone()).collect();
    closing.error.clone_from(&answer.error);
    closing
}

/// The answer of an operation whose end is on record: a supervisor that comes late or twice does nothing.
pub(super) async fn ended_before(world: &World, run: &RunFile) -> Option<ChangeAnswer> {
    let row = world.log.store().row(run.operation).await.ok()??;
    if !row.status.is_final() {
        return None;
    }
    let mut answer = ChangeAnswer::new(Some(row.id), row.status);
    answer.summary = Some(Summary { text: row.summary, ..Summary::default() });
    answer.plan_id = row.plan;
    answer.error = row.error;
    Some(answer.fit())
}

/// The end by an error: recorded, answered.
pub(super) async fn fail(scene: &Scene<'_>, error: Error) -> ChangeAnswer {
    fail_early(scene.world, scene.run, scene.journal, error).await
}

/// The end by an error before the request was understood again.
pub(super) async fn fail_early(
    world: &World,
    run: &RunFile,
    journal: &Journal,
    error: Error,
) -> ChangeAnswer {
    let error = error.map_text(&|text| journal.clean(text));
    let status = status_of(&error);
    let mut answer = ChangeAnswer::failed(Some(run.operation), status, error.clone());
    drop(world.runs.close_scratch(run.operation, &[]).await);
    let closing = Closing::failed(status, error);
    if let Err(unrecorded) =
        world.log.end(run.operation, &run.target.to_string(), &run.actor, closing).await
    {
        answer.warnings.push(format!("the end could not be recorded yet: {unrecorded}"));
        drop(journal.note("close_failed", json!(unrecorded.message)).await);
    }
    answer
}

/// The end of an operation that changed nothing: recorded, scratch removed.
pub(super) async fn end(
    scene: &Scene<'_>,
    answer: ChangeAnswer,
    mut closing: Closing,
) -> Result<ChangeAnswer> {
    let answer = answer.map_text(&|text| scene.journal.clean(text));
    scene.world.runs.close_scratch(scene.run.operation, &[]).await?;
    closing.summary = scene.journal.clean(&closing.summary);
    closing.error = closing.error.map(|e| e.map_text(&|text| scene.journal.clean(text)));
    scene
        .world
        .log
        .end(scene.run.operation, &scene.run.target.to_string(), &scene.run.actor, closing)
        .await?;
    Ok(answer)
}

/// Whether an error refuses (nothing was tried) or reports a failure.
pub(super) fn status_of(error: &Error) -> Status {
    match error.code {
        ErrorCode::UpstreamFailed
        | ErrorCode::TimedOut
        | ErrorCode::Internal
        | ErrorCode::ToolMissing
        | ErrorCode::UpstreamDenied => Status::Failed,
        ErrorCode::Cancelled => Status::Cancelled,
        ErrorCode::PartialApply => Status::Partial,
        _ => Status::Refused,
    }
}
