//! Applying a plan, and what is told and recorded of its end.

use serde_json::{Value, json};

use super::super::answer::{ChangeAnswer, Summary};
use super::super::{Done, Scene, state};
use crate::error::{ErrorCode, Result};
use crate::model::{Outcome, PlanRecord};
use crate::permit::Permit;
use crate::port::{Applied, PlanFile, Watch};
use crate::run::adopt::{FORKED, INCIDENT, STATE_LOST};

/// Applies; once more when terraform was refused for a state lock that is provably its own.
pub(super) async fn apply(
    permit: &Permit,
    scene: &Scene<'_>,
    record: &PlanRecord,
    file: &[u8],
    warnings: &mut Vec<String>,
) -> Result<Applied> {
    let (provisioner, since) = (&scene.world.provisioner, scene.world.clock.now());
    let plan = PlanFile { bytes: file, changes: &record.changes };
    let applied = provisioner.apply(permit, &scene.job, plan, scene.journal).await?;
    let Some(refused) = applied.error.as_ref().filter(|_| applied.done.is_empty()) else {
        return Ok(applied);
    };
    match state::orphan::resolve(scene, permit.lease(), since, refused).await {
        Ok(Some(told)) => {
            warnings.push(told);
            provisioner.apply(permit, &scene.job, plan, scene.journal).await
        }
        Ok(None) => Ok(applied),
        Err(unclear) => {
            warnings.push(format!("the state lock could not be looked at: {unclear}"));
            Ok(applied)
        }
    }
}

/// What the state says about an apply: its line is checked and noted; somebody who wrote beside it makes an incident.
pub(super) async fn settled(
    scene: &Scene<'_>,
    record: &PlanRecord,
    mut applied: Applied,
    newest: Result<Option<String>>,
    warnings: &mut Vec<String>,
) -> Applied {
    if applied.outcome == Outcome::Unknown {
        if let Some(error) = applied.error.take() {
            applied.error = Some(state::name_lock(scene, error).await);
        }
        return applied;
    }
    // Who holds the lock may be writing; we have not.
    if applied.error.as_ref().is_some_and(|e| e.code == ErrorCode::LockHeld) {
        return applied;
    }
    let planned = record.binding.meaning.terraform().map(|facts| facts.state.clone());
    let before = planned.unwrap_or_default();
    let looked = state::chain::look(scene, &before, newest, &applied).await;
    warnings.extend(looked.warning);
    let noted = match &looked.incident {
        Some(incident) => {
            scene.journal.note(INCIDENT, json!({ "message": incident.message })).await
        }
        None => state::note(scene, &applied, looked.object).await,
    };
    if let Err(e) = noted {
        warnings.push(format!("the state could not be noted: {e}"));
    }
    if let Some(incident) = looked.incident {
        if applied.outcome == Outcome::Succeeded {
            applied.outcome = Outcome::Partial;
        }
        // What terraform itself found stays beside it.
        applied.error = Some(match applied.error.take() {
            Some(own) => incident.detail("terraform", own.message),
            None => incident,
        });
    }
    applied
}

/// The end as it is answered.
pub(super) fn done(
    scene: &Scene<'_>,
    record: &PlanRecord,
    applied: Applied,
    warnings: Vec<String>,
) -> Done {
    let detail = |name: &str| applied.error.as_ref().and_then(|e| e.details.get(name));
    let state_not_saved = detail("state_not_saved") == Some(&Value::Bool(true));
    let block = match (state_not_saved, detail("incident")) {
        (true, _) => Some(STATE_LOST.to_owned()),
        (false, Some(_)) => Some(FORKED.to_owned()),
        (false, None) => None,
    };
    let mut answer = ChangeAnswer::new(Some(scene.run.operation), applied.outcome.into());
    let mut summary = Summary::of(&record.changes);
    summary.text = match applied.outcome {
        Outcome::Succeeded => format!("done: {}", summary.text),
        _ => format!(
            "{} done, {} failed, {} not started",
            applied.done.len(),
            applied.failed.len(),
            applied.not_started.len()
        ),
    };
    answer.summary = Some(summary);
    answer.plan_id = Some(record.id);
    answer.apply_stdout = Some(applied.text);
    answer.returncode = applied.returncode;
    answer.warnings.extend(warnings);
    answer.next = applied.error.as_ref().and_then(|e| e.next.clone());
    answer.error = applied.error;
    let evidence = match applied.outcome {
        Outcome::Unknown => vec!["apply.jsonl", "apply.stderr", "errored.tfstate"],
        _ if state_not_saved => vec!["errored.tfstate", "apply.jsonl"],
        _ => Vec::new(),
    };
    Done { outcome: applied.outcome, answer, block, evidence }
}
