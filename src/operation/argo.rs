//! What creating, syncing and deleting applications of Argo CD share: how a request is understood, what a plan is bound to,
//! how it is carried out and followed to its end.

mod bounds;
mod carry;
mod create;
mod delete;
mod follow;
mod objects;
mod place;
mod plan;
mod request;
mod settle;
mod sync;

pub use request::{CreateRequest, DeleteRequest, SyncRequest};

pub(super) use place::{argocd, of_project};
pub(super) use request::name as application_name;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Computed, Done, LongOperation, Scene, World, WriteOperation};
use crate::config::Config;
use crate::error::Result;
use crate::model::{Binding, Environment, PlanRecord, Target};
use crate::operation::Ask;
use crate::permit::Permit;
use crate::port::Caller;

/// What is done to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationChange {
    /// Created, or given another spec.
    Create,
    /// Brought to a commit.
    Sync,
    /// Taken away.
    Delete,
}

#[async_trait]
impl LongOperation for ApplicationChange {
    fn parse(&self, raw: &Value) -> Result<Ask> {
        request::parse(*self, raw)
    }

    /// By server and project, which belong to one environment.
    fn target(&self, config: &Config, ask: &Ask) -> Result<Option<Target>> {
        let text = |field: &str| ask.own.get(field).and_then(Value::as_str);
        let planned = ask.terms.plan_id.is_some();
        let key = of_project(config, (text("server"), text("project")), planned)?;
        Ok(key.map(Target::Environment))
    }

    async fn inspect(
        &self,
        _world: &World,
        environment: &Environment,
        ask: &Ask,
    ) -> Result<(Vec<String>, Vec<String>)> {
        argocd(environment)?;
        if ask.terms.plan_id.is_none() {
            place::is_open(environment, &request::wanted(*self, &ask.own)?)?;
        }
        Ok((Vec::new(), Vec::new()))
    }
}

#[async_trait]
impl WriteOperation for ApplicationChange {
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
