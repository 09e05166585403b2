//! What deploying, rolling back and uninstalling a release share: how a request is understood, what a plan is bound to,
//! how it is carried out.

mod carry;
pub(super) mod diff;
pub(super) mod manifest;
mod place;
mod plan;
mod prove;
mod request;
mod sealed;
mod source;
pub(super) mod values;

pub use request::{DeployRequest, RollbackRequest, UninstallRequest};

pub(super) use manifest::live_secrets;
pub(super) use place::{cluster, is_meant, job, namespace_is_open, of_context, reachable};
pub(super) use prove::prove;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::source::Place;
use super::{Computed, Done, LongOperation, Scene, World, WriteOperation};
use crate::config::Config;
use crate::error::Result;
use crate::model::{Binding, Environment, EnvironmentKey, PlanRecord};
use crate::operation::Ask;
use crate::permit::Permit;
use crate::port::Caller;

/// What is done to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseChange {
    /// Installed or upgraded.
    Deploy,
    /// Brought back to an earlier revision.
    Rollback,
    /// Taken away.
    Uninstall,
}

#[async_trait]
impl LongOperation for ReleaseChange {
    fn parse(&self, raw: &Value) -> Result<Ask> {
        request::parse(*self, raw)
    }

    /// By the kube context, which belongs to one environment.
    fn environment(&self, config: &Config, ask: &Ask) -> Result<Option<EnvironmentKey>> {
        let context = ask.own.get("kube_context").and_then(Value::as_str);
        of_context(config, context, ask.terms.plan_id.is_some())
    }

    async fn inspect(
        &self,
        world: &World,
        environment: &Environment,
        ask: &Ask,
    ) -> Result<(Vec<String>, Vec<String>)> {
        world.releases.find().await?;
        if ask.terms.plan_id.is_none() {
            let wanted = request::wanted(*self, &ask.own)?;
            namespace_is_open(environment, &wanted.namespace)?;
            reachable(world, environment).await?;
            // What lies in a source is fetched when it is planned; here is seen whether it may be.
            match source::of(&world.config, &wanted)? {
                Some(Place::Folder(path)) => {
                    let chart = world.releases.chart(world.config.root(), &path).await?;
                    request::version(wanted.version.as_deref(), &chart)?;
                }
                Some(Place::Source(_)) | None => {}
            }
        }
        Ok((Vec::new(), Vec::new()))
    }
}

#[async_trait]
impl WriteOperation for ReleaseChange {
    async fn compute(&self, scene: &Scene<'_>, caller: &Caller) -> Result<Computed> {
        plan::compute(*self, scene, caller).await
    }

    async fn bind(
        &self,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
        caller: &Caller,
    ) -> Result<Binding> {
        plan::bind(*self, scene, record, file, caller).await
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
