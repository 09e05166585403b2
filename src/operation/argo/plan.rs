//! Computes what would happen to an application, and what that is bound to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::request::{self, Wanted};
use super::{ApplicationChange, argocd, create, delete, place, sync};
use crate::error::{Error, Result};
use crate::model::{
    ArgoProject, Binding, ChangeSet, Digest, Intent, Meaning, OperationId, PlanId, PlanRecord,
    Target,
};
use crate::operation::helm::values;
use crate::operation::terraform::PLAN_MINUTES;
use crate::operation::{Computed, Scene};
use crate::port::{Application, Caller, Watch};

/// How often an application is looked at on which somebody else works.
const EVERY: Duration = Duration::from_secs(1);

/// What is kept of a plan, sealed: exactly this is carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) change: ApplicationChange,
    pub(super) wanted: Wanted,
    /// The spec of one that is created or changed.
    pub(super) spec: Option<Value>,
    /// The commit that it is synced to.
    pub(super) revision: Option<String>,
    /// A sync of an operation of ours that died: it is followed, not repeated.
    pub(super) adopts: Option<OperationId>,
    /// Its uid; nothing when it is not there yet.
    pub(super) uid: Option<String>,
}

impl Sealed {
    pub(super) fn open(file: &[u8]) -> Result<Self> {
        serde_json::from_slice(file).map_err(|e| Error::internal("opening a plan", e))
    }
}

/// What was seen of the server and of the application.
pub(super) struct Seen<'s> {
    pub(super) scene: &'s Scene<'s>,
    pub(super) place: &'s ArgoProject,
    pub(super) doing: String,
    version: String,
    warning: Option<String>,
    pub(super) application: Option<Application>,
}

/// What one kind of change makes of that.
pub(super) struct Goal {
    pub(super) sealed: Sealed,
    pub(super) changes: ChangeSet,
    /// For people; cleaned by the caller.
    pub(super) lines: Vec<String>,
    pub(super) facts: BTreeMap<&'static str, String>,
    pub(super) warnings: Vec<String>,
}

impl<'s> Seen<'s> {
    async fn look(
        scene: &'s Scene<'s>,
        change: ApplicationChange,
        wanted: &Wanted,
    ) -> Result<Self> {
        let place = argocd(&scene.environment)?;
        let name = &wanted.application;
        if let Some(values) = wanted.source.as_ref().and_then(|s| s.values.as_ref()) {
            scene.journal.learn(values::secrets(values));
        }
        scene.journal.progress(&format!("looking at application {name} of {place}"), 0, 0).await;
        let applications = &scene.world.applications;
        let (version, warning) = applications.version(place).await?;
        let fresh = change == ApplicationChange::Sync;
        let until = Instant::now() + scene.world.config.lock_wait();
        let application = loop {
            let application = applications.find(place, name, fresh).await?;
            let others = match &application {
                Some(app) if app.busy && change != ApplicationChange::Create => {
                    change == ApplicationChange::Delete
                        || sync::adoptable(scene, app, wanted.revision.as_deref()).await?.is_none()
                }
                _ => false,
            };
            if !others || Instant::now() >= until || scene.journal.stop_requested().await {
                break application;
            }
            let told = format!("waiting for the operation that runs on application {name}");
            scene.journal.progress(&told, 0, 0).await;
            sleep(EVERY).await;
        };
        let doing = format!("planning application {name} of {place}");
        Ok(Self { scene, place, doing, version, warning, application })
    }

    async fn goal(&self, change: ApplicationChange, wanted: Wanted) -> Result<Goal> {
        match change {
            ApplicationChange::Create => create::goal(self, wanted).await,
            ApplicationChange::Sync => sync::goal(self, wanted).await,
            ApplicationChange::Delete => delete::goal(self, wanted),
        }
    }

    fn facts(&self, goal: &Goal) -> BTreeMap<String, String> {
        let app = self.application.as_ref();
        let mut facts = BTreeMap::from([
            ("argo cd", format!("{} {}", self.place.url, self.version)),
            ("project", self.place.project.clone()),
            (
                "application",
                app.map_or_else(|| "none".to_owned(), |a| format!("{} {}", a.name, a.uid)),
            ),
            (
                "application spec",
                app.map_or_else(|| "none".to_owned(), |a| Digest::of_json(&a.spec).to_string()),
            ),
        ]);
        facts.extend(goal.facts.clone());
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn binding(&self, caller: &Caller, goal: &Goal, file: &[u8]) -> Binding {
        let scene = self.scene;
        Binding {
            plan_file: Digest::of(file),
            plan_json: Digest::of_json(&serde_json::to_value(&goal.changes).unwrap_or_default()),
            target: Target::Environment(scene.environment.key.clone()),
            environment: scene.environment.digest(),
            account: caller.account.clone(),
            requester: scene.run.actor.principal.clone(),
            meaning: Meaning::Facts(self.facts(goal)),
        }
    }
}

pub(super) async fn compute(
    change: ApplicationChange,
    scene: &Scene<'_>,
    caller: &Caller,
) -> Result<Computed> {
    let wanted = request::wanted(change, &scene.ask.own)?;
    place::is_open(&scene.environment, &wanted)?;
    let secrets = wanted.source.as_ref().and_then(|s| s.values.as_ref()).map(values::secrets);
    let seen = Seen::look(scene, change, &wanted).await?;
    let goal = seen.goal(change, wanted).await?;
    let text = scene.journal.clean(&goal.lines.join("\n"));
    scene.journal.line(&text).await;
    let file =
        serde_json::to_vec(&goal.sealed).map_err(|e| Error::internal("writing a plan", e))?;
    let now = scene.world.clock.now();
    let record = PlanRecord {
        id: PlanId::fresh(),
        operation: scene.run.operation,
        tool: scene.tool.name.to_owned(),
        intent: if change == ApplicationChange::Delete { Intent::Destroy } else { Intent::Apply },
        binding: seen.binding(caller, &goal, &file),
        changes: goal.changes,
        text,
        created: now,
        expires: now + jiff::SignedDuration::from_mins(PLAN_MINUTES),
        made: scene.world.clock.uptime(),
        own: scene.ask.own.clone(),
        variables: Map::new(),
        secrets: secrets.unwrap_or_default(),
    };
    let warnings = seen.warning.into_iter().chain(goal.warnings).collect();
    Ok(Computed { record, file, warnings })
}

/// Looked at and computed again: whatever moved since is another change.
pub(super) async fn bind(
    change: ApplicationChange,
    scene: &Scene<'_>,
    _record: &PlanRecord,
    file: &[u8],
    caller: &Caller,
) -> Result<Binding> {
    let sealed = Sealed::open(file)?;
    if sealed.change != change {
        return Err(Error::internal("opening a plan", "it is another tool's"));
    }
    place::is_open(&scene.environment, &sealed.wanted)?;
    let mut wanted = sealed.wanted;
    // The commit that was looked at: where the target revision is by now does not matter.
    wanted.revision = sealed.revision.or(wanted.revision);
    let seen = Seen::look(scene, change, &wanted).await?;
    let goal = seen.goal(change, wanted).await?;
    Ok(seen.binding(caller, &goal, file))
}
