//! A registry of OCI artifacts, and keys to sign charts with: a process of one's own that ends with its value.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::ports::Ports;
use crate::child;
use crate::tools::Tool;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// One starts at a time: tests side by side would be given the same port.
static ALONE: Mutex<()> = Mutex::new(());

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    port: u16,
}

impl Registry {
    /// Starts one that keeps its things, and its log, in `folder`. With a user and a password, it lets nobody else in.
    pub fn start(folder: &Path, user: Option<(&str, &str)>) -> Result<Self> {
        let tool = Tool::Registry.provide()?;
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let port = Ports::new().take()?;
        fs::create_dir_all(folder).context("making the registry's folder")?;
        let log = File::create(folder.join("registry.log")).context("making the registry's log")?;
        let mut command = Command::new(&tool.path);
        command.args(["-address", &format!("127.0.0.1:{port}")]).arg("-folder").arg(folder);
        command.env_clear();
        if let Some((name, password)) = user {
            command.args(["-user", name]).env("REGISTRY_PASSWORD", password);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing the registry's log")?)
            .stderr(log)
            .spawn()
            .context("starting the registry")?;
        let mut registry = Self { child, port };
        registry.wait(folder)?;
        Ok(registry)
    }

    fn wait(&mut self, folder: &Path) -> Result<()> {
        let started = Instant::now();
        let log = || child::tail(&folder.join("registry.log"));
        loop {
            // Whoever has to say who he is was answered, too.
            match ureq::get(format!("http://{}/v2/", self.host())).call() {
                Ok(_) | Err(ureq::Error::StatusCode(401)) => return Ok(()),
                Err(_) => {}
            }
            if self.child.try_wait().context("looking after the registry")?.is_some() {
                bail!("the registry ended\n{}", log());
            }
            if started.elapsed() > PATIENCE {
                bail!("no answer from the registry\n{}", log());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// `host:port`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Makes `secret.gpg` and `public.gpg` in `folder`; the key is `Chart Keeper`'s.
    pub fn keys(folder: &Path) -> Result<()> {
        let tool = Tool::Registry.provide()?;
        child::capture(Command::new(&tool.path).arg("-keys").arg(folder)).map(drop)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It holds nothing that outlives it; an error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
