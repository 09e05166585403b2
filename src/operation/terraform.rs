//! What apply, destroy and drift share: plan, bind, apply.

mod carry;
mod drift;
mod given;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Map, Value};

use self::given::{Given, check_secrets};
use super::answer::{ChangeAnswer, Summary};
use super::request::Ask;
use super::{
    Computed, Done, LongOperation, Scene, SurveyOperation, World, WriteOperation, state,
    state_place,
};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{
    Binding, Digest, Environment, Intent, Meaning, Outcome, PlanId, PlanRecord, StateVersion,
    Status, Target, TerraformFacts,
};
use crate::permit::Permit;
use crate::port::{Applied, Caller, JobFacts, Watch, provisioner::check_variables};

/// How long a plan may wait for its approval, in minutes.
pub(super) const PLAN_MINUTES: i64 = 30;

/// Apply, destroy or look for drift.
#[derive(Debug)]
pub struct TerraformChange {
    /// Which.
    pub intent: Intent,
    /// How the tool's request is understood.
    pub parse: fn(&Value) -> Result<Ask>,
}

impl TerraformChange {
    /// The variables of a run: the environment's own, then the call's; for a destruction and for drift those of the last
    /// apply between them. Secrets of the settings are fetched anew each time.
    /// Values that look secret, wherever they come from, are masked from here on.
    async fn variables(&self, scene: &Scene<'_>, own: &Map<String, Value>) -> Result<Given> {
        let mut merged: Map<String, Value> = scene.environment.vars.clone().into_iter().collect();
        if self.intent != Intent::Apply {
            let kept = scene.world.plans.kept_variables(&place(scene)).await?;
            merged.extend(kept.unwrap_or_default());
        }
        merged.extend(own.clone());
        scene.learn(&merged);
        Given::with_secrets(merged, scene).await
    }
}

fn place(scene: &Scene<'_>) -> String {
    state_place::place(&scene.environment, &scene.job.workspace)
}

fn doing(scene: &Scene<'_>) -> String {
    format!("planning {}", scene.environment.key)
}

/// What a plan is bound to beside its own bytes.
fn meaning(scene: &Scene<'_>, facts: &JobFacts, variables: &Given, state: StateVersion) -> Meaning {
    Meaning::Terraform(TerraformFacts {
        workspace: scene.job.workspace.clone(),
        backend: scene.environment.backend.identity(),
        state,
        terraform: facts.terraform.clone(),
        providers: facts.providers.clone(),
        tree: facts.tree.clone(),
        variables: variables.digest(),
        seen: BTreeMap::new(),
    })
}

/// What a module says about itself, and whether the variables fit it where they are about to be used.
async fn inspect(
    world: &World,
    environment: &Environment,
    ask: &Ask,
    check: bool,
) -> Result<(Vec<String>, Vec<String>)> {
    world.provisioner.find().await?;
    let module = world.provisioner.inspect(environment).await?;
    let mut warnings = module.warnings.clone();
    if check {
        let mut merged: Map<String, Value> = environment.vars.clone().into_iter().collect();
        merged.extend(ask.vars.clone().unwrap_or_default());
        check_secrets(&module, environment, ask)?;
        // Only that there will be a value is known yet.
        merged.extend(environment.secret_vars.keys().map(|name| (name.clone(), Value::Null)));
        warnings.extend(check_variables(&module, &merged)?);
    }
    let sensitive = module.variables.into_iter().filter(|v| v.sensitive).map(|v| v.name).collect();
    Ok((warnings, sensitive))
}

#[async_trait]
impl LongOperation for TerraformChange {
    fn parse(&self, request: &Value) -> Result<Ask> {
        (self.parse)(request)
    }

    /// Environment and workspace are compared where they are resolved; here the variables, by name only.
    fn agrees(&self, ask: &Ask, plan: &PlanRecord) -> Result<()> {
        let Some(given) = ask.vars.as_ref().filter(|given| **given != plan.variables) else {
            return Ok(());
        };
        let names: BTreeSet<&str> = given
            .keys()
            .chain(plan.variables.keys())
            .filter(|n| given.get(*n) != plan.variables.get(*n))
            .map(String::as_str)
            .collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        Err(Error::new(
            ErrorCode::ApprovalMismatch,
            format!(
                "checking the plan: the call gives other variables than plan {}: {names}",
                plan.id
            ),
        )
        .field("vars")
        .detail("changed", vec!["variables".to_owned()])
        .next("leave vars out, or compute a new plan"))
    }

    async fn inspect(
        &self,
        world: &World,
        environment: &Environment,
        ask: &Ask,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let check = self.intent == Intent::Apply && ask.terms.plan_id.is_none();
        inspect(world, environment, ask, check).await
    }
}

#[async_trait]
impl SurveyOperation for TerraformChange {
    async fn survey(&self, scene: &Scene<'_>) -> Result<ChangeAnswer> {
        state_place::same(scene).await?;
        state::permitted(scene.world, &scene.environment, true).await?;
        let variables = self.variables(scene, &Map::new()).await?;
        let planned = scene
            .world
            .provisioner
            .plan(&scene.job, self.intent, variables.whole(), scene.journal)
            .await?;
        // In a lost state everything is gone, or nothing is there to drift: neither is an answer.
        let others = state::check(scene, &doing(scene), &planned.state).await?;
        scene.journal.learn(planned.secrets);
        scene.journal.line(&format!("{}\n", planned.text.trim_end())).await;
        let mut answer = ChangeAnswer::new(Some(scene.run.operation), Status::Succeeded);
        let mut summary = Summary::of(&planned.changes);
        let drifted = planned.changes.resources.len();
        summary.text = match drifted {
            0 => "nothing has drifted from the state".to_owned(),
            1 => "1 resource has drifted from the state".to_owned(),
            n => format!("{n} resources have drifted from the state"),
        };
        answer.returncode = Some(if drifted == 0 { 0 } else { 2 });
        answer.summary = Some(summary);
        answer.plan_stdout = Some(planned.text);
        let notes = scene.ask.notes.iter().cloned();
        answer.warnings = notes.chain(planned.warnings).chain(others).collect();
        answer.next = (drifted > 0).then(|| {
            "find out who changed it; apply_terraform plans the way back to what is described"
                .to_owned()
        });
        Ok(answer)
    }
}

