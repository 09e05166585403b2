//! Processes of this machine, read from `/proc`: who works on a project, and their end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use xtask::child::Identity;

/// Waits until something holds; fails after so many seconds.
#[track_caller]
pub(crate) fn until(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(seconds), "{what}: not in {seconds} s");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The argument vector of a process; empty when it is gone.
pub(crate) fn argv(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes
        .split(|b| *b == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Processes with a word among their arguments, and another argument below a state folder.
pub(crate) fn children_of_state(state: &Path, word: &str) -> Vec<Identity> {
    let state = state.to_string_lossy().into_owned();
    let fits = |pid: &u32| {
        let argv = argv(*pid);
        argv.iter().any(|a| a == word) && argv.iter().any(|a| a.contains(&state))
    };
    pids().into_iter().filter(fits).filter_map(Identity::of).collect()
}

/// The terraform that applies, for projects with this state folder.
pub(crate) fn terraform_apply(state: &Path) -> Vec<Identity> {
    children_of_state(state, "apply")
}

/// Whether a process lives.
pub(crate) fn alive(pid: u32) -> bool {
    Identity::of(pid).is_some()
}

/// Kills by SIGKILL and waits for the end.
pub(crate) fn kill(process: &Identity) {
    process.signal(Signal::KILL);
    until("the end of a killed process", 10, || !process.is_alive());
}
