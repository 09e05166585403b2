//! A project with real stores in a folder of its own, where only the outside world is played.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datamcp::adapter::file::{FileAnchor, FilePlans, FileRuns};
use datamcp::adapter::kubeconfig::KubeconfigFiles;
use datamcp::adapter::premises::Machine;
use datamcp::adapter::sqlite::Sqlite;
use datamcp::audit::Log;
use datamcp::audit::store::OperationRow;
use datamcp::clock::{Clock, FixedClock, Uptime};
use datamcp::config::{self, Config, Surroundings};
use datamcp::error::{Error, Result};
use datamcp::model::{Actor, KubeconfigPlaces, OperationId, PodAccount, Principal, Status};
use datamcp::operation::desk::{Decider, Person, approve};
use datamcp::operation::{Pipeline, Refusal, World, catalog, submit};
use datamcp::port::{Launcher, Runs};
use datamcp::run::{RunFile, Settled, settle, supervise};
use serde_json::{Value, json};

use super::applications::ArgoCd;
use super::clusters::Cloud;
use super::faults::{Faults, Faulty};
use super::google::Google;
use super::organizations::Organization;
use super::releases::Helm;
use super::terraform::Terraform;
use crate::alone::Leases;

/// `dev` may be approved by the requester in part, `prod` never.
pub(crate) const SETTINGS: &str = r#"
project = "acme"
[environments.aws.dev]
tier = "dev"
account_id = "123456789012"
region = "eu-west-1"
state = { backend = "s3", bucket = "acme-tfstate", key = "dev" }
[environments.aws.prod]
tier = "prod"
account_id = "123456789012"
region = "eu-west-1"
state = { backend = "s3", bucket = "acme-tfstate", key = "prod" }
[tiers.dev]
auto_approve = ["create", "update"]
max_delete = 2
[tiers.prod]
approvers = ["boss", "requester"]
[people.boss]
os_user = "boss"
[people.requester]
os_user = "deploy"
[principals.agent]
os_user = "deploy"
roles = ["change", "destroy"]
[principals.other]
os_user = "other"
roles = ["change", "destroy"]
"#;

/// A moment, in seconds since the site's clock began.
const BEGIN: i64 = 1_800_000_000;

/// The project.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) terraform: Arc<Terraform>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) helm: Arc<Helm>,
    pub(crate) argocd: Arc<ArgoCd>,
    pub(crate) organization: Arc<Organization>,
    pub(crate) google: Arc<Google>,
    pub(crate) faults: Arc<Faults>,
    /// Operations whose supervisor was started and has not been played yet.
    pub(crate) launched: Arc<Launched>,
    pub(crate) settings: Mutex<String>,
    /// The account of a pod, when the site is in one.
    pub(crate) pod: Mutex<Option<PodAccount>>,
    _leases: Leases,
}

/// Remembers what is to be started.
#[derive(Default)]
pub(crate) struct Launched(pub(crate) Mutex<Vec<OperationId>>);

#[async_trait]
impl Launcher for Launched {
    async fn launch(&self, operation: OperationId) -> Result<()> {
        self.0.lock().unwrap().push(operation);
        Ok(())
    }
}

/// The agent's user.
pub(crate) fn agent() -> Actor {
    actor("agent", "deploy")
}

pub(crate) fn actor(principal: &str, os_user: &str) -> Actor {
    Actor {
        principal: Principal(principal.into()),
        os_user: os_user.into(),
        agent: Some("test 1".into()),
    }
}

