//! Child processes of a task: run to the end with a log, run for their output, known by pid and start.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// How much of a log is shown when its process has failed.
const TAIL_LINES: usize = 40;

/// Runs a command to its end, its output in `log`; a failure shows the end of the log.
pub fn run(command: &mut Command, log: &Path) -> Result<()> {
    let name = name_of(command);
    if let Some(parent) = log.parent() {
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    }
    let out = File::create(log).with_context(|| format!("making {}", log.display()))?;
    let err = out.try_clone().context("sharing a log between two streams")?;
    let status = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .status()
        .with_context(|| format!("starting {name}"))?;
    if !status.success() {
        bail!("{status} of {name}\n{}\n  whole log: {}", tail(log), log.display());
    }
    Ok(())
}

/// Runs a command and returns what it wrote to stdout.
pub fn capture(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        bail!(
            "{} of {name}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines of a log, indented.
pub fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return "    (nothing)".to_owned();
    }
    let from = lines.len().saturating_sub(TAIL_LINES);
    let shown: Vec<String> = lines.iter().skip(from).map(|line| format!("    {line}")).collect();
    shown.join("\n")
}

/// The file that PATH has for a program name.
pub fn on_path(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    let mut name = words.join(" ");
    if name.len() > 200 {
        name.truncate(name.floor_char_boundary(200));
        name.push('…');
    }
    name
}

/// A process that cannot be mistaken for another one: a pid is used again, a pid with its start is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, in the operating system's own words.
    pub start: String,
}

impl Identity {
    /// The identity of a process that runs now; nothing when none does.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, start: start_of(pid)? })
    }

    /// Whether exactly this process still runs.
    pub fn is_alive(&self) -> bool {
        start_of(self.pid).is_some_and(|start| start == self.start)
    }

    /// Sends a signal to exactly this process; a process that is gone is no error.
    pub fn signal(&self, signal: rustix::process::Signal) {
        if self.is_alive()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw)
        {
            // The only other error is that it ended meanwhile.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// When a process started; nothing for one that is gone or has ended and waits for its parent.
#[cfg(target_os = "linux")]
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks: fields are counted behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

/// When a process started; nothing for one that is gone or has ended and waits for its parent.
#[cfg(not(target_os = "linux"))]
fn start_of(pid: u32) -> Option<String> {
    let line = capture(Command::new("ps").env("LC_ALL", "C").args([
        "-o",
        "state=,lstart=",
        "-p",
        &pid.to_string(),
    ]))
    .ok()?;
    let (state, start) = line.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_pid_and_start() {
        let me = Identity::of(std::process::id()).unwrap();
        assert!(me.is_alive());
        assert!(!Identity { start: "0".to_owned(), ..me }.is_alive());
    }

    #[test]
    fn a_process_that_has_ended_is_not_alive() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let identity = Identity::of(child.id()).unwrap();
        identity.signal(rustix::process::Signal::KILL);
        for _ in 0..200 {
            if !identity.is_alive() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!identity.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn a_failed_run_shows_the_end_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(
            Command::new("sh").args(["-c", "echo seen; exit 3"]),
            &folder.path().join("logs/x.log"),
        )
        .unwrap_err();
        assert!(error.to_string().contains("seen"), "{error}");
    }
}
