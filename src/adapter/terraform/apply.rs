//! Applies exactly one saved plan and tells how it ended. Before the child is started an error means that nothing was;
//! afterwards there is always an outcome. The caller keeps what `details` of the error names: `errored_state` and
//! `state_dump` are files in the scratch folder that hold the state in clear.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use serde_json::json;

use super::prepare::Prepared;
use super::report::{Lists, Report};
use super::{command, diagnose, files, follow, plan_file};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{End, Sink};
use crate::model::{Action, Backend, ChangeSet, Outcome, StateVersion};
use crate::port::{Applied, Job, PlanFile, Watch};

const STREAM: &str = "apply.jsonl";
/// The stream of a child that was refused for the state lock.
const REFUSED: &str = "apply.refused.jsonl";
const ERRORED: &str = "errored.tfstate";
/// Most addresses of each kind that an error lists.
const LISTED_MAX: usize = 100;
/// Exit codes of a terraform that broke down: a Go panic, its crash handler, an abort.
const ABNORMAL: [i32; 3] = [2, 11, 134];

/// The last check before the effect.
pub(super) type Guard<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

pub(super) async fn apply(
    prepared: &Prepared,
    job: &Job,
    plan: PlanFile<'_>,
    watch: &dyn Watch,
    guard: Guard<'_>,
) -> Result<Applied> {
    let doing = format!("applying the plan of {}", prepared.place);
    let (file, stream) = (job.scratch.join("apply.tfplan"), job.scratch.join(STREAM));
    let left = prepared.cwd.join(ERRORED);
    if stream.exists() {
        return Err(Error::internal(&doing, "this operation has applied before"));
    }
    if left.exists() {
        return Err(unresolved(&doing, &left));
    }
    let before = plan_file::prior_state(plan.bytes)?;
    files::write_private(&file, plan.bytes)?;
    let args = command::apply(&file);
    let words: Vec<_> = args.iter().map(|a| a.to_string_lossy()).collect();
    let body = json!({"program": prepared.tool.path, "argv": words, "stream": STREAM});
    watch.note("intent", body).await?;
    guard.await?;
    let mut running = prepared
        .invocation(args)
        .output(Sink::File(stream.clone()), Sink::File(job.scratch.join("apply.stderr")))
        .own_session()
        .spawn()?;
    let child = json!({"pid": running.pid(), "start": running.started()});
    // From here on the child runs, and a journal that cannot be written must not keep us from seeing its end.
    let mut notes = vec![watch.note("child", child).await];
    let mut report = Report::default();
    let total = plan.changes.resources.len();
    let end = follow::follow(&mut running, &stream, total, &mut report, watch).await;
    files::remove(&file);
    let errored = left.exists();
    if errored && let Err(error) = files::relocate(&left, &job.scratch.join(ERRORED)) {
        notes.push(Err(error));
    }
    let state = match &end {
        Ok(end) if end.signal.is_none() => left_by(prepared).await.ok(),
        _ => None,
    };
    let ended = Ended {
        prepared,
        job,
        doing,
        end: end.as_ref().ok(),
        interrupted: running.is_interrupted(),
        errored,
        moved: state.as_ref().is_some_and(|now| now.version != before),
        lists: report.lists(plan.changes),
        report,
    };
    let state_not_saved = ended.state_not_saved();
    let mut applied = ended.applied(state, plan.changes);
    let body = json!({
        "returncode": applied.returncode, "outcome": applied.outcome, "state_not_saved": state_not_saved
    });
    notes.push(watch.note("exit", body).await);
    if applied.error.as_ref().is_some_and(|e| e.code == ErrorCode::LockHeld)
        && applied.done.is_empty()
    {
        // It never began; when the lock turns out to be its own, the caller may start it once more.
        files::relocate(&stream, &job.scratch.join(REFUSED)).ok();
        files::remove(&job.scratch.join("apply.stderr"));
    }
    if let Some(error) = notes.into_iter().find_map(Result::err)
        && let Some(known) = applied.error.take()
    {
        applied.error = Some(known.detail("journal", error.message));
    }
    Ok(applied)
}

fn unresolved(doing: &str, left: &Path) -> Error {
    Error::new(
        ErrorCode::EnvironmentBlocked,
        format!("{doing}: an earlier run left its state in {}", left.display()),
    )
    .detail("errored_state", left.display().to_string())
    .next("a person pushes it with `terraform state push` or takes it away")
}

/// The state as the child left it.
struct Left {
    version: StateVersion,
    addresses: BTreeSet<String>,
    resources: usize,
}

async fn left_by(prepared: &Prepared) -> Result<Left> {
    let bytes = prepared.pull().await?;
    let (addresses, resources) = plan_file::resources_of(&bytes)?;
    Ok(Left { version: plan_file::version_of(&bytes)?, addresses, resources })
}

impl Left {
    /// What was made and is not there. What was deleted is not looked for: a deposed object shares its address.
    fn missing(&self, done: &[String], changes: &ChangeSet) -> Vec<String> {
        let done: BTreeSet<&String> = done.iter().collect();
        let made = changes.resources.iter().filter(|r| r.action != Action::Delete);
        made.filter(|r| done.contains(&r.address))
            .filter(|r| !plan_file::is_among(&self.addresses, &r.address))
            .map(|r| r.address.clone())
            .collect()
    }
}

