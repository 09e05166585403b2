//! Children inherit the file locks of leases that this process holds, so no test may start a process while another one
//! works with leases: either any number of tests with leases go on, or one process is being started.

use std::cell::Cell;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

#[derive(Default)]
struct Gate {
    with_leases: usize,
    starting: usize,
}

static GATE: Mutex<Gate> = Mutex::new(Gate { with_leases: 0, starting: 0 });
thread_local! {
    /// How often this thread has come in: a test keeps to one thread.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

static CHANGED: Condvar = Condvar::new();

/// Held while a test works with leases. Whoever has it must not start a process.
pub(crate) struct Leases(());

impl Leases {
    pub(crate) fn begin() -> Self {
        let gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
        // A test that has leases already is let in at once: whoever starts a process waits for it.
        let nested = OWN.replace(OWN.get() + 1) > 0;
        let gate = CHANGED.wait_while(gate, |gate| gate.starting > 0 && !nested);
        gate.unwrap_or_else(PoisonError::into_inner).with_leases += 1;
        Self(())
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        OWN.set(OWN.get() - 1);
        GATE.lock().unwrap_or_else(PoisonError::into_inner).with_leases -= 1;
        CHANGED.notify_all();
    }
}

/// Does what starts a process, while no test works with leases.
pub(crate) fn start<T>(what: impl FnOnce() -> T) -> T {
    let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    gate.starting += 1;
    let mut gate = CHANGED
        .wait_while(gate, |gate| gate.with_leases > 0)
        .unwrap_or_else(PoisonError::into_inner);
    let started = what();
    gate.starting -= 1;
    drop(gate);
    CHANGED.notify_all();
    started
}

/// Starts a process while no test works with leases.
pub(crate) fn spawn(command: &mut Command) -> Child {
    start(|| command.spawn()).unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// Runs a process to its end, with nothing to read.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command).wait_with_output().unwrap()
}
