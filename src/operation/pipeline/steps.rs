//! The steps of the straight path up to a decision, each a short function; the order is in [`pipeline`](super).

use super::locks;
use crate::approval::grant;
use crate::error::{Error, ErrorCode, Result};
use crate::lock::Lease;
use crate::model::{Binding, PlanId, PlanRecord};
use crate::operation::admit::strings;
use crate::operation::state::orphan;
use crate::operation::{Kind, Scene, World, WriteOperation, admit, catalog, place};
use crate::policy::{self, Decision, Facts, Wish, evaluate};
use crate::port::{Caller, Job, Watch};
use crate::run::{Journal, RunFile};
use crate::secret::looks_secret;

/// Understands the run file again: nothing that is a proof crosses a process.
pub(super) async fn scene<'a>(
    world: &'a World,
    run: &'a RunFile,
    journal: &'a Journal,
) -> Result<(Scene<'a>, Kind)> {
    let tool = catalog::find(&run.tool)
        .ok_or_else(|| Error::internal("opening a run file", "unknown tool"))?;
    let work = tool.kind.long();
    let work =
        work.ok_or_else(|| Error::internal("opening a run file", "the tool answers at once"))?;
    let ask = work.parse(&run.request)?;
    let record = match ask.terms.plan_id {
        Some(id) => Some(admit::known_plan(world, &run.actor, tool.name, id).await?),
        None => None,
    };
    let asked = work.environment(&world.config, &ask)?;
    let (environment, workspace) = place(&world.config, asked, &ask, record.as_ref())?;
    let environment = environment.clone();
    let given = ask.vars.iter().flatten().chain(&environment.vars);
    let plain =
        given.filter(|(name, value)| looks_secret(name, value.as_str().unwrap_or_default()));
    journal.learn(plain.flat_map(|(_, value)| strings(Some(value))).map(str::to_owned));
    let scratch = world.runs.scratch(run.operation).await?;
    let job =
        Job { environment: environment.clone(), workspace, operation: run.operation, scratch };
    let sensitive = Vec::new();
    let mut scene = Scene { world, run, tool, ask, environment, job, journal, sensitive };
    let (warnings, sensitive) = work.inspect(world, &scene.environment, &scene.ask).await?;
    scene.ask.notes.extend(warnings);
    scene.sensitive = sensitive;
    scene.learn(scene.ask.vars.iter().flatten().chain(&scene.environment.vars));
    Ok((scene, tool.kind))
}

/// Asks the cloud who we are; another account than the environment's ends it here.
pub(super) async fn identify(scene: &Scene<'_>) -> Result<Caller> {
    scene
        .journal
        .progress(&format!("checking the identity for {}", scene.environment.key), 0, 0)
        .await;
    let caller =
        scene.world.identity.caller(&scene.environment, &scene.run.operation.to_string()).await?;
    policy::account(&scene.environment.key, &caller.account, &scene.environment.account)?;
    Ok(caller)
}

/// A plan that was kept: known, unexpired; its call's fields equal it.
pub(super) async fn stored(
    scene: &Scene<'_>,
    work: &dyn WriteOperation,
    id: PlanId,
) -> Result<PlanRecord> {
    let plan = admit::known_plan(scene.world, &scene.run.actor, scene.tool.name, id).await?;
    scene.journal.learn(plan.secrets.iter().cloned());
    work.agrees(&scene.ask, &plan)?;
    in_time(scene, &plan)?;
    Ok(plan)
}

/// Computes the change under the lease (it holds Terraform's state lock) and keeps it, sealed.
pub(super) async fn compute(
    scene: &Scene<'_>,
    work: &dyn WriteOperation,
    caller: &Caller,
) -> Result<(PlanRecord, Vec<String>)> {
    let held = locks::lease(scene).await?;
    let since = scene.world.clock.now();
    let mut computed = work.compute(scene, caller).await;
    if let Some(told) = start_again(scene, &held, since, computed.as_ref().err()).await {
        computed = work.compute(scene, caller).await;
        if let Ok(computed) = &mut computed {
            computed.warnings.push(told);
        }
    }
    held.release().await?;
    let computed = computed?;
    scene.world.plans.put(&computed.record, &computed.file).await?;
    sweep(scene.world).await;
    Ok((computed.record, computed.warnings))
}

