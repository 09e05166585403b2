//! In place of a cloud that this build was made without, and of what is not there for a cloud: every question is refused,
//! nothing is pretended.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::error::{Error, ErrorCode, Result};
use crate::model::{EksAccess, Environment, GkeAccess, SecretRef};
use crate::permit::Permit;
use crate::port::projects::{
    BillingAccount, Extra, Having, Office, OperationProgress, ProjectFacts, ProjectOrder,
    ProjectParent, Projects, Resource,
};
use crate::port::{
    Account, AccountOrder, Accounts, Answered, Caller, ChildCredentials, CloudSecrets,
    ClusterFound, ClusterToken, ClusterTokens, Clusters, Contact, Creation, Device, Fetched,
    Findings, GoogleTokens, Identity, Job, LockObject, MemberAccount, ObjectVersion,
    OrganizationFacts, Origin, OwnOrphan, SignIn, SignedIn, StateBackend,
};
use crate::secret::Secret;

/// Knows nobody and reaches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoCloud;

fn missing(environment: &Environment) -> Error {
    Error::new(
        ErrorCode::ToolMissing,
        format!(
            "checking the identity for {}: this build has no support for its cloud",
            environment.target()
        ),
    )
    .next(format!("build datamcp with the feature `{}`", environment.key.cloud.word()))
}

#[async_trait]
impl Identity for NoCloud {
    async fn caller(&self, environment: &Environment, _session: &str) -> Result<Caller> {
        Err(missing(environment))
    }

    async fn origin(&self, environment: &Environment, _session: &str) -> Result<Origin> {
        Err(missing(environment))
    }

    async fn credentials(
        &self,
        environment: &Environment,
        _session: &str,
    ) -> Result<ChildCredentials> {
        Err(missing(environment))
    }
}

#[async_trait]
impl SignIn for NoCloud {
    async fn device(&self, _environment: &Environment) -> Result<Option<Device>> {
        Ok(None)
    }

    async fn sign_in(&self, environment: &Environment, _code: &Secret) -> Result<SignedIn> {
        Err(missing(environment))
    }
}

#[async_trait]
impl CloudSecrets for NoCloud {
    async fn whole(&self, environment: &Environment, _reference: &SecretRef) -> Result<Fetched> {
        Err(missing(environment))
    }
}

#[async_trait]
impl Clusters for NoCloud {
    async fn find(
        &self,
        environment: &Environment,
        _session: &str,
        _region: &str,
        _name: &str,
    ) -> Result<ClusterFound> {
        Err(missing(environment))
    }
}

#[async_trait]
impl Projects for NoCloud {
    async fn parent(&self, at: &Environment, _name: &str) -> Result<ProjectParent> {
        Err(missing(at))
    }

    async fn project(&self, at: &Environment, _id: &str) -> Result<Option<ProjectFacts>> {
        Err(missing(at))
    }

    async fn billing_account(&self, at: &Environment, _id: &str) -> Result<BillingAccount> {
        Err(missing(at))
    }

    async fn missing(
        &self,
        at: &Environment,
        _resource: Resource<'_>,
        _wanted: &[&'static str],
    ) -> Result<Vec<&'static str>> {
        Err(missing(at))
    }

    async fn billed_to(&self, at: &Environment, _project: &str) -> Result<Option<String>> {
        Err(missing(at))
    }

    async fn off(&self, at: &Environment, _project: &str, _apis: &[String]) -> Result<Vec<String>> {
        Err(missing(at))
    }

    async fn has(
        &self,
        at: &Environment,
        _project: &ProjectFacts,
        _billing_account: &str,
        _extra: &Extra,
    ) -> Result<Having> {
        Err(missing(at))
    }

    async fn create(
        &self,
        _permit: &Permit,
        at: &Environment,
        _order: &ProjectOrder,
    ) -> Result<Answered<String>> {
        Err(missing(at))
    }

    async fn progress(
        &self,
        at: &Environment,
        _office: Office,
        _operation: &str,
    ) -> Result<OperationProgress> {
        Err(missing(at))
    }

    async fn label(
        &self,
        _permit: &Permit,
        at: &Environment,
        _project: &ProjectFacts,
        _labels: &BTreeMap<String, String>,
    ) -> Result<()> {
        Err(missing(at))
    }

    async fn bill(
        &self,
        _permit: &Permit,
        at: &Environment,
        _project: &str,
        _account: &str,
    ) -> Result<()> {
        Err(missing(at))
    }

    async fn enable(
        &self,
        _permit: &Permit,
        at: &Environment,
        _project: &str,
        _apis: &[String],
    ) -> Result<Option<String>> {
        Err(missing(at))
    }

