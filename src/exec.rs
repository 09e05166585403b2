//! The one door to child processes: fixed arguments, an environment built from empty, no shell, standard input closed.
//! Not a runner of anything in particular: adapters say which program, with which arguments.

mod capture;
mod process;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorCode, Result};

pub use capture::Captured;
pub use process::{Other, is_alive, others, started_at};

/// Where an output stream of a child goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// Nowhere.
    Null,
    /// Into a new file (mode 0600). The only choice for children that change something: a pipe whose reader dies
    /// kills the writer.
    File(PathBuf),
    /// Into memory, at most this many bytes; the rest is read, dropped and told.
    Capture(usize),
}

/// A child that has not been started.
#[derive(Debug, Clone)]
pub struct Invocation {
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    cwd: PathBuf,
    stdout: Sink,
    stderr: Sink,
    session: bool,
}

impl Invocation {
    /// A call of `program` (an absolute path) in the folder `cwd`, with an empty environment and no output.
    pub fn new(program: impl Into<PathBuf>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: cwd.into(),
            stdout: Sink::Null,
            stderr: Sink::Null,
            session: false,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds environment variables; what was not added here the child does not have.
    #[must_use]
    pub fn env<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        env: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.env.extend(env.into_iter().map(|(k, v)| (k.into(), v.into())));
        self
    }

    /// Says where standard output and standard error go.
    #[must_use]
    pub fn output(mut self, stdout: Sink, stderr: Sink) -> Self {
        self.stdout = stdout;
        self.stderr = stderr;
        self
    }

    /// Gives the child a session of its own: no terminal, and no signal meant for us reaches it.
    #[must_use]
    pub fn own_session(mut self) -> Self {
        self.session = true;
        self
    }

    /// Its arguments, for tests and records.
    pub fn arguments(&self) -> &[OsString] {
        &self.args
    }

    /// Its program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts it. The child outlives the returned value, this process and its terminal.
    pub fn spawn(self) -> Result<Running> {
        let doing = format!("starting {}", self.program.display());
        process::hear_interrupts(&doing)?;
        let mut wrap = CommandWrap::from(self.command(&doing)?);
        if self.session {
            wrap.wrap(ProcessSession);
        }
        let mut child = wrap.spawn().map_err(|cause| cannot_start(&self.program, &cause))?;
        let pid =
            child.id().ok_or_else(|| Error::internal(&doing, "the child has no process id"))?;
        let stdout = child.stdout().take();
        let stderr = child.stderr().take();
        Ok(Running {
            pid,
            started: started_at(pid).unwrap_or_default(),
            stdout: stdout.map(|pipe| tokio::spawn(capture::read(pipe, limit(&self.stdout)))),
            stderr: stderr.map(|pipe| tokio::spawn(capture::read(pipe, limit(&self.stderr)))),
            child,
            interrupted: false,
            status: None,
        })
    }

    /// Runs a short child that changes nothing, to its end. It is killed, with its children, when `limit` has passed or when
    /// the returned future is dropped.
    pub async fn capture(self, limit: Duration) -> Result<End> {
        let doing = format!("running {}", self.program.display());
        let mut reaper = Reaper(Some(self.own_session().spawn()?));
        let Some(running) = reaper.0.as_mut() else {
            return Err(Error::internal(&doing, "the child is gone"));
        };
        match tokio::time::timeout(limit, running.wait()).await {
            Ok(end) => {
                reaper.0 = None;
                end
            }
            Err(_) => Err(Error::new(
                ErrorCode::TimedOut,
                format!("{doing}: no answer within {} s", limit.as_secs()),
            )),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door that the lint names")]
    fn command(&self, doing: &str) -> Result<tokio::process::Command> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(&self.env)
            .current_dir(&self.cwd)
            .stdin(Stdio::null())
            .stdout(stdio(&self.stdout, doing)?)
            .stderr(stdio(&self.stderr, doing)?)
            .kill_on_drop(false);
        Ok(command)
    }
}

fn cannot_start(program: &Path, cause: &std::io::Error) -> Error {
    let code = match cause.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
            ErrorCode::ToolMissing
        }
        _ => ErrorCode::Internal,
    };
    Error::new(code, format!("starting {}: {cause}", program.display()))
}

fn limit(sink: &Sink) -> usize {
    match sink {
        Sink::Capture(limit) => *limit,
        Sink::Null | Sink::File(_) => 0,
    }
}

#[expect(clippy::disallowed_methods, reason = "opens the files that a child writes to")]
fn stdio(sink: &Sink, doing: &str) -> Result<Stdio> {
    match sink {
        Sink::Null => Ok(Stdio::null()),
        Sink::Capture(_) => Ok(Stdio::piped()),
        Sink::File(path) => File::options()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map(Stdio::from)
            .map_err(|e| Error::file(doing, path, &e)),
    }
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to standard output, where that was captured.
    pub stdout: Captured,
    /// What it wrote to standard error, where that was captured.
    pub stderr: Captured,
}

/// A child that was started.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    started: String,
    child: Box<dyn ChildWrapper>,
    stdout: Option<JoinHandle<Captured>>,
    stderr: Option<JoinHandle<Captured>>,
    interrupted: bool,
    status: Option<ExitStatus>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it was started, as the operating system spells it: with the process id it names one process for ever.
    pub fn started(&self) -> &str {
        &self.started
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn wait(&mut self) -> Result<End> {
        let status = match self.status {
            Some(status) => status,
            None => self.child.wait().await.map_err(|cause| {
                Error::internal(&format!("waiting for process {}", self.pid), cause)
            })?,
        };
        self.status = Some(status);
        Ok(End {
            code: status.code(),
            signal: status.signal(),
            stdout: capture::join(&mut self.stdout).await,
            stderr: capture::join(&mut self.stderr).await,
        })
    }

    /// Sends SIGINT to its process id, never to its group, and never a second time. True when it was sent now.
    pub fn interrupt(&mut self) -> Result<bool> {
        if self.interrupted || self.status.is_some() {
            return Ok(false);
        }
        self.interrupted = true;
        process::interrupt(self.pid)?;
        Ok(true)
    }

    /// Whether it was asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }
}

/// Kills a read-only child, with its session, when nobody waits for it any more.
struct Reaper(Option<Running>);

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(running) = self.0.as_mut().filter(|r| r.status.is_none()) {
            // Nothing is left to be done about a child that cannot be killed: it has ended.
            running.child.start_kill().ok();
        }
    }
}

#[cfg(test)]
mod tests;
