//! Which cloud's adapter a question goes to: the environment says it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::model::{Cloud, Environment, SecretRef};
use crate::permit::Permit;
use crate::port::{
    Caller, ChildCredentials, CloudSecrets, ClusterFound, ClusterOperation, Clusters, Fetched,
    Findings, Identity, Job, LockObject, ObjectVersion, Origin, OwnOrphan, StateBackend,
};

/// One port of both clouds.
#[derive(Debug)]
pub struct ByCloud<P: ?Sized> {
    /// For environments of AWS.
    pub aws: Arc<P>,
    /// For those of Google Cloud.
    pub gcp: Arc<P>,
}

impl<P: ?Sized> ByCloud<P> {
    fn of(&self, environment: &Environment) -> &P {
        match environment.key.cloud {
            Cloud::Aws => &self.aws,
            Cloud::Gcp => &self.gcp,
        }
    }
}

#[async_trait]
impl Identity for ByCloud<dyn Identity> {
    async fn caller(&self, environment: &Environment, session: &str) -> Result<Caller> {
        self.of(environment).caller(environment, session).await
    }

    async fn origin(&self, environment: &Environment, session: &str) -> Result<Origin> {
        self.of(environment).origin(environment, session).await
    }

    async fn credentials(
        &self,
        environment: &Environment,
        session: &str,
    ) -> Result<ChildCredentials> {
        self.of(environment).credentials(environment, session).await
    }
}

#[async_trait]
impl CloudSecrets for ByCloud<dyn CloudSecrets> {
    async fn whole(&self, environment: &Environment, reference: &SecretRef) -> Result<Fetched> {
        self.of(environment).whole(environment, reference).await
    }
}

#[async_trait]
impl Clusters for ByCloud<dyn Clusters> {
    async fn find(
        &self,
        environment: &Environment,
        session: &str,
        region: &str,
        name: &str,
    ) -> Result<ClusterFound> {
        self.of(environment).find(environment, session, region, name).await
    }

    async fn operations(
        &self,
        environment: &Environment,
        session: &str,
        region: &str,
        name: &str,
    ) -> Result<Vec<ClusterOperation>> {
        self.of(environment).operations(environment, session, region, name).await
    }

    async fn lacks(&self, environment: &Environment) -> Result<Vec<&'static str>> {
        self.of(environment).lacks(environment).await
    }
}

#[async_trait]
impl StateBackend for ByCloud<dyn StateBackend> {
    async fn observe(&self, environment: &Environment, session: &str) -> Result<Findings> {
        self.of(environment).observe(environment, session).await
    }

    async fn set(
        &self,
        permit: &Permit,
        environment: &Environment,
        session: &str,
        setting: &str,
    ) -> Result<()> {
        self.of(environment).set(permit, environment, session, setting).await
    }

    async fn newest(&self, job: &Job) -> Result<Option<String>> {
        self.of(&job.environment).newest(job).await
    }

    async fn written(&self, job: &Job, since: Option<&str>) -> Result<Vec<ObjectVersion>> {
        self.of(&job.environment).written(job, since).await
    }

    async fn lock(&self, job: &Job) -> Result<Option<LockObject>> {
        self.of(&job.environment).lock(job).await
    }

    async fn unlock(&self, job: &Job, orphan: OwnOrphan<'_>) -> Result<bool> {
        self.of(&job.environment).unlock(job, orphan).await
    }

    async fn lacks(&self, environment: &Environment, write: bool) -> Result<Vec<&'static str>> {
        self.of(environment).lacks(environment, write).await
    }
}