    async fn give(
        &self,
        _permit: &Permit,
        at: &Environment,
        _project: &ProjectFacts,
        _billing_account: &str,
        _extra: &Extra,
    ) -> Result<()> {
        Err(missing(at))
    }
}

#[async_trait]
impl Accounts for NoCloud {
    async fn organization(&self, at: &Environment, _session: &str) -> Result<OrganizationFacts> {
        Err(missing(at))
    }

    async fn accounts(&self, at: &Environment, _session: &str) -> Result<Vec<Account>> {
        Err(missing(at))
    }

    async fn quota(&self, at: &Environment, _session: &str) -> Result<u64> {
        Err(missing(at))
    }

    async fn unit(&self, at: &Environment, _session: &str, _id: &str) -> Result<Option<String>> {
        Err(missing(at))
    }

    async fn parent(&self, at: &Environment, _session: &str, _account: &str) -> Result<String> {
        Err(missing(at))
    }

    async fn tags(
        &self,
        at: &Environment,
        _session: &str,
        _account: &str,
    ) -> Result<BTreeMap<String, String>> {
        Err(missing(at))
    }

    async fn creations(&self, at: &Environment, _session: &str) -> Result<Vec<Creation>> {
        Err(missing(at))
    }

    async fn creation(&self, at: &Environment, _session: &str, _id: &str) -> Result<Creation> {
        Err(missing(at))
    }

    async fn create(
        &self,
        _permit: &Permit,
        at: &Environment,
        _session: &str,
        _order: &AccountOrder,
    ) -> Result<Answered<Creation>> {
        Err(missing(at))
    }

    async fn place(
        &self,
        _permit: &Permit,
        at: &Environment,
        _session: &str,
        _account: &str,
        _way: (&str, &str),
    ) -> Result<Answered<()>> {
        Err(missing(at))
    }

    async fn tag(
        &self,
        _permit: &Permit,
        at: &Environment,
        _session: &str,
        _account: &str,
        _tags: &BTreeMap<String, String>,
    ) -> Result<Answered<()>> {
        Err(missing(at))
    }
}

#[async_trait]
impl MemberAccount for NoCloud {
    async fn contact(
        &self,
        member: &Environment,
        _session: &str,
        _kind: &str,
    ) -> Result<Option<Contact>> {
        Err(missing(member))
    }

    async fn set_contact(
        &self,
        _permit: &Permit,
        member: &Environment,
        _session: &str,
        _kind: &str,
        _contact: &Contact,
    ) -> Result<()> {
        Err(missing(member))
    }

    async fn default_vpcs(
        &self,
        member: &Environment,
        _session: &str,
    ) -> Result<BTreeMap<String, String>> {
        Err(missing(member))
    }

    async fn delete_default_vpc(
        &self,
        _permit: &Permit,
        member: &Environment,
        _session: &str,
        _region: &str,
        _vpc: &str,
    ) -> Result<()> {
        Err(missing(member))
    }
}

#[async_trait]
impl ClusterTokens for NoCloud {
    async fn token(&self, access: &EksAccess) -> Result<ClusterToken> {
        let cluster = &access.cluster;
        let doing = format!("making a token for EKS cluster {cluster}: this build has no AWS");
        Err(Error::new(ErrorCode::ToolMissing, doing).next("build datamcp with the feature `aws`"))
    }
}

#[async_trait]
impl GoogleTokens for NoCloud {
    async fn token(&self, _access: &GkeAccess) -> Result<ClusterToken> {
        let doing = "making a token for GKE: this build has no Google Cloud";
        Err(Error::new(ErrorCode::ToolMissing, doing).next("build datamcp with the feature `gcp`"))
    }
}

#[async_trait]
impl StateBackend for NoCloud {
    async fn observe(&self, environment: &Environment, _session: &str) -> Result<Findings> {
        Err(missing(environment))
    }

    async fn set(
        &self,
        _permit: &Permit,
        environment: &Environment,
        _session: &str,
        _setting: &str,
    ) -> Result<()> {
        Err(missing(environment))
    }

    // What follows is asked of every state, wherever it is kept: where none of ours looks, nothing was seen.
    async fn newest(&self, _job: &Job) -> Result<Option<String>> {
        Ok(None)
    }

    async fn written(&self, _job: &Job, _since: Option<&str>) -> Result<Vec<ObjectVersion>> {
        Ok(Vec::new())
    }

    async fn lock(&self, _job: &Job) -> Result<Option<LockObject>> {
        Ok(None)
    }

    async fn unlock(&self, _job: &Job, _orphan: OwnOrphan<'_>) -> Result<bool> {
        Ok(false)
    }
}
