//! A Terraform and an AWS that do what a test tells them, and remember what was asked of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datamcp::adapter::sqlite::Sqlite;
use datamcp::audit::AuditStore;
use datamcp::error::{Error, Result};
use datamcp::model::{
    Action, ChangeSet, Digest, Environment, Intent, OperationId, Outcome, ResourceChange,
    StateVersion, Status,
};
use datamcp::permit::Permit;
use datamcp::port::{
    Applied, Caller, ChildCredentials, ChildKeys, CredentialDesk, DeskGuard, Identity, Job,
    JobFacts, Module, Output, PlanFile, Planned, Provisioner, ToolVersion, VariableDecl, Watch,
};
use datamcp::secret::Secret;
use serde_json::{Map, Value, json};

use super::faults::Faults;

pub(crate) const ACCOUNT: &str = "123456789012";

/// What it answers.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) variables: Vec<VariableDecl>,
    pub(crate) changes: ChangeSet,
    pub(crate) file: Vec<u8>,
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) state: StateVersion,
    pub(crate) facts: JobFacts,
    pub(crate) outcome: Outcome,
    pub(crate) said: String,
    pub(crate) error: Option<Error>,
    pub(crate) plan_error: Option<Error>,
    pub(crate) account: String,
    /// Why nobody gets into the accounts of an organization.
    pub(crate) member_refused: Option<Error>,
    pub(crate) state_lost: bool,
    /// The state after an apply, when it is not the next one of the line.
    pub(crate) state_after: Option<StateVersion>,
    pub(crate) resources: usize,
    pub(crate) missing: Vec<String>,
    /// Permissions that the use of the state lacks, to read and to write; an error where that cannot be asked.
    pub(crate) lacking: std::result::Result<(Vec<&'static str>, Vec<&'static str>), Error>,
    /// What a plan has seen in the world.
    pub(crate) seen: BTreeMap<String, Digest>,
    /// What a refresh finds, when it is something else than `changes`.
    pub(crate) drift: Option<Drift>,
}

/// What a refresh finds.
#[derive(Clone, Default)]
pub(crate) struct Drift {
    pub(crate) changes: ChangeSet,
    pub(crate) seen: BTreeMap<String, Digest>,
}

/// One resource of a plan.
pub(crate) fn resource(action: Action, kind: &str) -> ResourceChange {
    ResourceChange { address: format!("{kind}.it"), kind: kind.into(), action }
}

pub(crate) fn changes(all: &[(Action, &str)]) -> ChangeSet {
    let resources = all.iter().map(|(action, kind)| resource(*action, kind)).collect();
    ChangeSet { resources, ..ChangeSet::default() }
}

fn variable(name: &str, kind: &str, sensitive: bool) -> VariableDecl {
    VariableDecl { name: name.into(), optional: true, sensitive, kind: kind.into() }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            member_refused: None,
            variables: vec![
                variable("size", "number", false),
                variable("note", "string", false),
                variable("hidden", "string", true),
            ],
            changes: changes(&[(Action::Create, "aws_vpc")]),
            file: b"the saved plan".to_vec(),
            text: "aws_vpc.it will be created".into(),
            secrets: Vec::new(),
            state: StateVersion { lineage: "line".into(), serial: 7 },
            facts: JobFacts {
                terraform: "terraform 1.11.4".into(),
                providers: Digest::of("providers"),
                tree: Digest::of("tree"),
            },
            outcome: Outcome::Succeeded,
            said: "Apply complete".into(),
            error: None,
            plan_error: None,
            account: ACCOUNT.into(),
            state_lost: false,
            state_after: None,
            resources: 1,
            missing: Vec::new(),
            lacking: Ok((Vec::new(), Vec::new())),
            seen: BTreeMap::new(),
            drift: None,
        }
    }
}

/// The stand-in.
pub(crate) struct Terraform {
    pub(crate) script: Mutex<Script>,
    pub(crate) calls: Mutex<Vec<&'static str>>,
    /// Variables of each plan.
    pub(crate) planned_with: Mutex<Vec<Map<String, Value>>>,
    /// Effects: for which operation, and how the log stood at that moment.
    pub(crate) effects: Mutex<Vec<(OperationId, Option<Status>)>>,
    pub(crate) state: PathBuf,
    pub(crate) faults: Arc<Faults>,
}

impl Terraform {
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| **call == name).count()
    }

    pub(crate) fn effects(&self) -> usize {
        self.effects.lock().unwrap().len()
    }

    fn called(&self, name: &'static str) -> Script {
        self.calls.lock().unwrap().push(name);
        self.script.lock().unwrap().clone()
    }

    async fn effect(&self, job: &Job) -> Result<()> {
        let row = Sqlite::new(&self.state).row(job.operation).await?;
        self.effects.lock().unwrap().push((job.operation, row.map(|row| row.status)));
        self.tell(|script| script.state.serial += 1);
        Ok(())
    }
}

#[async_trait]
impl Provisioner for Terraform {
    async fn find(&self) -> Result<()> {
        Ok(())
    }

    async fn version(&self) -> Result<ToolVersion> {
        self.called("version");
        Ok(ToolVersion {
            name: "terraform".into(),
            version: "1.11.4".into(),
            path: "/terraform".into(),
        })
    }

    async fn inspect(&self, _environment: &Environment) -> Result<Module> {
        let script = self.called("inspect");
        self.faults
            .around("inspect", async {
                Ok(Module { variables: script.variables, warnings: vec![] })
            })
            .await
    }

