//! What the operating system tells about a process, and the one signal we send.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};

/// When the process of this id was started, as text that is only ever compared; `None` when there is no such process
/// or it has ended and waits to be collected.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "reads the kernel's process table")]
pub fn started_at(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc_pid_stat(5): the second field is in parentheses and may hold blanks and parentheses; field 3 is the state,
    // field 22 the start time in clock ticks since boot.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) {
        return None;
    }
    let ticks = fields.get(19)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{ticks}@{}", boot.trim()))
}

/// When the process of this id was started, as text that is only ever compared; `None` when there is no such process.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "asks ps, there is no process table to read")]
pub fn started_at(pid: u32) -> Option<String> {
    let output = std::process::Command::new("/bin/ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .env_clear()
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Whether the process that was started at `started` under this id still runs; a later process of the same id is
/// another one.
pub fn is_alive(pid: u32, started: &str) -> bool {
    !started.is_empty() && started_at(pid).as_deref() == Some(started)
}

/// Sees to it that the children of this process hear a SIGINT, although it may have been started with that ignored, as a
/// shell starts what it puts into the background. What is ignored stays ignored in a child, what has a listener does not;
/// and since nobody waits for ours, it goes on doing nothing to us.
pub(super) fn hear_interrupts(doing: &str) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    static IGNORED: std::sync::LazyLock<bool> = std::sync::LazyLock::new(interrupts_are_ignored);
    if *IGNORED {
        // The listener that this installs stays for the life of the process; the value itself is not needed.
        drop(signal(SignalKind::interrupt()).map_err(|cause| Error::internal(doing, cause))?);
    }
    Ok(())
}

/// Whether this process was started with SIGINT ignored.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "reads the kernel's process table")]
fn interrupts_are_ignored() -> bool {
    // proc_pid_status(5): a mask of signals in hexadecimal digits, the first signal in the lowest bit.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (Signal::INT.as_raw() - 1)) != 0)
}

/// Whether this process was started with SIGINT ignored: not known where there is no process table to read.
#[cfg(not(target_os = "linux"))]
fn interrupts_are_ignored() -> bool {
    false
}

/// One SIGINT to the process itself.
pub(super) fn interrupt(pid: u32) -> Result<()> {
    let doing = format!("interrupting process {pid}");
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| Error::internal(&doing, "no such process id"))?;
    match kill_process(pid, Signal::INT) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(cause) => Err(Error::internal(&doing, cause)),
    }
}

/// Another process of this user.
#[derive(Debug, Clone)]
pub struct Other {
    /// Where the system tells of it.
    pub process: PathBuf,
    /// Its working folder.
    pub cwd: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its environment as it was started.
    pub environment: Vec<(OsString, OsString)>,
}

impl Other {
    /// Whether it is still at work: what ended since it was looked at is not.
    pub fn is_there(&self) -> bool {
        std::fs::read_link(self.process.join("exe")).is_ok()
    }

    /// A variable of its environment.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_os_str())
    }
}

/// Processes of this user whose program has one of these names. `None`: this system does not tell.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "reads the kernel's process table")]
pub fn others(programs: &[&str]) -> Option<Vec<Other>> {
    use std::os::unix::ffi::OsStrExt;
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let place = entry.path();
        // Only what belongs to this user can be looked into; root looks into everything, which is more, not less.
        let Ok(program) = std::fs::read_link(place.join("exe")) else {
            continue;
        };
        if !program.file_name().is_some_and(|name| programs.iter().any(|p| name == *p)) {
            continue;
        }
        let read = |name: &str| std::fs::read(place.join(name));
        let (Ok(cwd), Ok(environ), Ok(arguments)) =
            (std::fs::read_link(place.join("cwd")), read("environ"), read("cmdline"))
        else {
            continue;
        };
        let arguments = arguments.split(|b| *b == 0).skip(1);
        let arguments = arguments.map(|bytes| OsStr::from_bytes(bytes).to_owned()).collect();
        let environment = environ
            .split(|b| *b == 0)
            .filter_map(|pair| {
                let at = pair.iter().position(|b| *b == b'=')?;
                let text = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
                Some((text(pair.get(..at)?), text(pair.get(at + 1..)?)))
            })
            .collect();
        all.push(Other { process: place, cwd, arguments, environment });
    }
    Some(all)
}

/// Processes of this user whose program has one of these names. `None`: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn others(_programs: &[&str]) -> Option<Vec<Other>> {
    None
}
