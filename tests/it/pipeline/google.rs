//! An organization of Google Cloud as a test wants it: its projects are made step by step, time passes while they are looked
//! at, and its answers can be lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use datamcp::clock::FixedClock;
use datamcp::error::{Error, ErrorCode, Result};
use datamcp::model::{Budget, Environment};
use datamcp::permit::Permit;
use datamcp::port::Answered;
use datamcp::port::projects::{
    BillingAccount, Extra, Failure, Having, Office, OperationProgress, ProjectFacts, ProjectOrder,
    ProjectParent, Projects, Resource,
};

use super::faults::Faults;

pub(crate) const NUMBER: &str = "415104041262";
pub(crate) const OWN: &str = "organizations/415104041262";
/// A folder of the organization, and one of another.
pub(crate) const FOLDER: &str = "folders/521104041263";
pub(crate) const FOREIGN: &str = "folders/900000000001";
pub(crate) const BILLING: &str = "012345-6789AB-CDEF01";

/// What comes of the next call that asks for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Calls come too fast.
    Busy,
    /// It is taken and its answer lost.
    LosesItsAnswer,
    /// It is lost on the way.
    IsLost,
    /// It is refused for this reason.
    Refused(&'static str),
}

/// A project, and what is beside it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) facts: ProjectFacts,
    pub(crate) billed_to: Option<String>,
    pub(crate) apis: BTreeSet<String>,
    pub(crate) extras: Vec<Extra>,
    pub(crate) budget: Option<Budget>,
}

/// An operation: how often it still says that it goes on, what it does at its end, why it fails.
#[derive(Debug, Clone)]
struct Operation {
    going: usize,
    makes: Option<ProjectOrder>,
    enables: Option<(String, Vec<String>)>,
    failure: Option<Failure>,
}

/// All that it is told.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) projects: BTreeMap<String, Made>,
    pub(crate) next: VecDeque<Next>,
    /// Calls that asked for a project and arrived.
    pub(crate) asked: usize,
    /// How often an operation says that it goes on.
    pub(crate) going: usize,
    /// Ids that somebody else has.
    pub(crate) taken: BTreeSet<String>,
    /// A taken id is told by the operation, not by the answer.
    pub(crate) tells_later: bool,
    /// Why the next operation of this office fails.
    pub(crate) fails: Option<(Office, Failure)>,
    /// It knows none of its operations any more.
    pub(crate) forgets: bool,
    pub(crate) closed: bool,
    /// Permissions that this identity does not have.
    pub(crate) without: BTreeSet<&'static str>,
    /// Why a project is not billed, so often.
    pub(crate) unbilled: (usize, Option<Error>),
    /// Why the next thing beside a project is not made.
    pub(crate) ungiven: Option<Error>,
    /// Seconds that pass at each look at a project, and at an operation.
    pub(crate) slow: u32,
    pub(crate) long: u32,
    /// What was done, in order.
    pub(crate) done: Vec<String>,
    operations: BTreeMap<String, Operation>,
}

/// The organization.
pub(crate) struct Google {
    script: Mutex<Script>,
    faults: Arc<Faults>,
    clock: Arc<FixedClock>,
}

pub(crate) fn refusal(reason: &str) -> Error {
    Error::new(ErrorCode::UpstreamFailed, "Google says no").detail("reason", reason)
}

pub(crate) fn failure(code: &str) -> Failure {
    Failure { code: code.into(), reason: None, message: "Google says no".into() }
}

impl Google {
    pub(crate) fn with(faults: Arc<Faults>, clock: Arc<FixedClock>) -> Self {
        Self { script: Mutex::default(), faults, clock }
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(crate) fn made(&self, id: &str) -> Made {
        self.script().projects.get(id).cloned().unwrap_or_else(|| panic!("no {id}"))
    }

    /// Puts a project there, as somebody else would have made it.
    pub(crate) fn put(&self, id: &str, parent: &str) {
        let labels = BTreeMap::new();
        self.script().make(&ProjectOrder { id: id.into(), parent: parent.into(), labels });
    }

    /// A look at a project: time passes.
    fn look(&self) -> MutexGuard<'_, Script> {
        let script = self.script();
        self.clock.pass(script.slow);
        script
    }
}

