//! An organization as a test wants it: its accounts are made step by step, and its answers can be lost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datamcp::error::{Error, ErrorCode, Result};
use datamcp::model::{Environment, OperationId};
use datamcp::permit::Permit;
use datamcp::port::accounts::Progress;
use datamcp::port::{
    Account, AccountOrder, Accounts, Answered, Contact, Creation, MemberAccount, OrganizationFacts,
    Runs,
};

use super::faults::Faults;

/// What comes of the next call that asks for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The organization is busy.
    Busy,
    /// The organization is still being made.
    Unfinished,
    /// The call is taken and its answer lost.
    LosesItsAnswer,
    /// The call is lost on the way.
    IsLost,
    /// The same, and somebody else asks for an account of the same name at that moment.
    IsLostBesideANamesake,
    /// The quota is met.
    Quota,
}

/// One account and the request that made it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) account: Account,
    pub(crate) parent: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) request: String,
    /// Looks at the request until it is made.
    pub(crate) going: usize,
    pub(crate) failure: Option<String>,
}

/// The organization.
#[derive(Default)]
pub(crate) struct Organization {
    pub(crate) members: Mutex<Vec<Member>>,
    pub(crate) next: Mutex<VecDeque<Next>>,
    /// Calls that asked for an account and arrived.
    pub(crate) asked: Mutex<usize>,
    /// How often a request says that it goes on.
    pub(crate) going: Mutex<usize>,
    /// Why the next account is not made.
    pub(crate) failure: Mutex<Option<String>>,
    /// Its management account, when it is not the one of the settings.
    pub(crate) management: Mutex<Option<String>>,
    /// How many accounts it may have; 10 unless set.
    pub(crate) quota: Mutex<Option<u64>>,
    /// How often a request is not told.
    pub(crate) silent: Mutex<usize>,
    /// Whether it knows no request any more.
    pub(crate) forgets: Mutex<bool>,
    /// Which run somebody wants to stop when its request is looked at.
    pub(crate) stops: Mutex<Option<(Arc<dyn Runs>, OperationId)>>,
    pub(crate) contacts: Mutex<BTreeMap<String, Contact>>,
    pub(crate) vpcs: Mutex<BTreeMap<String, String>>,
    pub(crate) faults: Arc<Faults>,
}

pub(crate) const NAMESAKE: &str = "namesake@example.org";
pub(crate) const ROOT: &str = "r-ab12";
pub(crate) const UNIT: &str = "ou-ab12-11111111";

impl Organization {
    pub(crate) fn with(faults: Arc<Faults>) -> Self {
        Self { faults, ..Self::default() }
    }

    pub(crate) fn answers(&self, next: impl IntoIterator<Item = Next>) {
        self.next.lock().unwrap().extend(next);
    }

    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    pub(crate) fn member(&self, email: &str) -> Option<Member> {
        let members = self.members.lock().unwrap();
        members.iter().find(|m| m.account.email == email && m.going == 0).cloned()
    }

    fn make(&self, order: &AccountOrder) -> Creation {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        let (number, mut members) = (*asked, self.members.lock().unwrap());
        let request = format!("car-{number:08}");
        members.push(Member {
            account: Account {
                id: format!("{number:012}"),
                email: order.email.clone(),
                name: order.name.clone(),
                state: "ACTIVE".into(),
                joined: None,
            },
            parent: ROOT.into(),
            tags: order.tags.clone(),
            request: request.clone(),
            going: *self.going.lock().unwrap(),
            failure: self.failure.lock().unwrap().take(),
        });
        let name = order.name.clone();
        Creation { id: request, name, requested: None, progress: Progress::Going }
    }
}

fn creation(member: &Member) -> Creation {
    let progress = match &member.failure {
        _ if member.going > 0 => Progress::Going,
        Some(reason) => Progress::Failed(reason.clone()),
        None => Progress::Made(member.account.id.clone()),
    };
    let name = member.account.name.clone();
    Creation { id: member.request.clone(), name, requested: None, progress }
}

fn failure(code: ErrorCode) -> Error {
    Error::new(code, "the organization says no")
}

#[async_trait]
impl Accounts for Organization {
    async fn organization(&self, at: &Environment, _session: &str) -> Result<OrganizationFacts> {
        let management = self.management.lock().unwrap().clone();
        Ok(OrganizationFacts {
            id: "o-abcdefghij".into(),
            management_account: management.unwrap_or_else(|| at.account.clone()),
            root: Some(ROOT.into()),
        })
    }

    async fn accounts(&self, _at: &Environment, _session: &str) -> Result<Vec<Account>> {
        let members = self.members.lock().unwrap();
        let there = members.iter().filter(|m| m.going == 0 && m.failure.is_none());
        Ok(there.map(|m| m.account.clone()).collect())
    }

    async fn unit(&self, _at: &Environment, _session: &str, id: &str) -> Result<Option<String>> {
        Ok([(ROOT, "Root"), (UNIT, "Workloads")]
            .into_iter()
            .find(|(known, _)| *known == id)
            .map(|(_, name)| name.to_owned()))
    }

    async fn parent(&self, _at: &Environment, _session: &str, account: &str) -> Result<String> {
        let members = self.members.lock().unwrap();
        let found = members.iter().find(|m| m.account.id == account);
        found.map(|m| m.parent.clone()).ok_or_else(|| failure(ErrorCode::UpstreamFailed))
    }