/// Everything that is known once the child is gone.
struct Ended<'a> {
    prepared: &'a Prepared,
    job: &'a Job,
    doing: String,
    end: Option<&'a End>,
    interrupted: bool,
    errored: bool,
    /// Whether the state is not the one that the plan was computed against.
    moved: bool,
    lists: Lists,
    report: Report,
}

impl Ended<'_> {
    fn outcome(&self) -> Outcome {
        let Some(code) = self.end.and_then(|end| end.code) else {
            return Outcome::Unknown;
        };
        let lasts = !self.lists.done.is_empty() || (!self.lists.failed.is_empty() && self.moved);
        match code {
            _ if self.state_not_saved() => Outcome::Failed,
            0 => Outcome::Succeeded,
            _ if ABNORMAL.contains(&code) => Outcome::Failed,
            _ if self.interrupted => Outcome::Cancelled,
            _ if lasts => Outcome::Partial,
            _ => Outcome::Failed,
        }
    }

    fn state_not_saved(&self) -> bool {
        self.errored || self.report.state_dumps > 0
    }

    fn applied(self, state: Option<Left>, changes: &ChangeSet) -> Applied {
        let outcome = self.outcome();
        let error = self.error(outcome);
        // A state that was not saved misses what was made, and says so by itself.
        let missing = match &state {
            Some(left) if !self.state_not_saved() => left.missing(&self.lists.done, changes),
            _ => Vec::new(),
        };
        Applied {
            outcome,
            returncode: self.end.and_then(|end| end.code),
            text: self.report.text(),
            done: self.lists.done,
            failed: self.lists.failed,
            not_started: self.lists.not_started,
            resources: state.as_ref().map_or(0, |left| left.resources),
            state: state.map(|left| left.version),
            missing,
            error,
            outputs: self.report.outputs,
        }
    }

    fn error(&self, outcome: Outcome) -> Option<Error> {
        let doing = &self.doing;
        let new = |code, why: &str| Error::new(code, format!("{doing}: {why}"));
        let found = || diagnose::classify(doing, &self.report.diagnostics);
        let error = match outcome {
            Outcome::Succeeded => return None,
            Outcome::Unknown => self.unknown(),
            _ if self.state_not_saved() => {
                let mut error = new(ErrorCode::UpstreamFailed, "the state was not saved");
                error.details = found().details;
                error.detail("state_not_saved", true).next(
                    "a person pushes the kept state with `terraform state push`, then reconciles",
                )
            }
            Outcome::Cancelled => new(ErrorCode::Cancelled, "stopped on request"),
            Outcome::Partial => {
                let (done, failed, rest) =
                    (self.lists.done.len(), self.lists.failed.len(), self.lists.not_started.len());
                let why = format!("{done} done, {failed} failed, {rest} not started");
                let mut error = new(ErrorCode::PartialApply, &why);
                error.details = found().details;
                error.next("fix the cause, then compute a new plan: this one is spent")
            }
            Outcome::Failed => match self.end.and_then(|end| end.code) {
                Some(code) if ABNORMAL.contains(&code) => {
                    let why = format!("terraform broke down with exit code {code}");
                    new(ErrorCode::UpstreamFailed, &why).detail("abnormal", true)
                }
                _ => found(),
            },
        };
        Some(self.with_files(self.with_lists(error)))
    }

    fn unknown(&self) -> Error {
        let signal = self.end.and_then(|end| end.signal);
        let why = match signal {
            Some(signal) => format!("{}: signal {signal} ended terraform", self.doing),
            None => format!("{}: nobody saw its end", self.doing),
        };
        let mut error = Error::new(ErrorCode::UpstreamFailed, why).detail("signal", signal);
        if let Some(id) = local_lock(&self.job.environment.backend, &self.job.workspace) {
            let unlock = format!("terraform force-unlock {id}");
            error = error.detail("state_lock", id).detail("unlock", unlock);
        }
        error.next("a person compares the state with what is there, then reconciles")
    }

    fn with_lists(&self, error: Error) -> Error {
        let cut = |list: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            list.take(LISTED_MAX).cloned().collect()
        };
        error
            .detail("done", cut(&mut self.lists.done.iter()))
            .detail("failed", cut(&mut self.lists.failed.keys()))
            .detail("not_started", cut(&mut self.lists.not_started.iter()))
    }

    fn with_files(&self, mut error: Error) -> Error {
        if self.errored {
            let moved = self.job.scratch.join(ERRORED).exists();
            let kept = if moved {
                ERRORED.to_owned()
            } else {
                self.prepared.cwd.join(ERRORED).display().to_string()
            };
            error = error.detail("errored_state", kept);
        }
        if self.report.state_dumps > 0 {
            error = error.detail("state_dump", STREAM);
        }
        error
    }
}

/// The id of the lock that a killed terraform left beside a local state.
fn local_lock(backend: &Backend, workspace: &str) -> Option<String> {
    let Backend::Local { path } = backend else {
        return None;
    };
    let state = match workspace {
        "default" => path.clone(),
        other => path.with_extension("workspaces").join(other).join("terraform.tfstate"),
    };
    let name = format!(".{}.lock.info", state.file_name()?.to_string_lossy());
    let bytes = files::read(&state.with_file_name(name)).ok()?;
    let info: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    info.get("ID")?.as_str().map(str::to_owned)
}
