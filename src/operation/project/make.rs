//! The project itself: looked for, asked for once, followed, and told from somebody else's.

use std::time::Duration;

use serde_json::json;

use super::carry::Work;
use super::earlier::ASKING;
use super::failure;
use super::phases::{BETWEEN, STRANGER};
use crate::error::{Error, ErrorCode, Result};
use crate::operation::organization::Tally;
use crate::operation::patience::Patience;
use crate::port::projects::{Office, ProjectFacts, ProjectOrder};
use crate::port::{Answered, Watch};

/// How long a project whose answer was lost is looked for.
const LOOKING: Duration = Duration::from_mins(1);
/// How long calls that come too fast are made again.
const BUSY: Duration = Duration::from_mins(5);
/// What seeing a project takes.
const SEEING: &str = "resourcemanager.projects.get";

/// What came of asking.
enum Asked {
    /// The operation that makes it.
    Operation(String),
    /// It is there.
    Project(ProjectFacts),
}

impl Work<'_> {
    /// The project: there already, made by an operation of ours, or asked for now.
    pub(super) async fn project(&self, tally: &mut Tally) -> Result<ProjectFacts> {
        let sealed = self.sealed;
        if let Some(project) = &sealed.project {
            return Ok(project.clone());
        }
        if let Some(operation) = &sealed.operation {
            self.noted("creation", operation).await?;
            return self.made(operation, tally).await;
        }
        if sealed.awaited
            && let Some(found) = self.visible(Duration::ZERO).await?
        {
            return Ok(found);
        }
        let asked = match self.ask().await {
            Ok(Asked::Operation(operation)) => self.made(&operation, tally).await,
            Ok(Asked::Project(found)) => Ok(found),
            Err(error) => Err(error),
        };
        match asked {
            Err(error) if sealed.awaited && failure::is_taken(&error) => self.awaited(error).await,
            asked => asked,
        }
    }

    /// The project that an operation makes, once it has ended.
    async fn made(&self, operation: &str, tally: &mut Tally) -> Result<ProjectFacts> {
        self.follow(Office::Projects, operation, (0, 1)).await?;
        tally.there = true;
        self.visible(STRANGER).await?.ok_or_else(|| {
            let doing = self.doing();
            let why = format!("{doing}: {operation} has ended, and we do not see the project");
            Error::new(ErrorCode::UpstreamDenied, why).detail("permission", SEEING).next(format!(
                "have {SEEING} granted to this identity, then make the same call again"
            ))
        })
    }

    /// The project whose id is taken: by an earlier call of ours, when it becomes visible.
    async fn awaited(&self, taken: Error) -> Result<ProjectFacts> {
        let told = "the id is taken, perhaps by an earlier call of ours: looking for the project";
        self.scene.journal.progress(told, 0, 0).await;
        self.visible(LOOKING).await?.ok_or_else(|| {
            let why = format!(
                "{}; or an earlier call of ours has it made, and we do not see it yet",
                taken.message
            );
            Error { code: ErrorCode::PartialApply, message: why, ..taken }.next(
                "make the same call again in a few minutes: it looks for the project first; when it is not seen then either, use another id",
            )
        })
    }

    /// Notes that a call made nothing.
    async fn not_taken(&self) -> Result<()> {
        self.scene.journal.note("not_taken", json!({ "project": self.sealed.wanted.id })).await
    }

    /// Asks for the project, once. When the answer was lost, it is looked for.
    async fn ask(&self) -> Result<Asked> {
        let Self { permit, scene, sealed } = self;
        let wanted = &sealed.wanted;
        let order = ProjectOrder {
            id: wanted.id.clone(),
            parent: wanted.parent.clone(),
            labels: wanted.labels.clone(),
        };
        let mut patience = Patience::up_to(BETWEEN);
        loop {
            self.step(ASKING, 0, 1).await?;
            match scene.world.projects.create(permit, &scene.environment, &order).await {
                Ok(Answered::Taken(operation)) => {
                    self.noted("creation", &operation).await?;
                    return Ok(Asked::Operation(operation));
                }
                Ok(Answered::Lost(lost)) => {
                    scene
                        .journal
                        .progress("the answer was lost: looking for the project", 0, 0)
                        .await;
                    return self.visible(LOOKING).await?.map(Asked::Project).ok_or_else(|| {
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
                Ok(Answered::Later { error, .. }) => {
                    self.not_taken().await?;
                    if patience.spent() >= BUSY {
                        return Err(error);
                    }
                    let told = format!("{}; trying again", error.message);
                    scene.journal.progress(&told, 0, 0).await;
                    patience.rest(scene).await?;
                }
                Err(error) => {
                    self.not_taken().await?;
                    return Err(failure::refused(&self.doing(), error));
                }
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
                        return Err(Error::new(ErrorCode::UpstreamFailed, why)
                            .next("give the place where it is, or use another id"));
                    }
                    return Ok(Some(project));
                }
                Err(error) if patience.spent() >= within => return Err(error),
                Ok(_) if patience.spent() >= within => return Ok(None),
                _ => patience.rest(scene).await?,
            }
        }
    }
}
