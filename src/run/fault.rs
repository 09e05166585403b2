//! Named places where a test can have the process die, as if it was killed there. Debug builds only: in a release
//! build there is nothing to arm.

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;

    static POINT: OnceLock<String> = OnceLock::new();

    /// Arms one point for the life of the process.
    pub fn arm(point: &str) {
        drop(POINT.set(point.to_owned()));
    }

    /// Dies by SIGKILL when `name` is the armed point.
    pub fn point(name: &str) {
        if POINT.get().is_some_and(|armed| armed == name) {
            let own = rustix::process::getpid();
            if rustix::process::kill_process(own, rustix::process::Signal::KILL).is_err() {
                std::process::abort();
            }
        }
    }
}

#[cfg(not(debug_assertions))]
mod armed {
    /// Nothing to arm in a release build.
    pub fn arm(_point: &str) {}

    /// Nothing is armed in a release build.
    pub fn point(_name: &str) {}
}

pub use armed::{arm, point};