#[async_trait]
impl WriteOperation for TerraformChange {
    async fn compute(&self, scene: &Scene<'_>, caller: &Caller) -> Result<Computed> {
        state_place::same(scene).await?;
        state::permitted(scene.world, &scene.environment, true).await?;
        let own = scene.ask.vars.clone().unwrap_or_default();
        let variables = self.variables(scene, &own).await?;
        let planned = scene
            .world
            .provisioner
            .plan(&scene.job, self.intent, variables.whole(), scene.journal)
            .await?;
        let others = state::check(scene, &doing(scene), &planned.state).await?;
        scene.journal.learn(planned.secrets.iter().cloned());
        let binding = Binding {
            plan_file: Digest::of(&planned.file),
            plan_json: planned.json.clone(),
            target: Target::Environment(scene.environment.key.clone()),
            environment: scene.environment.digest(),
            account: caller.account.clone(),
            requester: scene.run.actor.principal.clone(),
            meaning: match meaning(scene, &planned.facts, &variables, planned.state.clone()) {
                Meaning::Terraform(facts) => {
                    Meaning::Terraform(TerraformFacts { seen: planned.seen, ..facts })
                }
                other @ Meaning::Facts(_) => other,
            },
        };
        let now = scene.world.clock.now();
        let text = scene.journal.clean(&planned.text);
        scene.journal.line(planned.text.trim_end()).await;
        let record = PlanRecord {
            id: PlanId::fresh(),
            operation: scene.run.operation,
            tool: scene.tool.name.to_owned(),
            intent: self.intent,
            binding,
            changes: planned.changes,
            text,
            created: now,
            expires: now + jiff::SignedDuration::from_mins(PLAN_MINUTES),
            made: scene.world.clock.uptime(),
            own: scene.ask.own.clone(),
            variables: own,
            secrets: planned.secrets,
        };
        let warnings = planned.warnings.into_iter().chain(others).collect();
        Ok(Computed { record, file: planned.file, warnings })
    }

    async fn bind(
        &self,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
        caller: &Caller,
    ) -> Result<Binding> {
        let facts = scene.world.provisioner.facts(&scene.job).await?;
        let variables = self.variables(scene, &record.variables).await?;
        let planned = record.binding.meaning.terraform().map(|facts| facts.state.clone());
        let mut now = Binding {
            plan_file: Digest::of(file),
            plan_json: record.binding.plan_json.clone(),
            target: Target::Environment(scene.environment.key.clone()),
            environment: scene.environment.digest(),
            account: caller.account.clone(),
            requester: scene.run.actor.principal.clone(),
            meaning: meaning(scene, &facts, &variables, planned.unwrap_or_default()),
        };
        // The state is read only when the rest still holds: another backend or module would have another state.
        if record.binding.differences(&now).is_empty() {
            state_place::same(scene).await?;
            state::permitted(scene.world, &scene.environment, true).await?;
            let state = scene.world.provisioner.state(&scene.job).await?;
            state::check(scene, &format!("checking plan {}", record.id), &state).await?;
            now.meaning = meaning(scene, &facts, &variables, state);
        }
        Ok(now)
    }

    async fn look_again(&self, scene: &Scene<'_>, record: &PlanRecord) -> Result<Option<String>> {
        let variables = self.variables(scene, &record.variables).await?;
        drift::look_again(scene, record, variables.whole()).await
    }

    async fn carry_out(
        &self,
        permit: &Permit,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
    ) -> Done {
        let newest = state::chain::newest(scene).await;
        let mut warnings = Vec::new();
        let applied = match state_place::keep(scene).await {
            Ok(()) => carry::apply(permit, scene, record, file, &mut warnings).await,
            Err(error) => Err(error),
        };
        match applied {
            Ok(applied) => {
                if let Err(e) = self.keep_variables(scene, record, &applied).await {
                    warnings.push(format!(
                        "the variables of this apply could not be kept for destroy: {e}"
                    ));
                }
                let applied = carry::settled(scene, record, applied, newest, &mut warnings).await;
                carry::done(scene, record, applied, warnings)
            }
            Err(error) => Done {
                outcome: Outcome::Failed,
                answer: ChangeAnswer::failed(
                    Some(scene.run.operation),
                    Outcome::Failed.into(),
                    error,
                ),
                block: None,
                evidence: Vec::new(),
            },
        }
    }
}

impl TerraformChange {
    /// Keeps the variables of an apply that touched something: destroy needs them.
    async fn keep_variables(
        &self,
        scene: &Scene<'_>,
        record: &PlanRecord,
        applied: &Applied,
    ) -> Result<()> {
        if self.intent != Intent::Apply || applied.outcome == Outcome::Failed {
            return Ok(());
        }
        let variables = self.variables(scene, &record.variables).await?;
        scene.world.plans.keep_variables(&place(scene), &variables.plain).await
    }
}
