//! An emulator of Google Cloud Storage, for states that lie there: a process of one's own that ends with its value, or the
//! lab's, which outlives it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Process;
use super::ports::Ports;
use crate::child::{self, Identity};
use crate::tools::Tool;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// One starts at a time: tests side by side would be given the same port.
static ALONE: Mutex<()> = Mutex::new(());

/// A running emulator.
#[derive(Debug)]
pub struct Gcs {
    /// None where its process is somebody else's to end.
    child: Option<Child>,
    host: String,
}

impl Gcs {
    /// Starts one; its log goes into `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let (child, host) = begin(folder, |_| {})?;
        Ok(Self { child: Some(child), host })
    }

    /// Starts one that outlives this process.
    pub(super) fn start_in_session(folder: &Path) -> Result<(Self, Process)> {
        let (mut child, host) = begin(folder, |command| {
            command.process_group(0);
        })?;
        let Some(identity) = Identity::of(child.id()) else {
            // It has ended; this only takes its end note.
            let _ = child.wait();
            bail!("the emulator of Cloud Storage ended\n{}", child::tail(&folder.join("gcs.log")));
        };
        let process = Process { name: "fake-gcs-server".to_owned(), identity };
        Ok((Self::at(&host), process))
    }

    /// One that runs at `host:port`.
    pub fn at(host: &str) -> Self {
        Self { child: None, host: host.to_owned() }
    }

    /// `host:port`.
    pub fn host(&self) -> String {
        self.host.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Names of its buckets.
    pub fn buckets(&self) -> Result<Vec<String>> {
        let url = self.url("/storage/v1/b?project=lab");
        let mut answer = ureq::get(&url).call().with_context(|| format!("asking {url}"))?;
        let text = answer.body_mut().read_to_string().context("reading the buckets")?;
        let list: Value = serde_json::from_str(&text).context("reading the buckets")?;
        let items = list.get("items").and_then(Value::as_array).into_iter().flatten();
        let names = items.filter_map(|bucket| bucket.get("name")?.as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Makes a bucket.
    pub fn create_bucket(&self, name: &str) -> Result<()> {
        let url = self.url("/storage/v1/b?project=lab");
        let body = json!({ "name": name }).to_string();
        let answer = ureq::post(&url).header("Content-Type", "application/json").send(&body);
        answer.map(drop).with_context(|| format!("making the bucket {name}"))
    }

    /// From now on every version of the bucket's objects is kept.
    pub fn keep_versions(&self, name: &str) -> Result<()> {
        let url = self.url(&format!("/storage/v1/b/{name}"));
        let body = json!({ "versioning": { "enabled": true } }).to_string();
        let answer = ureq::patch(&url).header("Content-Type", "application/json").send(&body);
        answer.map(drop).with_context(|| format!("having {name} keep versions"))
    }

    /// Status, kind and text of the answer to one look.
    pub(crate) fn ask(&self, path: &str, range: Option<&str>) -> Result<(u16, String, String)> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.get(self.url(path));
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        let mut answer = request.call().with_context(|| format!("asking for {path}"))?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let text = answer.body_mut().read_to_string().context("reading an answer")?;
        Ok((answer.status().as_u16(), kind, text))
    }

    /// The text of an object; nothing when there is none.
    pub fn object(&self, bucket: &str, name: &str) -> Result<Option<String>> {
        let url = self.url(&format!("/storage/v1/b/{bucket}/o/{}?alt=media", escaped(name)));
        match ureq::get(&url).call() {
            Ok(mut answer) => {
                Ok(Some(answer.body_mut().read_to_string().context("reading an object")?))
            }
            Err(ureq::Error::StatusCode(404)) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("asking {url}")),
        }
    }

    /// Puts an object.
    pub fn put_object(&self, bucket: &str, name: &str, text: &str) -> Result<()> {
        let url = self.url(&format!(
            "/upload/storage/v1/b/{bucket}/o?uploadType=media&name={}",
            escaped(name)
        ));
        let answer = ureq::post(&url).header("Content-Type", "application/json").send(text);
        answer.map(drop).with_context(|| format!("putting {name}"))
    }

    /// Deletes an object.
    pub fn delete_object(&self, bucket: &str, name: &str) -> Result<()> {
        let url = self.url(&format!("/storage/v1/b/{bucket}/o/{}", escaped(name)));
        ureq::delete(&url).call().map(drop).with_context(|| format!("deleting {name}"))
    }
}

fn escaped(name: &str) -> String {
    name.replace('/', "%2F")
}

/// Starts the process and waits for its first answer; where it listens.
fn begin(folder: &Path, more: impl FnOnce(&mut Command)) -> Result<(Child, String)> {
    let tool = Tool::FakeGcs.provide()?;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let port = Ports::new().take()?;
    let log = File::create(folder.join("gcs.log")).context("making the emulator's log")?;
    let host = format!("127.0.0.1:{port}");
    let mut command = Command::new(&tool.path);
    command
        .args(["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"])
        .args(["-port", &port.to_string(), "-public-host", &host])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("sharing the emulator's log")?)
        .stderr(log);
    more(&mut command);
    let mut child = command.spawn().context("starting the emulator")?;
    match wait(&mut child, &host, folder) {
        Ok(()) => Ok((child, host)),
        Err(error) => {
            // It is not of use to anybody; that it has ended already is fine.
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

fn wait(child: &mut Child, host: &str, folder: &Path) -> Result<()> {
    let started = Instant::now();
    let log = || child::tail(&folder.join("gcs.log"));
    while ureq::get(format!("http://{host}/storage/v1/b?project=lab")).call().is_err() {
        if child.try_wait().context("looking after the emulator")?.is_some() {
            bail!("the emulator of Cloud Storage ended\n{}", log());
        }
        if started.elapsed() > PATIENCE {
            bail!("no answer from the emulator of Cloud Storage\n{}", log());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

impl Drop for Gcs {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It holds nothing that outlives it; an error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
