//! Projects of Google Cloud: looked for, asked for once, followed to their end, billed and furnished.

mod carry;
mod earlier;
mod failure;
mod look;
mod make;
mod phases;
mod plan;
mod request;

pub use request::CreateProjectRequest;

use async_trait::async_trait;
use serde_json::Value;

use super::{Computed, Done, LongOperation, Scene, World, WriteOperation, organization};
use crate::config::Config;
use crate::error::Result;
use crate::model::{Binding, Cloud, Environment, PlanRecord, Target};
use crate::operation::Ask;
use crate::operation::request::read_change;
use crate::permit::Permit;
use crate::port::Caller;

/// Makes a project.
pub(super) struct CreateProject;

#[async_trait]
impl LongOperation for CreateProject {
    fn parse(&self, raw: &Value) -> Result<Ask> {
        let (_, ask): (CreateProjectRequest, Ask) = read_change(raw)?;
        if ask.terms.plan_id.is_none() {
            request::wanted(&ask.own)?;
        }
        Ok(ask)
    }

    fn target(&self, config: &Config, ask: &Ask) -> Result<Option<Target>> {
        organization::target(config, Cloud::Gcp, ask)
    }

    async fn inspect(
        &self,
        _world: &World,
        at: &Environment,
        ask: &Ask,
    ) -> Result<(Vec<String>, Vec<String>)> {
        request::rules(at)?;
        if ask.terms.plan_id.is_none() {
            request::bounded(request::wanted(&ask.own)?, at)?;
        }
        Ok((Vec::new(), Vec::new()))
    }
}

#[async_trait]
impl WriteOperation for CreateProject {
    async fn compute(&self, scene: &Scene<'_>, caller: &Caller) -> Result<Computed> {
        plan::compute(scene, caller).await
    }

    async fn bind(
        &self,
        scene: &Scene<'_>,
        _record: &PlanRecord,
        file: &[u8],
        caller: &Caller,
    ) -> Result<Binding> {
        plan::bind(scene, file, caller).await
    }

    async fn carry_out(
        &self,
        permit: &Permit,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
    ) -> Done {
        carry::carry_out(permit, scene, record, file).await
    }
}