impl Script {
    fn make(&mut self, order: &ProjectOrder) {
        let number = 700_000_000_000_u64 + self.projects.len() as u64;
        let facts = ProjectFacts {
            number: number.to_string(),
            id: order.id.clone(),
            parent: order.parent.clone(),
            state: "ACTIVE".into(),
            labels: order.labels.clone(),
        };
        let made = Made {
            facts,
            billed_to: None,
            apis: BTreeSet::new(),
            extras: Vec::new(),
            budget: None,
        };
        let before = self.projects.insert(order.id.clone(), made);
        assert!(before.is_none(), "{} is made twice", order.id);
    }

    fn begin(&mut self, office: Office, mut operation: Operation) -> String {
        if self.fails.as_ref().is_some_and(|(of, _)| *of == office) {
            operation.failure = self.fails.take().map(|(_, failure)| failure);
        }
        let word = if operation.makes.is_some() { "cp" } else { "acat" };
        let name = format!("operations/{word}.{}", self.operations.len());
        self.operations.insert(name.clone(), operation);
        if self.going == 0 {
            self.end(&name);
        }
        name
    }

    /// One look at an operation.
    fn pass(&mut self, name: &str) {
        let Some(operation) = self.operations.get_mut(name) else { return };
        if operation.going > 0 {
            operation.going -= 1;
            if operation.going == 0 {
                self.end(name);
            }
        }
    }

    fn end(&mut self, name: &str) {
        let operation = self.operations.get_mut(name).unwrap();
        operation.going = 0;
        if operation.failure.is_some() {
            return;
        }
        let (makes, enables) = (operation.makes.take(), operation.enables.take());
        if let Some(order) = makes {
            self.make(&order);
        }
        if let Some((id, apis)) = enables {
            self.projects.get_mut(&id).unwrap().apis.extend(apis);
        }
    }

    /// Everything that goes on ends now.
    pub(crate) fn hurry(&mut self) {
        self.going = 0;
        let going: Vec<String> = self
            .operations
            .iter()
            .filter(|(_, o)| o.going > 0)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &going {
            self.end(name);
        }
    }

    /// Nothing comes of what goes on.
    pub(crate) fn drop_operations(&mut self) {
        self.operations.clear();
    }

    fn making(&self, id: &str) -> Option<String> {
        let of = |o: &Operation| o.makes.as_ref().is_some_and(|order| order.id == id);
        let mut all = self.operations.iter().filter(|(_, o)| o.failure.is_none() && of(o));
        all.next().map(|(name, _)| name.clone())
    }

    fn create(&mut self, order: &ProjectOrder) -> Result<String> {
        self.asked += 1;
        let taken = self.projects.contains_key(&order.id)
            || self.making(&order.id).is_some()
            || self.taken.contains(&order.id);
        if taken && !self.tells_later {
            return Err(refusal("ALREADY_EXISTS"));
        }
        Ok(self.begin(
            Office::Projects,
            Operation {
                going: self.going,
                makes: Some(order.clone()),
                enables: None,
                failure: taken.then(|| failure("ALREADY_EXISTS")),
            },
        ))
    }
}

#[async_trait]
impl Projects for Google {
    async fn parent(&self, _at: &Environment, name: &str) -> Result<ProjectParent> {
        let parent = match name {
            OWN => None,
            FOLDER => Some(OWN.to_owned()),
            FOREIGN => Some("organizations/1".to_owned()),
            _ => return Err(refusal("NOT_FOUND")),
        };
        let (name, display_name) = (name.to_owned(), "acme.example".to_owned());
        Ok(ProjectParent { name, display_name, state: "ACTIVE".into(), parent })
    }

    async fn project(&self, _at: &Environment, id: &str) -> Result<Option<ProjectFacts>> {
        let mut script = self.look();
        if let Some(operation) = script.making(id) {
            script.pass(&operation);
        }
        Ok(script.projects.get(id).map(|made| made.facts.clone()))
    }

    async fn billing_account(&self, _at: &Environment, _id: &str) -> Result<BillingAccount> {
        let open = !self.script().closed;
        Ok(BillingAccount { display_name: "Acme".into(), open, currency: Some("EUR".into()) })
    }

    async fn missing(
        &self,
        _at: &Environment,
        _resource: Resource<'_>,
        wanted: &[&'static str],
    ) -> Result<Vec<&'static str>> {
        let script = self.script();
        Ok(wanted.iter().copied().filter(|name| script.without.contains(name)).collect())
    }

    async fn billed_to(&self, _at: &Environment, project: &str) -> Result<Option<String>> {
        Ok(self.made(project).billed_to)
    }