/// Deletes what has served: expired plans, the folders of old runs. Somebody has to; whoever makes a new plan does. A
/// failure is the next one's to try again.
async fn sweep(world: &World) {
    let now = world.clock.now();
    if let Err(error) = world.plans.sweep(now).await {
        tracing::warn!(%error, "deleting expired plans");
    }
    let before = world.config.keep_runs().and_then(|kept| now.checked_sub(kept).ok());
    if let Some(before) = before
        && let Err(error) = world.runs.sweep(before).await
    {
        tracing::warn!(%error, "deleting the folders of old runs");
    }
}

/// What a user is told when a child that was refused for the state lock may be started once more.
pub(super) async fn start_again(
    scene: &Scene<'_>,
    held: &Lease,
    since: jiff::Timestamp,
    refused: Option<&Error>,
) -> Option<String> {
    match orphan::resolve(scene, held, since, refused?).await {
        Ok(told) => told,
        Err(error) => {
            tracing::warn!(%error, "looking at a state lock");
            None
        }
    }
}

/// Asks the policy about this very change.
pub(super) fn decide(scene: &Scene<'_>, plan: &PlanRecord, caller: &Caller) -> Decision {
    let roles = scene.world.config.roles(&scene.run.actor);
    evaluate(&Facts {
        wish: Wish {
            principal: &scene.run.actor.principal,
            roles: &roles,
            effect: scene.tool.effect,
            dry_run: scene.ask.terms.dry_run,
        },
        tier: &scene.environment.tier,
        environment: &scene.environment.key,
        changes: &plan.changes,
        digest: &plan.binding.digest(),
        account: &caller.account,
        expected_account: &scene.environment.account,
    })
}

/// The plan file, unless it was carried out before.
pub(super) async fn unused_file(scene: &Scene<'_>, plan: &PlanRecord) -> Result<Vec<u8>> {
    in_time(scene, plan)?;
    scene.world.plans.file(plan.id).await
}

/// Refuses a plan that is too old. Its approval is none the younger: it counts for this plan alone.
fn in_time(scene: &Scene<'_>, plan: &PlanRecord) -> Result<()> {
    let clock = &scene.world.clock;
    if plan.is_over(clock.now(), clock.uptime().as_ref()) {
        return Err(grant::expired(plan.id, plan.expires));
    }
    Ok(())
}

/// Refuses when anything the plan is bound to has changed, naming which.
pub(super) fn unchanged(plan: &PlanRecord, now: &Binding) -> Result<()> {
    let changed = plan.binding.differences(now);
    let Some(first) = changed.first() else {
        return Ok(());
    };
    let stale = changed.iter().all(|d| matches!(&*d.fact, "state serial" | "state lineage"));
    let short = |text: &str| text.chars().take(80).collect::<String>();
    let names: Vec<String> = changed.iter().map(|d| d.fact.clone()).collect();
    let (code, message) = if stale {
        let moved = if first.fact == "state serial" {
            format!("the state has moved on: serial {}→{}", first.was, first.is)
        } else {
            "the state is another one: its lineage differs".to_owned()
        };
        (ErrorCode::StalePlan, format!("checking plan {}: {moved}", plan.id))
    } else {
        (
            ErrorCode::ApprovalMismatch,
            format!(
                "checking plan {}: changed since it was computed: {}",
                plan.id,
                names.join(", ")
            ),
        )
    };
    Err(Error::new(code, message)
        .given(short(&first.is))
        .allowed(short(&first.was))
        .detail("changed", names)
        .next("compute a new plan and have it approved"))
}
