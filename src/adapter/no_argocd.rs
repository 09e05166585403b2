//! In place of Argo CD, in a build made without it: every question is refused, nothing is pretended.

use async_trait::async_trait;
use serde_json::Value;

use crate::error::{Error, ErrorCode, Result};
use crate::model::ArgoProject;
use crate::permit::Permit;
use crate::port::{Application, Applications, Asked, Bounds, Managed, SyncOrder};

/// Reaches no Argo CD.
#[derive(Debug, Clone, Copy)]
pub struct NoArgoCd;

fn missing<T>(place: &ArgoProject) -> Result<T> {
    let why = format!("asking {place}: this build has no support for Argo CD");
    Err(Error::new(ErrorCode::ToolMissing, why).next("build datamcp with the feature `argocd`"))
}

#[async_trait]
impl Applications for NoArgoCd {
    async fn version(&self, place: &ArgoProject) -> Result<(String, Option<String>)> {
        missing(place)
    }

    async fn bounds(&self, place: &ArgoProject) -> Result<Option<Bounds>> {
        missing(place)
    }

    async fn list(&self, place: &ArgoProject) -> Result<Vec<Application>> {
        missing(place)
    }

    async fn find(&self, place: &ArgoProject, _: &str, _: bool) -> Result<Option<Application>> {
        missing(place)
    }

    async fn managed(&self, place: &ArgoProject, _: &str) -> Result<Vec<Managed>> {
        missing(place)
    }

    async fn rendered(&self, place: &ArgoProject, _: &str, _: &str) -> Result<Vec<Value>> {
        missing(place)
    }

    async fn may_sync(&self, place: &ArgoProject, _: &str) -> Result<bool> {
        missing(place)
    }

    async fn put(
        &self,
        _: &Permit,
        place: &ArgoProject,
        _: &str,
        _: &Value,
        _: bool,
    ) -> Result<Asked> {
        missing(place)
    }

    async fn sync(&self, _: &Permit, place: &ArgoProject, _: &SyncOrder) -> Result<Asked> {
        missing(place)
    }

    async fn terminate(&self, _: &Permit, place: &ArgoProject, _: &str) -> Result<()> {
        missing(place)
    }

    async fn delete(&self, _: &Permit, place: &ArgoProject, _: &str, _: bool) -> Result<Asked> {
        missing(place)
    }
}
