//! A second look at the world right before an old plan runs: what it touches has to be as it was when it was planned.

use serde_json::{Map, Value};

use super::super::Scene;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Intent, PlanRecord};

/// Compares what the plan touches with the world, when the plan is old. Tells what was looked at; drift is an error.
pub(super) async fn look_again(
    scene: &Scene<'_>,
    record: &PlanRecord,
    variables: &Map<String, Value>,
) -> Result<Option<String>> {
    let Some(facts) = record.binding.meaning.terraform() else {
        return Ok(None);
    };
    let age = scene.world.clock.now().duration_since(record.created);
    // A clock that was turned back makes no plan younger.
    if (jiff::SignedDuration::ZERO..scene.world.config.drift_after()).contains(&age) {
        return Ok(Some("not checked".to_owned()));
    }
    if facts.seen.is_empty() {
        return Ok(Some("not checked: nothing that the plan touches was there before".to_owned()));
    }
    let intent = Intent::Refresh;
    let provisioner = &scene.world.provisioner;
    let now = provisioner.plan(&scene.job, intent, variables, scene.journal).await?;
    scene.journal.learn(now.secrets);
    let drifted = now.changes.resources.iter().map(|r| &r.address);
    let (touched, others): (Vec<_>, Vec<_>) = drifted.partition(|a| facts.seen.contains_key(*a));
    // What had drifted before the plan was computed is in the plan, and was reviewed with it.
    let moved: Vec<String> = touched
        .into_iter()
        .filter(|address| facts.seen.get(*address) != now.seen.get(*address))
        .cloned()
        .collect();
    if moved.is_empty() {
        return Ok(Some(match others.len() {
            0 => "none".to_owned(),
            n => {
                format!("none in what the plan touches; {n} elsewhere: detect_drift lists them")
            }
        }));
    }
    Err(Error::new(
        ErrorCode::StalePlan,
        format!("checking plan {}: changed in the world since: {}", record.id, moved.join(", ")),
    )
    .detail("drifted", moved)
    .next("find out who changed it, then compute a new plan and have it approved"))
}
