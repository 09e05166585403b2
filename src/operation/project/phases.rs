//! The phases of a project once it is there: labelled, billed, its APIs on, furnished. Each looks first, so that it goes on where an
//! earlier one stopped.

use std::time::Duration;

use serde_json::json;

use super::carry::Work;
use super::failure;
use crate::error::{Error, ErrorCode, Result};
use crate::operation::organization::Tally;
use crate::operation::patience::Patience;
use crate::port::Watch;
use crate::port::projects::{Having, Office, OperationProgress, ProjectFacts};

/// How long an operation of Google's is followed.
const FOLLOWING: Duration = Duration::from_mins(15);
/// Longest rest between two looks.
pub(super) const BETWEEN: Duration = Duration::from_secs(10);
/// How often in a row an operation may not be told.
const SILENT: usize = 10;
/// Most APIs of one call (Service Usage reference, `services.batchEnable`).
const AT_ONCE: usize = 20;
/// How long somebody who has just made a project may be a stranger to it, and not see it.
pub(super) const STRANGER: Duration = Duration::from_secs(20);

impl Work<'_> {
    /// Notes an operation's name before anything else is done: whoever comes after us goes on with it.
    pub(super) async fn noted(&self, kind: &str, operation: &str) -> Result<()> {
        let body = json!({ "project": self.sealed.wanted.id, "operation": operation });
        self.scene.journal.note(kind, body).await
    }

    /// Follows an operation of Google's to its end.
    pub(super) async fn follow(
        &self,
        office: Office,
        operation: &str,
        (done, of): (usize, usize),
    ) -> Result<()> {
        let Self { scene, .. } = self;
        let (mut patience, mut silent) = (Patience::up_to(BETWEEN), 0);
        loop {
            let at = &scene.environment;
            match scene.world.projects.progress(at, office, operation).await {
                // What it did is looked for, in either case.
                Ok(OperationProgress::Done | OperationProgress::Forgotten) => return Ok(()),
                Ok(OperationProgress::Failed(failure)) => {
                    let doing = format!("{}: {operation}", self.doing());
                    return Err(failure::explain(&doing, &failure));
                }
                Ok(OperationProgress::Going) => silent = 0,
                Err(error) => {
                    silent += 1;
                    if silent >= SILENT {
                        return Err(error);
                    }
                }
            }
            let told = format!("{operation}: Google is at work");
            scene.journal.progress(&told, done, of).await;
            if patience.spent() >= FOLLOWING {
                let message = format!("{}: {operation} goes on", self.doing());
                return Err(Error::new(ErrorCode::TimedOut, message)
                    .detail("operation", operation)
                    .next("make the same call again: it follows this operation"));
            }
            patience.rest(scene).await?;
        }
    }

    /// Gives one that was there already its labels; a new one was made with them.
    pub(super) async fn label(&self, project: &ProjectFacts, tally: &mut Tally) -> Result<()> {
        let Self { permit, scene, sealed } = self;
        let wanted = &sealed.wanted.labels;
        if wanted.iter().all(|(key, value)| project.labels.get(key) == Some(value)) {
            return Ok(());
        }
        self.step("labels", 0, 1).await?;
        scene.world.projects.label(permit, &scene.environment, project, wanted).await?;
        tally.done.push("labels".into());
        Ok(())
    }

    /// Has it billed. Somebody who has just made a project is its owner a moment later.
    pub(super) async fn bill(&self, tally: &mut Tally) -> Result<()> {
        let Self { permit, scene, sealed } = self;
        let (projects, at) = (&scene.world.projects, &scene.environment);
        let (id, account) = (&sealed.wanted.id, &sealed.wanted.billing_account);
        let mut patience = Patience::up_to(BETWEEN);
        loop {
            let denied = match projects.billed_to(at, id).await {
                Ok(Some(before)) if before == *account => return Ok(()),
                Ok(Some(before)) if sealed.project.is_none() => {
                    let why = format!("{}: it is billed to {before} already", self.doing());
                    return Err(Error::new(ErrorCode::PartialApply, why)
                        .next("make the same call again: its plan says what it is billed to"));
                }
                Ok(_) => {
                    self.step("billing", 0, 1).await?;
                    match projects.bill(permit, at, id, account).await {
                        Ok(()) => break,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            let new = sealed.project.is_none() && denied.code == ErrorCode::UpstreamDenied;
            if !new || patience.spent() >= STRANGER {
                return Err(failure::refused(&self.doing(), denied));
            }
            patience.rest(scene).await?;
        }
        tally.done.push("billing".into());
        Ok(())
    }

    /// Switches on what is off, some at a time.
    pub(super) async fn enable(&self, tally: &mut Tally) -> Result<()> {
        let Self { permit, scene, sealed } = self;
        let (projects, at, wanted) = (&scene.world.projects, &scene.environment, &sealed.wanted);
        if wanted.apis.is_empty() {
            return Ok(());
        }
        if let Some(operation) = &sealed.enabling {
            self.noted("enabling", operation).await?;
            self.follow(Office::Services, operation, (0, 0)).await?;
        }
        let off = projects.off(at, &wanted.id, &wanted.apis).await?;
        let (mut done, all) = (0, off.len());
        for some in off.chunks(AT_ONCE) {
            self.step("apis", done, all).await?;
            let started = projects.enable(permit, at, &wanted.id, some).await;
            let started = started.map_err(|error| failure::refused(&self.doing(), error))?;
            if let Some(operation) = started {
                self.noted("enabling", &operation).await?;
                self.follow(Office::Services, &operation, (done, all)).await?;
            }
            done += some.len();
            scene.journal.progress(&format!("{done} of {all} APIs are on"), done, all).await;
        }
        let left = projects.off(at, &wanted.id, &wanted.apis).await?;
        if !left.is_empty() {
            let why = format!("{}: these APIs are still off: {}", self.doing(), left.join(", "));
            return Err(Error::new(ErrorCode::UpstreamFailed, why)
                .next("make the same call again: it switches on what is off"));
        }
        if all > 0 {
            tally.done.push("apis".into());
        }
        Ok(())
    }

    /// Gives it what it lacks.
    pub(super) async fn furnish(&self, project: &ProjectFacts, tally: &mut Tally) -> Result<()> {
        let Self { permit, scene, sealed } = self;
        let (projects, at) = (&scene.world.projects, &scene.environment);
        let account = &sealed.wanted.billing_account;
        for extra in &sealed.wanted.extras {
            if projects.has(at, project, account, extra).await? == Having::Wanted {
                continue;
            }
            self.step(extra.word(), 0, 1).await?;
            projects.give(permit, at, project, account, extra).await?;
            tally.done.push(extra.word().to_owned());
        }
        Ok(())
    }
}
