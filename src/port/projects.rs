//! Projects of Google Cloud: what is there, what is being made, and the calls that make it so.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Answered;
use crate::error::Result;
use crate::model::{Budget, Environment};
use crate::permit::Permit;

/// An organization or a folder, in which projects are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectParent {
    /// `organizations/NUMBER` or `folders/NUMBER`.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// `ACTIVE` and the like, as the cloud says it.
    pub state: String,
    /// What it is in; none for an organization.
    pub parent: Option<String>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFacts {
    /// Its number.
    pub number: String,
    /// Its id.
    pub id: String,
    /// What it is in.
    pub parent: String,
    /// `ACTIVE` and the like, as the cloud says it.
    pub state: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An account that is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingAccount {
    /// Its name for people.
    pub display_name: String,
    /// Whether it pays; a closed one does not.
    pub open: bool,
    /// Its currency, where the cloud tells it.
    pub currency: Option<String>,
}

/// What a permission is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'r> {
    /// An organization or a folder, by its name.
    Parent(&'r str),
    /// A billing account, by its id.
    Billing(&'r str),
    /// A project, by its id.
    Project(&'r str),
}

/// What a project is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectOrder {
    /// Its id.
    pub id: String,
    /// What it is to be in.
    pub parent: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Whose a long-running operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Office {
    /// Resource Manager's: it makes projects.
    Projects,
    /// Service Usage's: it switches APIs on.
    Services,
}

/// How far a long-running operation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationProgress {
    /// It goes on.
    Going,
    /// It has ended well.
    Done,
    /// It failed.
    Failed(Failure),
    /// The cloud does not know it, or no longer.
    Forgotten,
}

/// Why something failed, as Google says it (`google.rpc.Status`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Name of the code, for instance `ALREADY_EXISTS`.
    pub code: String,
    /// Google's reason, where it gives one.
    pub reason: Option<String>,
    /// What it says.
    pub message: String,
}

/// What a project can have beside itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// No default network.
    NoDefaultNetwork,
    /// The default service account of Compute Engine does nothing.
    NoDefaultAccount,
    /// Whoever wants to delete it has to take the lien away first.
    Lien,
    /// An amount, and who is billed is told when half of it, most of it, all of it is spent.
    Budget(Budget),
}

/// How a project has something beside itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Having {
    /// As it is wanted.
    Wanted,
    /// In another way, told for people.
    Otherwise(String),
    /// Not at all.
    Nothing,
}

impl Extra {
    /// Name of the step.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoDefaultNetwork => "default_network",
            Self::NoDefaultAccount => "default_account",
            Self::Lien => "lien",
            Self::Budget(_) => "budget",
        }
    }
}

/// Projects. `at` says how they are reached, `session` names a role's session.
#[async_trait]
pub trait Projects: Send + Sync {
    /// An organization or a folder.
    async fn parent(&self, at: &Environment, name: &str) -> Result<ProjectParent>;

    /// A project; none when there is none that we may see. The cloud does not tell the two apart.
    async fn project(&self, at: &Environment, id: &str) -> Result<Option<ProjectFacts>>;

    /// An account that is billed.
    async fn billing_account(&self, at: &Environment, id: &str) -> Result<BillingAccount>;

    /// Which of these permissions this identity does not have.
    async fn missing(
        &self,
        at: &Environment,
        resource: Resource<'_>,
        wanted: &[&'static str],
    ) -> Result<Vec<&'static str>>;

    /// Id of the account that a project is billed to.
    async fn billed_to(&self, at: &Environment, project: &str) -> Result<Option<String>>;

    /// Which of these APIs are not on.
    async fn off(&self, at: &Environment, project: &str, apis: &[String]) -> Result<Vec<String>>;

    /// How a project has this beside itself.
    async fn has(
        &self,
        at: &Environment,
        project: &ProjectFacts,
        billing_account: &str,
        extra: &Extra,
    ) -> Result<Having>;

    /// Asks for a project, once: a call that failed is not repeated. Tells the operation.
    async fn create(
        &self,
        permit: &Permit,
        at: &Environment,
        order: &ProjectOrder,
    ) -> Result<Answered<String>>;

    /// How far an operation is.
    async fn progress(
        &self,
        at: &Environment,
        office: Office,
        operation: &str,
    ) -> Result<OperationProgress>;

    /// Gives a project labels; others stay.
    async fn label(
        &self,
        permit: &Permit,
        at: &Environment,
        project: &ProjectFacts,
        labels: &BTreeMap<String, String>,
    ) -> Result<()>;

    /// Has a project billed to this account.
    async fn bill(
        &self,
        permit: &Permit,
        at: &Environment,
        project: &str,
        account: &str,
    ) -> Result<()>;

    /// Switches APIs on, twenty at most. Tells the operation; none when all of them were on.
    async fn enable(
        &self,
        permit: &Permit,
        at: &Environment,
        project: &str,
        apis: &[String],
    ) -> Result<Option<String>>;

    /// Gives a project this, or makes what it has as it is wanted.
    async fn give(
        &self,
        permit: &Permit,
        at: &Environment,
        project: &ProjectFacts,
        billing_account: &str,
        extra: &Extra,
    ) -> Result<()>;
}
