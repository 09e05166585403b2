//! Exit codes: how an invocation ended, for scripts. What stands here is also the table of the reference.

use std::process::ExitCode;

use serde_json::Value;

use crate::model::Status;

/// How an invocation ended. About an operation it tells how the operation stands, whoever carried it out and whichever
/// command asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// It was not done, or not in full, or nobody knows.
    Failed = 1,
    /// The command line was not understood; nothing was looked at.
    Usage = 2,
    /// A person has to decide first.
    ApprovalRequired = 3,
    /// It is not over yet.
    StillRunning = 4,
}

impl Exit {
    /// Every code with the meaning that the reference gives.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (
            Self::Done,
            "done",
            "done or planned: status `planned` or `succeeded`; an answer without a status; a log that holds",
        ),
        (
            Self::Failed,
            "failed, refused or cancelled",
            "an error; status `failed`, `partial`, `cancelled`, `unknown` or `refused`; a check that fails; a log that does not hold",
        ),
        (
            Self::Usage,
            "usage",
            "the command line was not understood; nothing was looked at or started",
        ),
        (
            Self::ApprovalRequired,
            "approval required",
            "status `approval_required`: a person has to decide",
        ),
        (
            Self::StillRunning,
            "still running",
            "status `queued` or `running`: the work goes on without this command",
        ),
    ];

    /// Of an operation that stands like this.
    pub fn of_status(status: Status) -> Self {
        match status {
            Status::Queued | Status::Running => Self::StillRunning,
            Status::ApprovalRequired => Self::ApprovalRequired,
            Status::Planned | Status::Succeeded => Self::Done,
            Status::Failed
            | Status::Partial
            | Status::Cancelled
            | Status::Unknown
            | Status::Refused => Self::Failed,
        }
    }

    /// Of a tool's answer. `failed`: the call itself was refused or failed.
    pub(super) fn of_answer(answer: &Value, failed: bool) -> Self {
        let status = answer.get("status").and_then(Value::as_str).and_then(Status::from_word);
        match status {
            _ if failed || answer.get("ok") == Some(&Value::Bool(false)) => Self::Failed,
            Some(status) => Self::of_status(status),
            None => Self::Done,
        }
    }

    /// The codes in one line, for the help.
    pub(super) fn line() -> String {
        let all: Vec<String> =
            Self::ALL.iter().map(|(exit, short, _)| format!("{} {short}", *exit as u8)).collect();
        format!("Exit codes: {}.", all.join("; "))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::call::failed;

    #[test]
    fn the_exit_code_of_an_operation_is_its_status() {
        let of = |exit: Exit| -> Vec<Status> {
            Status::ALL.into_iter().filter(|s| Exit::of_status(*s) == exit).collect()
        };
        assert_eq!(of(Exit::Done), [Status::Planned, Status::Succeeded]);
        assert_eq!(of(Exit::ApprovalRequired), [Status::ApprovalRequired]);
        assert_eq!(of(Exit::StillRunning), [Status::Queued, Status::Running]);
        let rest =
            [Status::Failed, Status::Partial, Status::Cancelled, Status::Unknown, Status::Refused];
        assert_eq!(of(Exit::Failed), rest);
        assert_eq!(of(Exit::Usage), []);
        assert!(rest.into_iter().all(failed), "a call that waited says the same");
    }

    #[test]
    fn an_answer_without_a_status_is_done_unless_it_failed() {
        assert_eq!(Exit::of_answer(&json!({}), false), Exit::Done);
        assert_eq!(Exit::of_answer(&json!({}), true), Exit::Failed);
        assert_eq!(Exit::of_answer(&json!({ "ok": false }), false), Exit::Failed);
        assert_eq!(Exit::of_answer(&json!({ "ok": true }), false), Exit::Done);
        assert_eq!(Exit::of_answer(&json!({ "status": "cancelled" }), false), Exit::Failed);
    }

    #[test]
    fn the_table_counts_upward_from_0() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, ..)| *exit as u8).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
    }
}
