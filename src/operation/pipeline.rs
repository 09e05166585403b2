//! The straight path of every change, second half, in the operation's own supervisor process: compute, decide, lock,
//! verify again, open, effect, close, release. The first half is [`admit`](super::admit).

mod ask;
mod consent;
mod ends;
mod locks;
mod steps;

use async_trait::async_trait;
use serde_json::Value;

use super::answer::ChangeAnswer;
use super::{Kind, Scene, SurveyOperation, World, WriteOperation};
use crate::audit::Opening;
use crate::error::{Error, Result};
use crate::lock::Lease;
use crate::model::PlanRecord;
use crate::permit::{Consent, Permit};
use crate::policy::Verdict;
use crate::port::{Caller, DeskGuard, Watch};
use crate::run::{CarryOut, Journal, RunFile, adopt, fault};

/// Carries operations out.
#[derive(Debug)]
pub struct Pipeline {
    world: World,
}

impl Pipeline {
    /// A pipeline in this world.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

#[async_trait]
impl CarryOut for Pipeline {
    async fn carry_out(&self, run: &RunFile, journal: &Journal) -> Value {
        if let Some(answer) = ends::ended_before(&self.world, run).await {
            return serde_json::to_value(answer).unwrap_or_default();
        }
        let answer = match steps::scene(&self.world, run, journal).await {
            Ok((scene, kind)) => {
                let walked = match kind {
                    Kind::Write(work) => walk(&scene, work).await,
                    Kind::Survey(work) => survey(&scene, work).await,
                    Kind::Read(_) => {
                        Err(Error::internal("carrying out", "the tool answers at once"))
                    }
                };
                match walked {
                    Ok(answer) => answer,
                    Err(error) => ends::fail(&scene, error).await,
                }
            }
            Err(error) => ends::fail_early(&self.world, run, journal, error).await,
        };
        serde_json::to_value(answer.fit()).unwrap_or_default()
    }
}

/// The short path of what only looks: identity, lease, look, release.
async fn survey(scene: &Scene<'_>, work: &dyn SurveyOperation) -> Result<ChangeAnswer> {
    let desk = scene.world.credentials.open(scene.run.operation, &scene.environment).await?;
    steps::identify(scene).await?;
    let lease = locks::lease(scene).await?;
    let since = scene.world.clock.now();
    let mut surveyed = work.survey(scene).await;
    if let Some(told) = steps::start_again(scene, &lease, since, surveyed.as_ref().err()).await {
        surveyed = work.survey(scene).await;
        if let Ok(answer) = &mut surveyed {
            answer.warnings.push(told);
        }
    }
    lease.release().await?;
    ends::surveyed(scene, surveyed.map_err(|error| desk.explain(error))?).await
}

/// The path. Whatever ends it early changes nothing; the answer says why.
async fn walk(scene: &Scene<'_>, work: &dyn WriteOperation) -> Result<ChangeAnswer> {
    let desk = scene.world.credentials.open(scene.run.operation, &scene.environment).await?;
    let caller = steps::identify(scene).await?;
    let (plan, warnings) = if let Some(id) = scene.ask.terms.plan_id {
        (steps::stored(scene, work, id).await?, Vec::new())
    } else {
        let computed = steps::compute(scene, work, &caller).await;
        computed.map_err(|error| desk.explain(error))?
    };
    let decision = steps::decide(scene, &plan, &caller);
    if let Verdict::Deny(error) = decision.verdict() {
        return Err(error.clone());
    }
    if scene.ask.terms.dry_run {
        return ends::planned(scene, &plan, &decision, warnings).await;
    }
    if plan.changes.is_empty() {
        return ends::nothing_to_do(scene, &plan, warnings).await;
    }
    if !consent::consented(scene, &plan, &decision).await? {
        return consent::approval_required(scene, &plan, &decision, warnings).await;
    }
    fault::point("before_lock");
    let lease = locks::lease(scene).await?;
    fault::point("after_lock");
    match ready(scene, work, &plan, &lease).await {
        Ok(ready) => effect(scene, work, &plan, lease, ready, &desk).await,
        Err(error) => {
            lease.release().await?;
            Err(error)
        }
    }
}

/// What stands after everything was verified again under the lock.
struct Ready {
    file: Vec<u8>,
    decision: crate::policy::Decision,
    consent: Consent,
    /// What a second look at the world told.
    drift: Option<String>,
    warnings: Vec<String>,
}

/// Verifies again under the lock: identity, everything the plan is bound to, policy; then spends the approval.
async fn ready(
    scene: &Scene<'_>,
    work: &dyn WriteOperation,
    plan: &PlanRecord,
    lease: &Lease,
) -> Result<Ready> {
    lease.check().await?;
    let caller: Caller = steps::identify(scene).await?;
    let file = steps::unused_file(scene, plan).await?;
    let now = work.bind(scene, plan, &file, &caller).await?;
    steps::unchanged(plan, &now)?;
    let since = scene.world.clock.now();
    let (mut drift, mut warnings) = (work.look_again(scene, plan).await, Vec::new());
    if let Some(told) = steps::start_again(scene, lease, since, drift.as_ref().err()).await {
        warnings.push(told);
        drift = work.look_again(scene, plan).await;
    }
    let drift = drift?;
    let decision = steps::decide(scene, plan, &caller);
    let consent = consent::spend(scene, plan, &decision).await?;
    Ok(Ready { file, decision, consent, drift, warnings })
}

/// Opens the entry, changes the world, closes the entry, gives the lease back.
async fn effect(
    scene: &Scene<'_>,
    work: &dyn WriteOperation,
    plan: &PlanRecord,
    lease: Lease,
    ready: Ready,
    desk: &DeskGuard,
) -> Result<ChangeAnswer> {
    let world = scene.world;
    let approval = match &ready.consent {
        Consent::Person(approval) => Some(approval.id()),
        Consent::Requester(_) => None,
    };
    let opening = Opening {
        plan: plan.id,
        digest: ready.decision.digest().clone(),
        approval,
        fence: lease.fence(),
    };
    fault::point("before_open");
    let entry = match world
        .log
        .open(scene.run.operation, &scene.run.target, &scene.run.actor, opening)
        .await
    {
        Ok(entry) => entry,
        Err(error) => {
            lease.release().await?;
            return Err(error);
        }
    };
    fault::point("after_open");
    world.plans.burn(plan.id).await?;
    let permit = Permit::assemble(ready.decision, ready.consent, lease, entry)?;
    let done = work.carry_out(&permit, scene, plan, &ready.file).await;
    let (lease, entry) = permit.finish();

    let mut answer = done.answer;
    answer.error = answer.error.map(|error| desk.explain(error));
    let mut answer = answer.map_text(&|text| scene.journal.clean(text));
    answer.warnings.extend(ready.warnings);
    answer.details.extend(ready.drift.map(|told| ("drift_since_plan".to_owned(), told.into())));
    let kept = world.runs.close_scratch(scene.run.operation, &done.evidence).await;
    let mut closing = ends::closing(&answer, plan);
    closing.artifacts = kept.unwrap_or_default();
    closing.state = match world.runs.journal(scene.run.operation, 0).await {
        Ok((lines, _)) => adopt::state_left(&lines),
        Err(_) => None,
    };
    fault::point("before_close");
    if let Err(error) = world.log.close(entry, &scene.run.actor, closing).await {
        // The end is in the journal; whoever comes next records it. Until then the lease stays claimed.
        answer.warnings.push(format!("the end could not be recorded yet: {error}"));
        // Where the disk is full this cannot be noted either; what was done is no failure for it.
        drop(scene.journal.note("close_failed", Value::String(error.message)).await);
        return Ok(answer);
    }
    fault::point("after_close");
    fault::point("before_release");
    if let Err(error) = locks::give_back(scene, lease, done.outcome, done.block).await {
        // The effect has ended and is on record; whoever comes next frees or blocks the target.
        answer.warnings.push(format!("the lock could not be given back yet: {error}"));
    }
    fault::point("after_release");
    Ok(answer)
}
