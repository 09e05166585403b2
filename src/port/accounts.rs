//! Accounts of an organization: what is there, what is being made, and the calls that make it so.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::Environment;
use crate::permit::Permit;

/// An organization as the cloud tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationFacts {
    /// Its id, `o-…`.
    pub id: String,
    /// The account that may change it.
    pub management_account: String,
    /// Its root, `r-…`; nothing for an account that may not ask for it.
    pub root: Option<String>,
}

/// One account of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its address.
    pub email: String,
    /// Its name.
    pub name: String,
    /// `ACTIVE` and the like, as the cloud says it.
    pub state: String,
    /// Since when it is in the organization.
    pub joined: Option<Timestamp>,
}

/// How far the making of an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// It goes on.
    Going,
    /// The account is there: its id.
    Made(String),
    /// It failed: the cloud's word for why.
    Failed(String),
}

/// A request to make an account, as the cloud keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    /// The request's id, `car-…`.
    pub id: String,
    /// Name of the account. The cloud does not tell its address.
    pub name: String,
    /// When it was asked for.
    pub requested: Option<Timestamp>,
    /// How far it is.
    pub progress: Progress,
}

/// What an account is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOrder {
    /// Address of its root user.
    pub email: String,
    /// Its name.
    pub name: String,
    /// Role that is made in it for the management account.
    pub role: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What became of a call that changes an organization.
#[derive(Debug)]
pub enum Answered<T> {
    /// It was taken.
    Taken(T),
    /// It was not taken and may be made again later: the organization is busy, or still being made.
    Later {
        /// What the cloud said.
        error: Error,
        /// Whether it takes an hour rather than seconds.
        long: bool,
    },
    /// Nobody knows whether it was taken: the answer was lost.
    Lost(Error),
}

/// Somebody to turn to beside the account's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Their name.
    pub name: String,
    /// Their title.
    pub title: String,
    /// Their address.
    pub email: String,
    /// Their telephone number.
    pub phone: String,
}

/// Accounts of an organization. `at` says how it is reached, `session` names a role's session.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The organization that the caller's account is in.
    async fn organization(&self, at: &Environment, session: &str) -> Result<OrganizationFacts>;

    /// All its accounts.
    async fn accounts(&self, at: &Environment, session: &str) -> Result<Vec<Account>>;

    /// How many accounts it may have.
    async fn quota(&self, at: &Environment, session: &str) -> Result<u64>;

    /// Name of a root or organizational unit; nothing when the organization has none of that id.
    async fn unit(&self, at: &Environment, session: &str, id: &str) -> Result<Option<String>>;

    /// The root or unit that an account is in.
    async fn parent(&self, at: &Environment, session: &str, account: &str) -> Result<String>;

    /// The tags of an account.
    async fn tags(
        &self,
        at: &Environment,
        session: &str,
        account: &str,
    ) -> Result<BTreeMap<String, String>>;

    /// Requests that the organization still knows of.
    async fn creations(&self, at: &Environment, session: &str) -> Result<Vec<Creation>>;

    /// One of them.
    async fn creation(&self, at: &Environment, session: &str, id: &str) -> Result<Creation>;

    /// Asks for an account, once: a call that failed is not repeated.
    async fn create(
        &self,
        permit: &Permit,
        at: &Environment,
        session: &str,
        order: &AccountOrder,
    ) -> Result<Answered<Creation>>;

    /// Moves an account from one root or unit to another.
    async fn place(
        &self,
        permit: &Permit,
        at: &Environment,
        session: &str,
        account: &str,
        way: (&str, &str),
    ) -> Result<Answered<()>>;

    /// Gives an account tags; others stay.
    async fn tag(
        &self,
        permit: &Permit,
        at: &Environment,
        session: &str,
        account: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<Answered<()>>;
}

/// What is in one account, reached by a role there: `member` says how.
#[async_trait]
pub trait MemberAccount: Send + Sync {
    /// The contact of this kind (`BILLING`, `OPERATIONS`, `SECURITY`).
    async fn contact(
        &self,
        member: &Environment,
        session: &str,
        kind: &str,
    ) -> Result<Option<Contact>>;

    /// Sets it.
    async fn set_contact(
        &self,
        permit: &Permit,
        member: &Environment,
        session: &str,
        kind: &str,
        contact: &Contact,
    ) -> Result<()>;

    /// Regions that have a default VPC, with its id.
    async fn default_vpcs(
        &self,
        member: &Environment,
        session: &str,
    ) -> Result<BTreeMap<String, String>>;

    /// Deletes a default VPC with its gateway and subnets. One that holds anything else stays, and that is an error.
    async fn delete_default_vpc(
        &self,
        permit: &Permit,
        member: &Environment,
        session: &str,
        region: &str,
        vpc: &str,
    ) -> Result<()>;
}