    async fn off(&self, _at: &Environment, project: &str, apis: &[String]) -> Result<Vec<String>> {
        let on = self.made(project).apis;
        Ok(apis.iter().filter(|api| !on.contains(*api)).cloned().collect())
    }

    async fn has(
        &self,
        _at: &Environment,
        project: &ProjectFacts,
        _billing_account: &str,
        extra: &Extra,
    ) -> Result<Having> {
        let made = self.made(&project.id);
        Ok(match (extra, made.budget) {
            (Extra::Budget(wanted), Some(there)) if *wanted != there => {
                Having::Otherwise(there.to_string())
            }
            (Extra::Budget(_), Some(_)) => Having::Wanted,
            _ if made.extras.contains(extra) => Having::Wanted,
            _ => Having::Nothing,
        })
    }

    async fn create(
        &self,
        _permit: &Permit,
        _at: &Environment,
        order: &ProjectOrder,
    ) -> Result<Answered<String>> {
        let next = self.script().next.pop_front();
        let lost = || Ok(Answered::Lost(Error::new(ErrorCode::TimedOut, "no answer")));
        match next {
            Some(Next::Busy) => {
                let error = refusal("RATE_LIMIT_EXCEEDED");
                return Ok(Answered::Later { error, long: false });
            }
            Some(Next::IsLost) => return lost(),
            Some(Next::Refused(reason)) => return Err(refusal(reason)),
            Some(Next::LosesItsAnswer) | None => {}
        }
        let call = async { self.script().create(order) };
        let operation = self.faults.around("create", call).await?;
        if next == Some(Next::LosesItsAnswer) { lost() } else { Ok(Answered::Taken(operation)) }
    }

    async fn progress(
        &self,
        _at: &Environment,
        _office: Office,
        operation: &str,
    ) -> Result<OperationProgress> {
        let mut script = self.script();
        self.clock.pass(script.long);
        if script.forgets {
            return Ok(OperationProgress::Forgotten);
        }
        let seen = script.operations[operation].clone();
        script.pass(operation);
        Ok(match seen.failure {
            _ if seen.going > 0 => OperationProgress::Going,
            Some(failure) => OperationProgress::Failed(failure),
            None => OperationProgress::Done,
        })
    }

    async fn label(
        &self,
        _permit: &Permit,
        _at: &Environment,
        project: &ProjectFacts,
        labels: &BTreeMap<String, String>,
    ) -> Result<()> {
        let change = async {
            let mut script = self.script();
            let made = script.projects.get_mut(&project.id).unwrap();
            made.facts.labels.extend(labels.clone());
            Ok(())
        };
        self.faults.around("label", change).await
    }

    async fn bill(
        &self,
        _permit: &Permit,
        _at: &Environment,
        project: &str,
        account: &str,
    ) -> Result<()> {
        let change = async {
            drop(self.look());
            let mut script = self.script();
            if let (left @ 1.., Some(error)) = &mut script.unbilled {
                *left -= 1;
                return Err(error.clone());
            }
            script.done.push(format!("billed to {account}"));
            script.projects.get_mut(project).unwrap().billed_to = Some(account.to_owned());
            Ok(())
        };
        self.faults.around("bill", change).await
    }

    async fn enable(
        &self,
        _permit: &Permit,
        _at: &Environment,
        project: &str,
        apis: &[String],
    ) -> Result<Option<String>> {
        let change = async {
            let mut script = self.script();
            let operation = Operation {
                going: script.going,
                makes: None,
                enables: Some((project.to_owned(), apis.to_vec())),
                failure: None,
            };
            script.done.push(format!("{} APIs", apis.len()));
            Ok(Some(script.begin(Office::Services, operation)))
        };
        self.faults.around("enable", change).await
    }

    async fn give(
        &self,
        _permit: &Permit,
        _at: &Environment,
        project: &ProjectFacts,
        _billing_account: &str,
        extra: &Extra,
    ) -> Result<()> {
        let change = async {
            let mut script = self.script();
            if let Some(error) = script.ungiven.take() {
                return Err(error);
            }
            script.done.push(extra.word().to_owned());
            let made = script.projects.get_mut(&project.id).unwrap();
            match extra {
                Extra::Budget(budget) => made.budget = Some(budget.clone()),
                other => made.extras.push(other.clone()),
            }
            Ok(())
        };
        self.faults.around("give", change).await
    }
}
