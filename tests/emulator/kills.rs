//! SIGKILL of server and supervisor, at named places and at random moments: never two terraform children for one
//! operation, the record ends in the truth or in unknown with what to do, the lock is free or the environment is blocked
//! for a stated reason, and work goes on afterwards.

mod random;
mod windows;

use serde_json::json;

use crate::harness::{Answered, Project, chain, for_real, terraform_apply, until};

/// How an operation has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Failed, nothing started.
    Nothing,
    /// All of it was done, and the record says so.
    Done,
    /// Nobody saw the end; the environment is blocked until a person reconciles.
    Unknown,
}

/// A project whose runs are killed, one after the other; each run replaces every resource.
struct Victim {
    project: Project,
    steps: usize,
    /// By how much one whole run raises the serial.
    rise: u64,
    turn: usize,
}

impl Victim {
    fn new(steps: usize, seconds: f32) -> Self {
        let project = Project::with(|effects| chain(effects, steps, seconds));
        project.apply(&json!({ "turn": "first" })).expect("succeeded");
        let before = project.serial();
        project.apply(&json!({ "turn": "second" })).expect("succeeded");
        let rise = project.serial() - before;
        Self { project, steps, rise, turn: 0 }
    }

    /// A request that no run has made yet.
    fn request(&mut self) -> serde_json::Value {
        self.turn += 1;
        for_real(&json!({ "turn": self.turn.to_string() }))
    }

    /// Waits until an operation and every terraform of it has ended.
    fn settled(&self, id: &str) -> Answered {
        until("the end of every terraform", 30, || {
            terraform_apply(&self.project.state()).is_empty()
        });
        let mut answer = self.project.operation(id, 20);
        until("an end on record", 10, || {
            answer = self.project.operation(id, 5);
            answer.status() != "running"
        });
        answer
    }

    /// Checks everything that has to hold after an operation has ended; a person reconciles what is unknown.
    #[track_caller]
    fn holds(&self, id: &str, serial: u64, what: &str) -> Expected {
        let answer = self.settled(id);
        let made = self.project.effects().of(id).len();
        let rise = self.project.serial() - serial;
        let told = format!("{what}: {made} made, serial +{rise}\n{:#}", answer.value);
        assert_eq!(answer.at("/result/status"), answer.status(), "the answer is there: {told}");
        let ended = match answer.status().as_str() {
            "succeeded" => {
                assert_eq!((made, rise), (self.steps, self.rise), "{told}");
                Expected::Done
            }
            "failed" => {
                assert_eq!((made, rise), (0, 0), "{told}");
                Expected::Nothing
            }
            "unknown" => {
                assert!(made <= self.steps && rise <= self.rise, "{told}");
                self.blocked_until_reconciled(id, &answer);
                Expected::Unknown
            }
            _ => panic!("{told}"),
        };
        self.project.lock_is_free();
        self.project.log_is_whole();
        ended
    }

    #[track_caller]
    fn blocked_until_reconciled(&self, id: &str, answer: &Answered) {
        assert!(answer.value.to_string().contains("datamcp reconcile"), "{:#}", answer.value);
        let locks = self.project.locks();
        assert_eq!(locks[0]["state"], "blocked", "{locks:?}");
        let refused = self.project.apply(&json!({})).refused("environment_blocked");
        assert_eq!(refused.at("/error/details/operation"), id);
        self.project.reconciles(id, "succeeded");
    }
}
