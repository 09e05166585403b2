//! Carries a plan of a release out, and tells how it ended.

use serde_json::{Map, Value, json};

use super::sealed::Sealed;
use super::{ReleaseChange, place};
use crate::error::{Error, Result};
use crate::model::{Outcome, PlanRecord};
use crate::operation::answer::{ChangeAnswer, Summary, cut};
use crate::operation::{Done, Scene};
use crate::permit::Permit;
use crate::port::{Filled, Ran};

/// Longest text of the chart's that is told.
const NOTES_MAX: usize = 1500;

pub(super) async fn carry_out(
    permit: &Permit,
    scene: &Scene<'_>,
    record: &PlanRecord,
    file: &[u8],
) -> Done {
    match run(permit, scene, file).await {
        Ok((sealed, ran)) => done(scene, record, &sealed, ran),
        Err(error) => Done {
            outcome: Outcome::Failed,
            answer: ChangeAnswer::failed(Some(scene.run.operation), Outcome::Failed.into(), error),
            block: None,
            evidence: Vec::new(),
        },
    }
}

async fn run(permit: &Permit, scene: &Scene<'_>, file: &[u8]) -> Result<(Sealed, Ran)> {
    let sealed = Sealed::open(file)?;
    let (wanted, operation) = (&sealed.wanted, scene.run.operation);
    let cluster = place::cluster(scene.world, &scene.environment, operation).await?;
    let at = (wanted.namespace.as_str(), wanted.release.as_str());
    scene.journal.learn(cluster.1.secrets());
    let job = place::job(&scene.environment, cluster, operation, scene.job.scratch.clone(), at);
    let (releases, patience) = (&scene.world.releases, wanted.patience());
    let lost = |what| Error::internal("opening a plan", format!("it has no {what}"));
    let ran = match sealed.change {
        ReleaseChange::Deploy => {
            let chart = sealed.chart()?.ok_or_else(|| lost("chart"))?;
            let filled = Filled { chart: &chart, values: &wanted.values };
            releases.deploy(permit, &job, filled, patience, scene.journal).await?
        }
        ReleaseChange::Rollback => {
            let revision = sealed.revision.ok_or_else(|| lost("revision"))?;
            releases.rollback(permit, &job, revision, patience, scene.journal).await?
        }
        ReleaseChange::Uninstall => {
            releases.uninstall(permit, &job, patience, scene.journal).await?
        }
    };
    Ok((sealed, ran))
}

fn done(scene: &Scene<'_>, record: &PlanRecord, sealed: &Sealed, ran: Ran) -> Done {
    let mut answer = ChangeAnswer::new(Some(scene.run.operation), ran.outcome.into());
    let mut summary = Summary::of(&record.changes);
    if ran.outcome == Outcome::Succeeded {
        summary.text = format!("done: {}", summary.text);
    } else {
        summary.text = format!("not done: {}", summary.text);
    }
    answer.summary = Some(summary);
    answer.plan_id = Some(record.id);
    answer.apply_stdout = Some(ran.text).filter(|text| !text.is_empty());
    answer.returncode = ran.returncode;
    answer.next = ran.error.as_ref().and_then(|e| e.next.clone());
    answer.error = ran.error;
    let mut details = Map::new();
    details.insert("release".into(), json!(sealed.wanted.release));
    details.insert("namespace".into(), json!(sealed.wanted.namespace));
    if let Some(last) = ran.last {
        details.insert("revision".into(), json!(last.revision));
        details.insert("release_status".into(), json!(last.status));
        details.insert("chart".into(), json!(last.chart));
    }
    if !ran.notes.is_empty() {
        let notes = cut(&scene.journal.clean(&ran.notes), NOTES_MAX);
        details.insert("notes".into(), Value::String(notes));
    }
    answer.details = details;
    let evidence = match ran.outcome {
        Outcome::Unknown => vec!["helm.out", "helm.err"],
        _ => Vec::new(),
    };
    Done { outcome: ran.outcome, answer, block: None, evidence }
}
