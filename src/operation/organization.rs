//! What operations on organizations share: which one is meant, the steps of a plan that is carried out call by call, how it
//! ends.

use serde_json::{Map, Value, json};

use super::answer::{ChangeAnswer, Summary};
use super::{Ask, Done, Scene};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::{Action, ChangeSet, Cloud, Outcome, PlanRecord, ResourceChange, Target};
use crate::port::Watch;

/// The organization of this cloud that a request means; none where its plan says it.
pub(super) fn target(config: &Config, cloud: Cloud, ask: &Ask) -> Result<Option<Target>> {
    let name = ask.own.get("organization").and_then(Value::as_str);
    if name.is_none() && ask.terms.plan_id.is_some() {
        return Ok(None);
    }
    config.organization(Some(cloud), name).map(|organization| Some(organization.target()))
}

/// One step that is to be done: what it changes, its type, how, and a line about it for people.
pub(super) struct Step {
    part: String,
    kind: &'static str,
    action: Action,
    line: String,
}

impl Step {
    /// Of this part of what is made; the whole of it where the part is empty.
    pub(super) fn new(
        part: impl Into<String>,
        kind: &'static str,
        action: Action,
        line: String,
    ) -> Self {
        Self { part: part.into(), kind, action, line }
    }

    /// For people, of what bears this name.
    pub(super) fn told(&self, name: &str) -> String {
        format!("  {:<7} {name}{}: {}", self.action.word(), self.part, self.line)
    }
}

/// The steps as changes of what bears this name.
pub(super) fn changes(name: &str, steps: &[Step]) -> ChangeSet {
    let of = |step: &Step| ResourceChange {
        address: format!("{name}{}", step.part),
        kind: step.kind.to_owned(),
        action: step.action,
    };
    ChangeSet { resources: steps.iter().map(of).collect(), ..ChangeSet::default() }
}

/// What was done so far.
#[derive(Default)]
pub(super) struct Tally {
    /// Names of the steps.
    pub(super) done: Vec<String>,
    /// Whether what was asked for is there: from here on a failure leaves a part.
    pub(super) there: bool,
    /// What the answer tells.
    pub(super) details: Map<String, Value>,
}

/// How it ended, noted and told.
pub(super) async fn ended(
    scene: &Scene<'_>,
    record: &PlanRecord,
    tally: Tally,
    (ended, outcome): (Result<()>, Outcome),
) -> Done {
    let noted = scene.journal.note("exit", json!({ "outcome": outcome })).await;
    let mut answer = ChangeAnswer::new(Some(scene.run.operation), outcome.into());
    let mut summary = Summary::of(&record.changes);
    let word = if outcome == Outcome::Succeeded { "done" } else { "not done" };
    summary.text = format!("{word}: {}", summary.text);
    answer.summary = Some(summary);
    answer.plan_id = Some(record.id);
    answer.details = tally.details;
    answer.details.insert("done".into(), json!(tally.done));
    answer.warnings.extend(noted.err().map(|e: Error| e.message));
    if let Err(mut error) = ended {
        let again = "mend the cause and make the same call again: it goes on where it stopped";
        answer.next = Some(error.next.get_or_insert_with(|| again.to_owned()).clone());
        answer.error = Some(error);
    }
    Done { outcome, answer, block: None, evidence: Vec::new() }
}
