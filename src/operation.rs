//! What can be asked for: one file, one verb, one tool, one subcommand. The straight path that every change walks is
//! [`pipeline`]; reads are another trait and never see a permit.

pub mod account;
pub mod admit;
pub mod answer;
pub mod apply_terraform;
pub mod argo;
pub mod argo_app_status;
pub mod argo_create_app;
pub mod argo_delete_app;
pub mod argo_sync;
pub mod aws_create_account;
pub mod bootstrap_state_backend;
pub mod call;
pub mod cancel_operation;
pub mod catalog;
pub mod desk;
pub mod destroy_terraform;
pub mod detect_drift;
pub mod gcp_create_project;
pub mod generate_kubeconfig;
pub mod get_operation;
pub mod helm;
pub mod helm_deploy;
pub mod helm_rollback;
pub mod helm_status;
pub mod helm_uninstall;
pub mod list_environments;
pub mod list_operations;
mod organization;
mod patience;
pub mod pipeline;
pub mod preflight;
pub mod project;
pub mod request;
mod state;
mod state_place;
pub mod strict;
pub mod terraform;
pub mod terraform_outputs;
mod unready;
pub mod world;

pub use admit::{Refusal, submit};
pub use answer::{ChangeAnswer, Summary};
pub use call::{Called, call};
pub use catalog::{Kind, Tool};
pub use pipeline::Pipeline;
pub use request::{Ask, Terms};
pub use world::World;

use async_trait::async_trait;
use serde_json::Value;

use crate::config::Config;
use crate::error::Result;
use crate::model::{Actor, Binding, Environment, Outcome, PlanRecord, Target};
use crate::permit::Permit;
use crate::policy::{self, Wish};
use crate::port::{Caller, Job};
use crate::run::{Journal, RunFile};
use crate::secret::looks_secret;

/// Looks only.
#[async_trait]
pub trait ReadOperation: Send + Sync {
    /// Answers. `actor` says whose eyes these are.
    async fn read(
        &self,
        world: &World,
        actor: &Actor,
        request: Value,
        see: call::See<'_>,
    ) -> Result<Value>;
}

/// Where one change is carried out: everything the supervisor knows about it.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The world.
    pub world: &'a World,
    /// What was asked, sealed until now.
    pub run: &'a RunFile,
    /// The tool.
    pub tool: &'a Tool,
    /// The request, understood.
    pub ask: Ask,
    /// The environment it is about.
    pub environment: Environment,
    /// The job for the provisioner.
    pub job: Job,
    /// Journal and log.
    pub journal: &'a Journal,
    /// Names of variables whose values must not be shown.
    pub sensitive: Vec<String>,
}

impl Scene<'_> {
    /// Has the journal hide the values of variables that are declared sensitive or look like secrets.
    pub fn learn<'v>(&self, variables: impl IntoIterator<Item = (&'v String, &'v Value)>) {
        let hidden = variables.into_iter().filter(|(name, value)| {
            self.sensitive.contains(name) || looks_secret(name, value.as_str().unwrap_or_default())
        });
        let texts = hidden.flat_map(|(_, value)| admit::strings(Some(value)));
        self.journal.learn(texts.map(str::to_owned));
    }
}

/// A computed change, before it is kept.
#[derive(Debug)]
pub struct Computed {
    /// Its record.
    pub record: PlanRecord,
    /// Its file.
    pub file: Vec<u8>,
    /// What a user should know about it.
    pub warnings: Vec<String>,
}

/// How the effect ended.
#[derive(Debug)]
pub struct Done {
    /// The end.
    pub outcome: Outcome,
    /// What the caller is told.
    pub answer: ChangeAnswer,
    /// Why the target has to stay blocked, when it has to.
    pub block: Option<String>,
    /// Files of the run to keep as evidence, sealed.
    pub evidence: Vec<&'static str>,
}

/// An operation with a supervisor of its own: how its request is understood.
#[async_trait]
pub trait LongOperation: Send + Sync {
    /// Understands a request: every check that needs no I/O.
    fn parse(&self, request: &Value) -> Result<Ask>;
    /// What a request is about; nothing when only its plan says it. By default the environment that it names.
    fn target(&self, config: &Config, ask: &Ask) -> Result<Option<Target>> {
        let _ = config;
        Ok(ask.key.clone().map(Target::Environment))
    }
    /// Refuses a call whose own fields are given and are not those of the plan it names.
    fn agrees(&self, ask: &Ask, plan: &PlanRecord) -> Result<()> {
        let differing = ask.own.iter().find(|(name, given)| plan.own.get(*name) != Some(*given));
        let Some((name, given)) = differing else {
            return Ok(());
        };
        let planned = plan.own.get(name).map_or_else(|| "not set".to_owned(), Value::to_string);
        Err(request::differs(name, &given.to_string(), &planned))
    }
    /// Every check that reads files but starts nothing and connects to nothing. Returns what a user should know, and
    /// the names of variables whose values must not be shown.
    async fn inspect(
        &self,
        world: &World,
        environment: &Environment,
        ask: &Ask,
    ) -> Result<(Vec<String>, Vec<String>)>;
}

/// Looks only, but for long, and under the target's lease: it holds Terraform's state lock.
#[async_trait]
pub trait SurveyOperation: LongOperation {
    /// Looks. Called under the target's lease.
    async fn survey(&self, scene: &Scene<'_>) -> Result<ChangeAnswer>;
}

/// One kind of change. Its methods are the steps of the straight path that differ from tool to tool.
#[async_trait]
pub trait WriteOperation: LongOperation {
    /// Computes the change. Called under the target's lease.
    async fn compute(&self, scene: &Scene<'_>, caller: &Caller) -> Result<Computed>;
    /// What a kept plan would be bound to if it was made now. Called under the target's lease.
    async fn bind(
        &self,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
        caller: &Caller,
    ) -> Result<Binding>;
    /// Looks whether what a kept plan touches has changed in the world since it was computed. Called under the target's
    /// lease, after what the plan is bound to was found unchanged. Tells what was looked at; drift is an error.
    async fn look_again(&self, _scene: &Scene<'_>, _record: &PlanRecord) -> Result<Option<String>> {
        Ok(None)
    }
    /// Carries the plan out. The only place where something changes.
    async fn carry_out(
        &self,
        permit: &Permit,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
    ) -> Done;
}

/// The environment (or organization) and workspace that a request means.
pub fn place<'c>(
    config: &'c Config,
    asked: Option<Target>,
    ask: &Ask,
    record: Option<&PlanRecord>,
) -> Result<(&'c Environment, String)> {
    let environment = config.site(&request::target(asked, record)?)?;
    let workspace = request::workspace(ask, environment, record)?;
    Ok((environment, workspace))
}

/// Whether this actor may use a tool that changes nothing.
fn policy_check(world: &World, actor: &Actor, tool: &Tool) -> Result<()> {
    let roles = world.config.roles(actor);
    policy::admit(&Wish {
        principal: &actor.principal,
        roles: &roles,
        effect: tool.effect,
        dry_run: false,
    })
}
