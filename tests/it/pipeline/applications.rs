//! An Argo CD that does what a test tells it, and remembers what was asked of it.

use std::sync::Mutex;

use async_trait::async_trait;
use datamcp::error::{Error, ErrorCode, Result};
use datamcp::model::{ArgoProject, OperationId};
use datamcp::permit::Permit;
use datamcp::port::{
    Application, Applications, Asked, Bounds, Managed, ResourceState, SyncOrder, SyncState,
};
use serde_json::{Value, json};

/// What it has and how it behaves.
pub(crate) struct Script {
    pub(crate) application: Option<Application>,
    pub(crate) bounds: Option<Bounds>,
    pub(crate) managed: Vec<Managed>,
    pub(crate) rendered: Vec<Value>,
    pub(crate) open: bool,
    /// The answer to a change is lost: after it was taken, or before.
    pub(crate) lost: Option<bool>,
    /// How a sync ends, and how healthy the application is then.
    pub(crate) phase: String,
    pub(crate) health: String,
    /// Looks until a sync has ended.
    pub(crate) looks: u32,
}

/// The stand-in.
pub(crate) struct ArgoCd {
    script: Mutex<Script>,
    calls: Mutex<Vec<String>>,
}

/// The commit that its applications follow.
pub(crate) const COMMIT: &str = "1111111111111111111111111111111111111111";

/// A config map of the namespace `apps`.
pub(crate) fn map(name: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "apps" }, "data": { "a": value } })
}

pub(crate) fn managed(live: Option<Value>, predicted: Option<Value>) -> Managed {
    Managed { live, predicted, hook: false }
}

/// An application that was never synced.
pub(crate) fn application() -> Application {
    Application {
        name: "web".into(),
        uid: "uid-1".into(),
        spec: json!({
            "project": "dev",
            "source": { "repoURL": "https://git.example.com/acme/web.git", "path": "web", "targetRevision": "main" },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": "apps" },
        }),
        sync: "OutOfSync".into(),
        revision: Some(COMMIT.into()),
        health: "Missing".into(),
        reconciled: None,
        busy: false,
        last: None,
        resources: vec![resource("web")],
        history: vec![],
        conditions: vec![],
        automatic: false,
        deleting: false,
    }
}

pub(crate) fn resource(name: &str) -> ResourceState {
    ResourceState {
        kind: "ConfigMap".into(),
        namespace: "apps".into(),
        name: name.into(),
        status: "Synced".into(),
        text: String::new(),
        hook: false,
        stray: false,
    }
}

/// A sync that runs.
pub(crate) fn running(ours: Option<OperationId>, by: &str) -> SyncState {
    SyncState {
        phase: "Running".into(),
        message: "waiting".into(),
        started: jiff::Timestamp::from_second(1_800_000_000).ok(),
        finished: None,
        by: by.into(),
        ours,
        revision: Some(COMMIT.into()),
        results: vec![resource("web")],
    }
}

impl Default for ArgoCd {
    fn default() -> Self {
        let script = Script {
            application: None,
            bounds: None,
            managed: vec![],
            rendered: vec![],
            open: true,
            lost: None,
            phase: "Succeeded".into(),
            health: "Healthy".into(),
            looks: 2,
        };
        Self { script: Mutex::new(script), calls: Mutex::default() }
    }
}

impl ArgoCd {
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// What was carried out.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// Notes a change, and says whether it is to be made, and what is answered.
    fn asked(&self, call: String) -> (bool, Asked) {
        self.calls.lock().unwrap().push(call);
        let lost = self.script.lock().unwrap().lost.take();
        let error = || Error::new(ErrorCode::UpstreamFailed, "the connection was cut");
        match lost {
            None => (true, Asked::Taken),
            Some(taken) => (taken, Asked::Lost(error())),
        }
    }
}

#[async_trait]
impl Applications for ArgoCd {
    async fn version(&self, _place: &ArgoProject) -> Result<(String, Option<String>)> {
        Ok(("v3.6.0".into(), None))
    }
    async fn bounds(&self, _place: &ArgoProject) -> Result<Option<Bounds>> {
        Ok(self.script.lock().unwrap().bounds.clone())
    }
    async fn list(&self, _place: &ArgoProject) -> Result<Vec<Application>> {
        Ok(self.script.lock().unwrap().application.iter().cloned().collect())
    }
    async fn find(
        &self,
        _place: &ArgoProject,
        name: &str,
        fresh: bool,
    ) -> Result<Option<Application>> {
        let mut script = self.script.lock().unwrap();
        let (phase, health) = (script.phase.clone(), script.health.clone());
        let looks = script.looks;
        script.looks = looks.saturating_sub(1);
        let Some(app) = script.application.as_mut().filter(|app| app.name == name) else {
            return Ok(None);
        };
        let end = jiff::Timestamp::from_second(1_800_000_100).unwrap();
        if let Some(last) = app.last.as_mut().filter(|last| !last.is_over() && looks == 0) {
            last.phase = phase;
            last.finished = Some(end);
            app.busy = false;
        }
        let over = app.last.as_ref().is_some_and(SyncState::is_over);
        if over && fresh {
            app.reconciled = Some(end + jiff::SignedDuration::from_secs(1));
            app.sync = "Synced".into();
            app.health = health;
        }
        if app.deleting && looks == 0 {
            script.application = None;
        }
        Ok(script.application.clone())
    }
    async fn managed(&self, _place: &ArgoProject, _name: &str) -> Result<Vec<Managed>> {
        Ok(self.script.lock().unwrap().managed.clone())
    }
    async fn rendered(&self, _: &ArgoProject, _: &str, _: &str) -> Result<Vec<Value>> {
        Ok(self.script.lock().unwrap().rendered.clone())
    }
    async fn may_sync(&self, _place: &ArgoProject, _name: &str) -> Result<bool> {
        Ok(self.script.lock().unwrap().open)
    }
    async fn put(
        &self,
        _permit: &Permit,
        _place: &ArgoProject,
        name: &str,
        spec: &Value,
        there: bool,
    ) -> Result<Asked> {
        let (made, asked) = self.asked(format!("put {name} {there} {spec}"));
        if made {
            let app = Application { spec: spec.clone(), ..application() };
            self.script.lock().unwrap().application = Some(app);
        }
        Ok(asked)
    }
    async fn sync(
        &self,
        _permit: &Permit,
        _place: &ArgoProject,
        order: &SyncOrder,
    ) -> Result<Asked> {
        let SyncOrder { application, revision, prune, operation } = order;
        let (made, asked) = self.asked(format!("sync {application} {revision} {prune}"));
        let mut script = self.script.lock().unwrap();
        if let Some(app) = script.application.as_mut().filter(|_| made) {
            app.last = Some(running(Some(*operation), "datamcp"));
            app.busy = true;
            script.looks = 2;
        }
        Ok(asked)
    }
    async fn terminate(&self, _permit: &Permit, _place: &ArgoProject, name: &str) -> Result<()> {
        self.calls.lock().unwrap().push(format!("terminate {name}"));
        let mut script = self.script.lock().unwrap();
        script.phase = "Failed".into();
        script.looks = 0;
        Ok(())
    }
    async fn delete(
        &self,
        _permit: &Permit,
        _place: &ArgoProject,
        name: &str,
        cascade: bool,
    ) -> Result<Asked> {
        let (made, asked) = self.asked(format!("delete {name} {cascade}"));
        let mut script = self.script.lock().unwrap();
        script.looks = 1;
        if let Some(app) = script.application.as_mut().filter(|_| made) {
            app.deleting = true;
        }
        Ok(asked)
    }
}