    async fn plan(
        &self,
        _job: &Job,
        intent: Intent,
        variables: &Map<String, Value>,
        watch: &dyn Watch,
    ) -> Result<Planned> {
        let mut script = self.called("plan");
        if let (Intent::Refresh, Some(drift)) = (intent, script.drift.take()) {
            script.changes = drift.changes;
            script.seen = drift.seen;
        }
        self.planned_with.lock().unwrap().push(variables.clone());
        watch.line("Refreshing state...\n").await;
        let planned = Planned {
            json: Digest::of(&script.file),
            file: script.file,
            changes: script.changes,
            text: script.text,
            state: script.state,
            facts: script.facts,
            secrets: script.secrets,
            warnings: Vec::new(),
            seen: script.seen,
        };
        let planned = script.plan_error.map_or(Ok(planned), Err);
        self.faults.around("plan", async { planned }).await
    }

    async fn facts(&self, _job: &Job) -> Result<JobFacts> {
        let facts = self.called("facts").facts;
        self.faults.around("facts", async { Ok(facts) }).await
    }

    async fn state(&self, _job: &Job) -> Result<StateVersion> {
        let state = self.called("state").state;
        self.faults.around("state", async { Ok(state) }).await
    }

    /// In the order of the real one: intent, last check, child, effect, notes that must not stop it.
    async fn apply(
        &self,
        permit: &Permit,
        job: &Job,
        plan: PlanFile<'_>,
        watch: &dyn Watch,
    ) -> Result<Applied> {
        let script = self.called("apply");
        assert_eq!(plan.bytes, script.file, "promise 2: exactly the saved plan");
        watch.note("intent", json!({})).await?;
        permit.lease().check().await?;
        std::fs::write(job.scratch.join("apply.jsonl"), &script.said).unwrap();
        let seen = self.faults.around("effect", self.effect(job)).await;
        let outcome = seen.map_or(Outcome::Unknown, |()| script.outcome);
        drop(watch.note("child", json!({ "pid": 1 })).await);
        watch.line(&script.said).await;
        watch.progress(&script.said, 1, 1).await;
        let exit =
            json!({ "returncode": 0, "outcome": outcome, "state_not_saved": script.state_lost });
        drop(watch.note("exit", exit).await);
        Ok(Applied {
            outcome,
            returncode: Some(i32::from(outcome != Outcome::Succeeded)),
            done: vec!["aws_vpc.it".into()],
            failed: BTreeMap::new(),
            not_started: Vec::new(),
            text: script.said,
            state: Some(
                script.state_after.unwrap_or_else(|| self.script.lock().unwrap().state.clone()),
            ),
            resources: script.resources,
            missing: script.missing,
            error: script.error,
            outputs: Map::new(),
        })
    }

    async fn outputs(&self, _job: &Job) -> Result<BTreeMap<String, Output>> {
        let said = self.called("outputs").said;
        Ok(BTreeMap::from([
            ("plain".into(), Output { value: Some(json!(said)), sensitive: false }),
            ("hidden".into(), Output { value: None, sensitive: true }),
        ]))
    }
}

#[async_trait]
impl Identity for Terraform {
    async fn caller(&self, environment: &Environment, _session: &str) -> Result<Caller> {
        let mut account = self.called("caller").account;
        if environment.member_role.is_some() {
            if let Some(refused) = self.script.lock().unwrap().member_refused.clone() {
                return Err(refused);
            }
            account.clone_from(&environment.account);
        }
        Ok(Caller { arn: format!("arn:aws:iam::{account}:user/deploy"), account })
    }

    async fn origin(
        &self,
        _environment: &Environment,
        _session: &str,
    ) -> Result<datamcp::port::Origin> {
        Ok(datamcp::port::Origin::default())
    }

    async fn credentials(&self, _e: &Environment, _session: &str) -> Result<ChildCredentials> {
        let secret_access_key = Secret::new("none");
        Ok(ChildCredentials::Aws(ChildKeys {
            access_key_id: "none".into(),
            secret_access_key,
            session_token: None,
            expires: None,
        }))
    }
}

#[async_trait]
impl CredentialDesk for Terraform {
    async fn open(&self, _operation: OperationId, _environment: &Environment) -> Result<DeskGuard> {
        Ok(DeskGuard::new(|| {}))
    }
}

/// No test of this lane makes a state bucket; the emulator lane does.
#[async_trait]
impl datamcp::port::StateBackend for Terraform {
    async fn observe(
        &self,
        environment: &Environment,
        _session: &str,
    ) -> Result<datamcp::port::Findings> {
        Err(Error::internal(
            "looking at a state bucket",
            format!("{} is played without one", environment.key),
        ))
    }

    async fn set(
        &self,
        _permit: &Permit,
        environment: &Environment,
        _session: &str,
        _setting: &str,
    ) -> Result<()> {
        Err(Error::internal(
            "making a state bucket",
            format!("{} is played without one", environment.key),
        ))
    }

    async fn newest(&self, _job: &Job) -> Result<Option<String>> {
        Ok(None)
    }

    async fn written(
        &self,
        _job: &Job,
        _since: Option<&str>,
    ) -> Result<Vec<datamcp::port::ObjectVersion>> {
        Ok(Vec::new())
    }

    async fn lock(&self, _job: &Job) -> Result<Option<datamcp::port::LockObject>> {
        Ok(None)
    }

    async fn unlock(&self, _job: &Job, _orphan: datamcp::port::OwnOrphan<'_>) -> Result<bool> {
        Ok(false)
    }

    async fn lacks(&self, _environment: &Environment, write: bool) -> Result<Vec<&'static str>> {
        let (reads, writes) = self.called("lacks").lacking?;
        Ok(if write { [reads, writes].concat() } else { reads })
    }
}
