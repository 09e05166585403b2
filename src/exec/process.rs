//! What the operating system tells about a process, and the one signal we send.

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
