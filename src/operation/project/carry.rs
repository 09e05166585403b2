//! Carries a plan of a project out, and tells how it ended.

use serde_json::{Map, json};

use super::plan::Sealed;
use crate::error::{ErrorCode, Result};
use crate::model::{Outcome, PlanRecord};
use crate::operation::organization::{self, Tally};
use crate::operation::patience::stopped;
use crate::operation::{Done, Scene};
use crate::permit::Permit;
use crate::port::Watch;

/// What is carried out, and where.
pub(super) struct Work<'w> {
    pub(super) permit: &'w Permit,
    pub(super) scene: &'w Scene<'w>,
    pub(super) sealed: &'w Sealed,
}

pub(super) async fn carry_out(
    permit: &Permit,
    scene: &Scene<'_>,
    record: &PlanRecord,
    file: &[u8],
) -> Done {
    let mut tally = Tally::default();
    let ended = run(permit, scene, file, &mut tally).await;
    let outcome = match &ended {
        Ok(()) => Outcome::Succeeded,
        Err(error) => match error.code {
            ErrorCode::Cancelled => Outcome::Cancelled,
            // What goes on, or a call that nobody knows the end of.
            ErrorCode::TimedOut | ErrorCode::PartialApply => Outcome::Partial,
            _ if tally.there => Outcome::Partial,
            _ => Outcome::Failed,
        },
    };
    organization::ended(scene, record, tally, (ended, outcome)).await
}

async fn run(permit: &Permit, scene: &Scene<'_>, file: &[u8], tally: &mut Tally) -> Result<()> {
    let sealed = &Sealed::open(file)?;
    let work = Work { permit, scene, sealed };
    let wanted = &sealed.wanted;
    scene.journal.note("intent", json!({ "project": wanted.id })).await?;
    let project = work.project(tally).await?;
    tally.there = true;
    if sealed.project.is_none() {
        tally.done.push("project".into());
        let body = json!({ "project": wanted.id, "number": project.number });
        scene.journal.note("made", body).await?;
    }
    tally.details = Map::from_iter([
        ("project_id".to_owned(), json!(wanted.id)),
        ("project_number".to_owned(), json!(project.number)),
        ("parent".to_owned(), json!(project.parent)),
    ]);
    work.label(&project, tally).await?;
    work.bill(tally).await?;
    tally.details.insert("billing_account".to_owned(), json!(wanted.billing_account));
    work.enable(tally).await?;
    tally.details.insert("apis".to_owned(), json!(wanted.apis));
    work.furnish(&project, tally).await
}

impl Work<'_> {
    pub(super) fn doing(&self) -> String {
        format!("making project {} in {}", self.sealed.wanted.id, self.scene.environment.target())
    }

    /// Before every step: nobody wants it to stop, and the lease is still ours.
    pub(super) async fn step(&self, name: &str, done: usize, of: usize) -> Result<()> {
        if self.scene.journal.stop_requested().await {
            return Err(stopped(self.scene));
        }
        self.permit.lease().check().await?;
        let told = format!("{}: {name}", self.doing());
        self.scene.journal.progress(&told, done, of).await;
        let body = json!({ "name": name, "project": self.sealed.wanted.id });
        self.scene.journal.note("call", body).await
    }
}