    async fn tags(
        &self,
        _at: &Environment,
        _session: &str,
        account: &str,
    ) -> Result<BTreeMap<String, String>> {
        let members = self.members.lock().unwrap();
        let found = members.iter().find(|m| m.account.id == account);
        found.map(|m| m.tags.clone()).ok_or_else(|| failure(ErrorCode::UpstreamFailed))
    }

    async fn quota(&self, _at: &Environment, _session: &str) -> Result<u64> {
        Ok(self.quota.lock().unwrap().unwrap_or(10))
    }

    async fn creations(&self, _at: &Environment, _session: &str) -> Result<Vec<Creation>> {
        if *self.forgets.lock().unwrap() {
            return Ok(Vec::new());
        }
        Ok(self.members.lock().unwrap().iter().map(creation).collect())
    }

    async fn creation(&self, _at: &Environment, _session: &str, id: &str) -> Result<Creation> {
        let unknown = || {
            failure(ErrorCode::UpstreamFailed).detail("aws", "CreateAccountStatusNotFoundException")
        };
        if *self.forgets.lock().unwrap() {
            return Err(unknown());
        }
        let stops = self.stops.lock().unwrap().clone();
        if let Some((runs, id)) = stops {
            runs.request_cancel(id, "somebody").await?;
        }
        let silent = &mut *self.silent.lock().unwrap();
        if *silent > 0 {
            *silent -= 1;
            return Err(failure(ErrorCode::UpstreamFailed));
        }
        let mut members = self.members.lock().unwrap();
        let found = members.iter_mut().find(|m| m.request == id);
        let found = found.ok_or_else(unknown)?;
        let told = creation(found);
        found.going = found.going.saturating_sub(1);
        Ok(told)
    }

    async fn create(
        &self,
        _permit: &Permit,
        _at: &Environment,
        _session: &str,
        order: &AccountOrder,
    ) -> Result<Answered<Creation>> {
        let next = self.next.lock().unwrap().pop_front();
        let refused =
            |long| Ok(Answered::Later { error: failure(ErrorCode::UpstreamFailed), long });
        match next {
            Some(Next::Busy) => return refused(false),
            Some(Next::Unfinished) => return refused(true),
            Some(Next::IsLost) => return Ok(Answered::Lost(failure(ErrorCode::TimedOut))),
            Some(Next::IsLostBesideANamesake) => {
                drop(self.make(&AccountOrder { email: NAMESAKE.into(), ..order.clone() }));
                return Ok(Answered::Lost(failure(ErrorCode::TimedOut)));
            }
            Some(Next::Quota) => {
                return Err(failure(ErrorCode::UpstreamFailed)
                    .detail("reason", "ACCOUNT_NUMBER_LIMIT_EXCEEDED"));
            }
            Some(Next::LosesItsAnswer) | None => {}
        }
        let made = self.faults.around("create", async { Ok(self.make(order)) }).await?;
        if next == Some(Next::LosesItsAnswer) {
            return Ok(Answered::Lost(failure(ErrorCode::TimedOut)));
        }
        Ok(Answered::Taken(made))
    }

    async fn place(
        &self,
        _permit: &Permit,
        _at: &Environment,
        _session: &str,
        account: &str,
        (from, to): (&str, &str),
    ) -> Result<Answered<()>> {
        let change = async {
            let mut members = self.members.lock().unwrap();
            let found = members.iter_mut().find(|m| m.account.id == account).unwrap();
            assert_eq!(found.parent, from);
            to.clone_into(&mut found.parent);
            Ok(Answered::Taken(()))
        };
        self.faults.around("place", change).await
    }

    async fn tag(
        &self,
        _permit: &Permit,
        _at: &Environment,
        _session: &str,
        account: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<Answered<()>> {
        let change = async {
            let mut members = self.members.lock().unwrap();
            let found = members.iter_mut().find(|m| m.account.id == account).unwrap();
            found.tags.extend(tags.clone());
            Ok(Answered::Taken(()))
        };
        self.faults.around("tags", change).await
    }
}

#[async_trait]
impl MemberAccount for Organization {
    async fn contact(
        &self,
        _member: &Environment,
        _session: &str,
        kind: &str,
    ) -> Result<Option<Contact>> {
        Ok(self.contacts.lock().unwrap().get(kind).cloned())
    }

    async fn set_contact(
        &self,
        _permit: &Permit,
        _member: &Environment,
        _session: &str,
        kind: &str,
        contact: &Contact,
    ) -> Result<()> {
        let change = async {
            self.contacts.lock().unwrap().insert(kind.to_owned(), contact.clone());
            Ok(())
        };
        self.faults.around("contact", change).await
    }

    async fn default_vpcs(
        &self,
        _member: &Environment,
        _session: &str,
    ) -> Result<BTreeMap<String, String>> {
        Ok(self.vpcs.lock().unwrap().clone())
    }

    async fn delete_default_vpc(
        &self,
        _permit: &Permit,
        _member: &Environment,
        _session: &str,
        region: &str,
        vpc: &str,
    ) -> Result<()> {
        let change = async {
            assert_eq!(self.vpcs.lock().unwrap().remove(region).as_deref(), Some(vpc));
            Ok(())
        };
        self.faults.around("default_vpc", change).await
    }
}
