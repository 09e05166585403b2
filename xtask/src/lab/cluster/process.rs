//! The processes of the cluster: started in groups of their own, known by pid and start, stopped in reverse order.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::cache::home;
use crate::child::{self, Identity};

/// How long one step of the start may take. Slow machines are met; a step that hangs is named.
const PATIENCE: Duration = Duration::from_mins(3);
/// How often is looked.
const PAUSE: Duration = Duration::from_millis(50);

/// One process of the cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Process {
    /// Which part it is.
    pub name: String,
    /// Its process.
    pub identity: Identity,
}

/// The processes started so far. Dropped before [`Processes::keep`], they are stopped: no half of a cluster stays.
#[derive(Debug)]
pub(super) struct Processes {
    logs: PathBuf,
    running: Vec<(Process, Child)>,
}

impl Processes {
    pub(super) fn new(logs: &Path) -> Result<Self> {
        fs::create_dir_all(logs).with_context(|| format!("making {}", logs.display()))?;
        Ok(Self { logs: logs.to_path_buf(), running: Vec::new() })
    }

    /// Starts one, with nothing of our environment but `HOME` and `PATH`, unless the command says otherwise.
    pub(super) fn start(&mut self, name: &str, mut command: Command) -> Result<()> {
        let log = File::create(self.log(name)).with_context(|| format!("the log of {name}"))?;
        let given: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let child = command
            .env_clear()
            .env("HOME", home()?)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(given)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().with_context(|| format!("sharing the log of {name}"))?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let identity =
            Identity::of(child.id()).with_context(|| format!("{name} has ended at once"))?;
        self.running.push((Process { name: name.to_owned(), identity }, child));
        Ok(())
    }

    /// Waits until `ready` answers something; fails when one of the processes ends, showing the end of its log.
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        let mut last = None;
        loop {
            match ready() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(error) => last = Some(error),
            }
            for (process, child) in &mut self.running {
                if let Some(status) = child.try_wait().context("looking after a process")? {
                    let log = self.logs.join(format!("{}.log", process.name));
                    bail!("{} ended: {status}\n{}", process.name, child::tail(&log));
                }
            }
            if started.elapsed() > PATIENCE {
                let why = last.map_or_else(String::new, |error| format!(": {error:#}"));
                bail!("waited {} s for {what}{why}", PATIENCE.as_secs());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Lets them outlive this process.
    pub(super) fn keep(mut self) -> Vec<Process> {
        std::mem::take(&mut self.running).into_iter().map(|(process, _)| process).collect()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let processes: Vec<Process> =
            self.running.iter().map(|(process, _)| process.clone()).collect();
        stop(&processes);
        for (_, child) in &mut self.running {
            // It has been ended above; this only takes its end note.
            let _ = child.wait();
        }
    }
}

/// Ends processes, the last started first: asks all, waits five seconds for all, then insists.
pub(super) fn stop(processes: &[Process]) {
    for process in processes.iter().rev() {
        process.identity.signal(Signal::TERM);
    }
    let started = Instant::now();
    while processes.iter().any(|process| process.identity.is_alive())
        && started.elapsed() < Duration::from_secs(5)
    {
        thread::sleep(PAUSE);
    }
    for process in processes {
        process.identity.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_early_end_is_told_with_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = Processes::new(folder.path()).unwrap();
        processes.start("part", shell("echo why; sleep 0.05; exit 3")).unwrap();
        let error = processes.wait("nothing", || Ok(None::<()>)).unwrap_err().to_string();
        assert!(error.contains("part ended") && error.contains("why"), "{error}");
    }

    #[test]
    fn what_is_not_kept_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = Processes::new(folder.path()).unwrap();
        processes.start("part", shell("exec sleep 60")).unwrap();
        let identity = processes.running[0].0.identity.clone();
        assert!(identity.is_alive());
        drop(processes);
        assert!(!identity.is_alive());
    }
}
