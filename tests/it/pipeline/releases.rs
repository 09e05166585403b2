//! A helm that does what a test tells it, and remembers what was asked of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use datamcp::error::{Error, Result};
use datamcp::model::{ChartAt, Digest, Outcome};
use datamcp::permit::Permit;
use datamcp::port::{
    Chart, Filled, Listed, Patience, Ran, Release, ReleaseJob, Releases, Rendered, Revision, Watch,
};

/// What it answers.
pub(crate) struct Script {
    pub(crate) chart: String,
    pub(crate) release: Option<Release>,
    /// One after the other; the last one stays.
    pub(crate) rendered: Vec<String>,
    pub(crate) uid: String,
    pub(crate) version: String,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<Error>,
    pub(crate) said: String,
}

/// The stand-in.
pub(crate) struct Helm {
    pub(crate) script: Mutex<Script>,
    pub(crate) calls: Mutex<Vec<String>>,
    /// Questions to the cluster.
    questions: Mutex<Vec<&'static str>>,
}

/// A revision.
pub(crate) fn revision(number: u64, status: &str) -> Revision {
    Revision {
        revision: number,
        status: status.into(),
        chart: "web-1.0.0".into(),
        updated: "2026-11-22T10:00:00Z".into(),
        description: String::new(),
    }
}

/// A release whose last revision is the last of these.
pub(crate) fn release(revisions: &[(u64, &str)], manifest: &str) -> Release {
    let history: Vec<Revision> = revisions.iter().map(|(n, s)| revision(*n, s)).collect();
    Release {
        at: history.last().unwrap().clone(),
        history,
        manifest: manifest.into(),
        hooks: vec![],
        notes: String::new(),
        live: vec![],
    }
}

impl Default for Helm {
    fn default() -> Self {
        let script = Script {
            chart: "web".into(),
            release: None,
            rendered: vec!["kind: ConfigMap\nmetadata: {name: web}\n".into()],
            uid: "uid-1".into(),
            version: "helm 4.3".into(),
            outcome: Outcome::Succeeded,
            error: None,
            said: String::new(),
        };
        Self { script: Mutex::new(script), calls: Mutex::default(), questions: Mutex::default() }
    }
}

impl Helm {
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// What the cluster was asked.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        self.questions.lock().unwrap().clone()
    }

    fn question(&self, what: &'static str) {
        self.questions.lock().unwrap().push(what);
    }

    /// What was carried out.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn ran(&self, call: String) -> Ran {
        self.calls.lock().unwrap().push(call);
        let script = self.script.lock().unwrap();
        Ran {
            outcome: script.outcome,
            returncode: Some(i32::from(script.error.is_some())),
            text: script.said.clone(),
            last: script.release.as_ref().map(|r| r.at.clone()),
            notes: script.said.clone(),
            error: script.error.clone(),
        }
    }
}

#[async_trait]
impl Releases for Helm {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
    async fn version(&self) -> Result<String> {
        self.question("version");
        Ok(self.script.lock().unwrap().version.clone())
    }
    async fn chart(&self, _project: &Path, path: &str) -> Result<Chart> {
        let text = self.script.lock().unwrap().chart.clone();
        Ok(Chart {
            name: "web".into(),
            version: "1.0.0".into(),
            digest: Digest::of(format!("{path} {text}")),
            files: BTreeMap::from([("Chart.yaml".to_owned(), text.into_bytes())]),
            archive: None,
            origin: None,
            signature: None,
        })
    }
    async fn fetch(&self, at: &ChartAt, scratch: &Path) -> Result<Chart> {
        let mut chart = self.chart(scratch, &at.url).await?;
        self.question("fetch");
        chart.archive = Some(self.script.lock().unwrap().chart.clone().into_bytes());
        chart.origin = Some(format!("{} {}", at.source.name, at.url));
        Ok(chart)
    }
    async fn cluster_uid(&self, _job: &ReleaseJob) -> Result<String> {
        self.question("cluster_uid");
        Ok(self.script.lock().unwrap().uid.clone())
    }
    async fn meet(&self, job: &ReleaseJob) -> Result<(String, Option<Release>)> {
        Ok((self.cluster_uid(job).await?, self.look(job, None).await?))
    }

    async fn list(&self, job: &ReleaseJob, _all: bool) -> Result<Vec<Listed>> {
        self.question("list");
        let script = self.script.lock().unwrap();
        let one = |r: &Release| Listed { name: job.release.clone(), last: r.at.clone() };
        Ok(script.release.as_ref().map(one).into_iter().collect())
    }
    async fn look(&self, _job: &ReleaseJob, revision: Option<u64>) -> Result<Option<Release>> {
        self.question("look");
        let found = self.script.lock().unwrap().release.clone();
        Ok(found.map(|mut release| {
            if let Some(at) = release.history.iter().find(|r| Some(r.revision) == revision) {
                release.at = at.clone();
                release.manifest =
                    format!("{}\nspec: {{was: {}}}\n", release.manifest, at.revision);
            }
            release
        }))
    }
    async fn proven(
        &self,
        job: &ReleaseJob,
        intent: &serde_json::Value,
    ) -> Result<Option<(Outcome, String)>> {
        self.question("proven");
        let script = self.script.lock().unwrap();
        let begun = intent["begun"]["release"] == job.release.as_str();
        Ok(begun.then(|| (script.outcome, script.said.clone())))
    }
    async fn render(&self, _job: &ReleaseJob, _filled: Filled<'_>) -> Result<Rendered> {
        self.question("render");
        let mut script = self.script.lock().unwrap();
        let manifest = if script.rendered.len() > 1 {
            script.rendered.remove(0)
        } else {
            script.rendered[0].clone()
        };
        Ok(Rendered { manifest, hooks: vec![] })
    }
    async fn render_twice(
        &self,
        job: &ReleaseJob,
        filled: Filled<'_>,
    ) -> Result<(Rendered, Rendered)> {
        Ok((self.render(job, filled).await?, self.render(job, filled).await?))
    }

    async fn deploy(
        &self,
        _permit: &Permit,
        job: &ReleaseJob,
        filled: Filled<'_>,
        patience: Patience,
        watch: &dyn Watch,
    ) -> Result<Ran> {
        let begun = serde_json::json!({ "begun": { "release": job.release } });
        watch.note("intent", begun).await?;
        let chart = String::from_utf8(filled.chart.files["Chart.yaml"].clone()).unwrap();
        let values = serde_json::Value::Object(filled.values.clone());
        let call = format!("deploy {} {chart} {values} {}", job.release, patience.timeout_s);
        let ran = self.ran(call);
        watch.note("exit", serde_json::json!({ "outcome": ran.outcome })).await?;
        Ok(ran)
    }
    async fn rollback(
        &self,
        _permit: &Permit,
        job: &ReleaseJob,
        revision: u64,
        _patience: Patience,
        _watch: &dyn Watch,
    ) -> Result<Ran> {
        Ok(self.ran(format!("rollback {} {revision}", job.release)))
    }
    async fn uninstall(
        &self,
        _permit: &Permit,
        job: &ReleaseJob,
        _patience: Patience,
        _watch: &dyn Watch,
    ) -> Result<Ran> {
        Ok(self.ran(format!("uninstall {}", job.release)))
    }
}
