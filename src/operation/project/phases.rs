//! The phases of a project: made, labelled, billed, its APIs on, furnished. Each looks first, so that it goes on where an
//! earlier one stopped.

use std::time::Duration;

use serde_json::json;

use super::carry::Work;
use super::failure;
use crate::error::{Error, ErrorCode, Result};
use crate::operation::organization::Tally;
use crate::operation::patience::Patience;
use crate::port::projects::{Office, OperationProgress, ProjectFacts, ProjectOrder};
use crate::port::{Answered, Watch};

/// How long a project whose answer was lost is looked for.
const LOOKING: Duration = Duration::from_mins(1);
/// How long an operation of Google's is followed.
const FOLLOWING: Duration = Duration::from_mins(15);
/// How long calls that come too fast are made again.
const BUSY: Duration = Duration::from_mins(5);
/// Longest rest between two looks.
const BETWEEN: Duration = Duration::from_secs(10);
/// How often in a row an operation may not be told.
const SILENT: usize = 10;
/// Most APIs of one call (Service Usage reference, `services.batchEnable`).
const AT_ONCE: usize = 20;
/// How long somebody who has just made a project may be a stranger to it, and not see it.
const STRANGER: Duration = Duration::from_secs(20);
/// What seeing a project takes.
const SEEING: &str = "resourcemanager.projects.get";

impl Work<'_> {
    /// The project: there already, made by an operation of ours, or asked for now.
    pub(super) async fn project(&self, tally: &mut Tally) -> Result<ProjectFacts> {
        let operation = match (&self.sealed.project, &self.sealed.operation) {
            (Some(project), _) => return Ok(project.clone()),
            (None, Some(operation)) => {
                self.noted("creation", operation).await?;
                operation.clone()
            }
            (None, None) => match self.ask().await? {
                Ok(operation) => operation,
                Err(found) => return Ok(found),
            },
        };
        self.follow(Office::Projects, &operation, (0, 1)).await?;
        tally.there = true;
        self.visible(STRANGER).await?.ok_or_else(|| {
            let doing = self.doing();
            let why = format!("{doing}: {operation} has ended, and we do not see the project");
            Error::new(ErrorCode::UpstreamDenied, why).detail("permission", SEEING).next(format!(
                "have {SEEING} granted to this identity, then make the same call again"
            ))
        })
    }

    /// Notes an operation's name before anything else is done: whoever comes after us goes on with it.
    async fn noted(&self, kind: &str, operation: &str) -> Result<()> {
        let body = json!({ "project": self.sealed.wanted.id, "operation": operation });
        self.scene.journal.note(kind, body).await
    }

    /// Asks for the project, once. The operation that makes it; or the project, when the answer was lost and it is there.
    async fn ask(&self) -> Result<std::result::Result<String, ProjectFacts>> {
        let Self { permit, scene, sealed } = self;
        let wanted = &sealed.wanted;
        let order = ProjectOrder {
            id: wanted.id.clone(),
            parent: wanted.parent.clone(),
            labels: wanted.labels.clone(),
        };
        let mut patience = Patience::up_to(BETWEEN);
        loop {
            self.step("create_project", 0, 1).await?;
            let asked = scene.world.projects.create(permit, &scene.environment, &order).await;
            match asked.map_err(|error| failure::refused(&self.doing(), error))? {
                Answered::Taken(operation) => {
                    self.noted("creation", &operation).await?;
                    return Ok(Ok(operation));
                }
                Answered::Lost(lost) => {
                    scene
                        .journal
                        .progress("the answer was lost: looking for the project", 0, 0)
                        .await;
                    return self.visible(LOOKING).await?.map(Err).ok_or_else(|| {
                        let doing = self.doing();
                        let why = format!(
                            "{doing}: the answer was lost and no project is found: {}",
                            lost.message
                        );
                        Error::new(ErrorCode::PartialApply, why).next(
                            "make the same call again in a minute: it looks for the project first",
                        )
                    });
                }
                Answered::Later { error, .. } if patience.spent() < BUSY => {
                    let told = format!("{}; trying again", error.message);
                    scene.journal.progress(&told, 0, 0).await;
                    patience.rest(scene).await?;
                }
                Answered::Later { error, .. } => return Err(error),
            }
        }
    }

    /// The project, once it is there for us; none when that takes too long.
    async fn visible(&self, within: Duration) -> Result<Option<ProjectFacts>> {
        let Self { scene, sealed, .. } = self;
        let (wanted, mut patience) = (&sealed.wanted, Patience::up_to(BETWEEN));
        loop {
            let found = scene.world.projects.project(&scene.environment, &wanted.id).await;
            match found {
                Ok(Some(project)) if project.state == "ACTIVE" => {
                    if project.parent != wanted.parent {
                        let why = format!("{}: it is in {}", self.doing(), project.parent);
                        return Err(Error::new(ErrorCode::UpstreamFailed, why));
                    }
                    return Ok(Some(project));
                }
                Err(error) if patience.spent() >= within => return Err(error),
                Ok(_) if patience.spent() >= within => return Ok(None),
                _ => patience.rest(scene).await?,
            }
        }
    }

    /// Follows an operation of Google's to its end.
    async fn follow(
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
            if projects.has(at, project, account, extra).await? {
                continue;
            }
            self.step(extra.word(), 0, 1).await?;
            projects.give(permit, at, project, account, extra).await?;
            tally.done.push(extra.word().to_owned());
        }
        Ok(())
    }
}