pub(crate) fn person(os_user: &str) -> Person {
    Person { os_user: os_user.into(), terminal: "/dev/pts/1".into() }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(SETTINGS)
    }

    pub(crate) fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let terraform = Arc::new(Terraform {
            script: Mutex::default(),
            calls: Mutex::default(),
            planned_with: Mutex::default(),
            effects: Mutex::default(),
            state: folder.path().join("state"),
            faults: Arc::clone(&faults),
        });
        let clock = clock(jiff::Timestamp::from_second(BEGIN).unwrap(), up(1_000));
        Self {
            folder,
            google: Arc::new(Google::with(Arc::clone(&faults), Arc::clone(&clock))),
            clock,
            terraform,
            cloud: Arc::default(),
            helm: Arc::default(),
            argocd: Arc::default(),
            organization: Arc::new(Organization::with(Arc::clone(&faults))),
            faults,
            launched: Arc::default(),
            settings: Mutex::new(settings.to_owned()),
            pod: Mutex::default(),
            _leases: Leases::begin(),
        }
    }

    /// Another site that begins where this one stands.
    pub(crate) fn copy(&self) -> Self {
        let mut copy = Self::with(&self.settings.lock().unwrap());
        for entry in walkdir::WalkDir::new(self.folder.path()).min_depth(1) {
            let entry = entry.unwrap();
            let to =
                copy.folder.path().join(entry.path().strip_prefix(self.folder.path()).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir(&to).unwrap();
            } else {
                std::fs::copy(entry.path(), &to).unwrap();
            }
        }
        copy.clock = clock(self.clock.now(), self.clock.uptime().unwrap());
        *copy.terraform.script.lock().unwrap() = self.terraform.script.lock().unwrap().clone();
        copy
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn later(&self, seconds: u32) {
        self.clock.pass(seconds);
    }

    pub(crate) fn configure(&self, from: &str, to: &str) {
        let mut settings = self.settings.lock().unwrap();
        assert!(settings.contains(from), "{from}");
        *settings = settings.replace(from, to);
    }

    fn config(&self) -> Config {
        let text =
            format!("{}\n[store]\nstate = {:?}\n", self.settings.lock().unwrap(), self.state());
        let raw = config::parse(&text, Path::new("/project/datamcp.toml")).unwrap();
        Config::check(raw, Path::new("/project"), &self.surroundings()).unwrap()
    }

    /// The world as one process sees it: nothing in it is shared with another call's.
    pub(crate) fn world(&self) -> World {
        let (state, config, faults) = (self.state(), self.config(), &self.faults);
        macro_rules! faulty {
            ($inner:expr, $port:path) => {
                Arc::new(Faulty::<dyn $port> {
                    inner: Arc::new($inner),
                    faults: Arc::clone(faults),
                })
            };
            (shared $inner:expr, $port:path) => {
                Arc::new(Faulty::<dyn $port> { inner: $inner, faults: Arc::clone(faults) })
            };
        }
        let store = Sqlite::new(&state);
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        World {
            settings_path: "/project/datamcp.toml".into(),
            host: "host".into(),
            log: Log::new(
                faulty!(store.clone(), datamcp::audit::AuditStore),
                faulty!(FileAnchor::new(config.anchor()), datamcp::audit::anchor::Anchor),
                Arc::clone(&clock),
            ),
            leases: faulty!(store.clone(), datamcp::lock::LeaseStore),
            approvals: faulty!(store, datamcp::approval::ApprovalStore),
            plans: faulty!(FilePlans::new(&state), datamcp::port::Plans),
            runs: faulty!(FileRuns::new(&state), datamcp::port::Runs),
            launcher: faulty!(shared Arc::clone(&self.launched) as Arc<dyn Launcher>, datamcp::port::Launcher),
            identity: faulty!(shared Arc::clone(&self.terraform) as Arc<dyn datamcp::port::Identity>, datamcp::port::Identity),
            credentials: faulty!(shared Arc::clone(&self.terraform) as Arc<dyn datamcp::port::CredentialDesk>, datamcp::port::CredentialDesk),
            provisioner: Arc::clone(&self.terraform) as Arc<dyn datamcp::port::Provisioner>,
            releases: Arc::clone(&self.helm) as Arc<dyn datamcp::port::Releases>,
            accounts: Arc::clone(&self.organization) as Arc<dyn datamcp::port::Accounts>,
            projects: Arc::clone(&self.google) as Arc<dyn datamcp::port::projects::Projects>,
            sign_in: Arc::new(datamcp::adapter::absent::NoCloud),
            secrets: Arc::new(datamcp::port::NoSecrets),
            member_account: Arc::clone(&self.organization) as Arc<dyn datamcp::port::MemberAccount>,
            applications: Arc::clone(&self.argocd) as Arc<dyn datamcp::port::Applications>,
            kubeconfigs: Arc::new(KubeconfigFiles {
                places: KubeconfigPlaces {
                    usual: self.folder.path().join("home/.kube/config"),
                    folder: self.folder.path().join("home/.kube"),
                },
                program: "/bin/datamcp".into(),
                pod: self.pod.lock().unwrap().clone(),
            }),
            clusters: Arc::clone(&self.cloud) as Arc<dyn datamcp::port::Clusters>,
            state_backend: Arc::clone(&self.terraform) as Arc<dyn datamcp::port::StateBackend>,
            premises: Arc::new(Machine { state: state.clone(), mirror: None, proxied: true }),
            clock,
            config: Arc::new(config),
        }
    }

    /// The first half of a call.
    pub(crate) async fn submit_as(
        &self,
        actor: &Actor,
        tool: &str,
        request: &Value,
    ) -> Result<OperationId, Refusal> {
        let tool = catalog::find(tool).unwrap();
        let world = self.world();
        Ok(submit(&world, actor, tool, request.clone()).await?.operation)
    }

    /// The second half, in a process of its own. False when that died.
    pub(crate) async fn supervise(&self, id: OperationId) -> bool {
        let world = self.world();
        let runs: Arc<dyn Runs> = Arc::clone(&world.runs);
        let clock = Arc::clone(&world.clock);
        let file = RunFile::load(runs.as_ref(), id).await.unwrap();
        let pipeline = Pipeline::new(world);
        tokio::select! {
            biased;
            () = self.faults.crash.notified() => false,
            _ended = supervise(&runs, &clock, &file, &pipeline) => true,
        }
    }

    /// A whole call: its answer, or the refusal as the answer.
    pub(crate) async fn call_as(&self, actor: &Actor, tool: &str, request: Value) -> Value {
        let id = match self.submit_as(actor, tool, &request).await {
            Ok(id) => id,
            Err(refusal) => {
                return json!({ "operation_id": refusal.operation, "status": "refused", "error": refusal.error });
            }
        };
        let waiting: Vec<OperationId> = self.launched.0.lock().unwrap().drain(..).collect();
        for id in waiting {
            assert!(self.supervise(id).await);
        }
        self.world().runs.result(id).await.unwrap().unwrap()
    }

    pub(crate) async fn call(&self, tool: &str, request: Value) -> Value {
        self.call_as(&agent(), tool, request).await
    }

    /// A plan of `tool` for `env`.
    pub(crate) async fn plan(&self, tool: &str, env: &str) -> Value {
        let answer = self.call(tool, json!({ "cloud": "aws", "env": env })).await;
        assert_eq!(answer["status"], "planned", "{answer}");
        answer["plan_id"].clone()
    }

    /// Asks for the plan to be carried out.
    pub(crate) async fn carry_out(&self, tool: &str, plan: &Value) -> Value {
        self.call(tool, json!({ "plan_id": plan, "dry_run": false })).await
    }

    /// A person looks at the approval that an answer names, and decides.
    pub(crate) async fn decide(&self, os_user: &str, answer: &Value, grant: bool) -> Result<()> {
        let id = answer["approval"]["id"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let world = self.world();
        let decider = Decider::at_terminal(&world.config, &person(os_user));
        let prompt = approve::prompt(&world, &decider, id).await?;
        let typed = prompt.word.clone();
        approve::decide(&world, &decider, &prompt, &typed, grant).await
    }

    /// A plan that a person approved.
    pub(crate) async fn approved(&self, tool: &str, env: &str) -> Value {
        let plan = self.plan(tool, env).await;
        let answer = self.carry_out(tool, &plan).await;
        assert_eq!(answer["status"], "approval_required", "{answer}");
        self.decide("boss", &answer, true).await.unwrap();
        plan
    }

    pub(crate) async fn row(&self, id: OperationId) -> OperationRow {
        self.world().log.store().row(id).await.unwrap().unwrap()
    }

    /// Looks after a supervisor that may be dead, as any other process would, a minute later.
    pub(crate) async fn settle(&self, id: OperationId) -> Status {
        self.later(60);
        match settle(&self.world().stores(), id).await.unwrap() {
            Settled::Ended(status) => status,
            other => panic!("{other:?}"),
        }
    }

    /// Why the environment is blocked, if it is; it has to be free otherwise.
    pub(crate) async fn blocked(&self, key: &str) -> Option<String> {
        let lease = self.world().leases.lease(key).await.unwrap()?;
        assert!(lease.holder.is_none(), "{lease:?}");
        lease.blocked.map(|blocked| blocked.reason)
    }
}

fn clock(at: jiff::Timestamp, uptime: Uptime) -> Arc<FixedClock> {
    Arc::new(FixedClock::new(at).with_uptime(uptime))
}

/// So many seconds after the machine was started.
pub(crate) fn up(seconds: u64) -> Uptime {
    Uptime { boot: "first".into(), seconds }
}

/// What the answer says went wrong.
pub(crate) fn error(answer: &Value) -> Error {
    serde_json::from_value(answer["error"].clone()).unwrap_or_else(|e| panic!("{e}: {answer}"))
}

impl Site {
    fn surroundings(&self) -> Surroundings {
        Surroundings {
            os_user: "deploy".into(),
            host: "host".into(),
            cwd: "/project".into(),
            state_home: "/nowhere".into(),
            config: None,
            path: vec![],
            network: vec![],
            endpoint_overrides: vec![],
            google_overrides: vec![],
            no_color: false,
            program: "/bin/datamcp".into(),
            kubeconfigs: KubeconfigPlaces {
                usual: "/home/.kube/config".into(),
                folder: "/home/.kube".into(),
            },
            pod: self.pod.lock().unwrap().clone(),
            home: "/home/deploy".into(),
            fault: None,
        }
    }
}
