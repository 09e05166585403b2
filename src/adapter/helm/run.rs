//! Runs one helm that changes something, and tells how it ended. Before the child is started an error means that nothing
//! was; afterwards there is always an outcome, and it is what the release's own history shows.

use std::ffi::OsString;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::prepare::Prepared;
use super::{diagnose, files, progress};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{End, Running, Sink};
use crate::model::digest::Parts;
use crate::model::{Cloud, Digest, Outcome};
use crate::port::{ClusterFacts, Patience, Ran, ReleaseJob, Revision, Watch};

/// What helm prints, in the run's folder.
const STDOUT: &str = "helm.out";
const STDERR: &str = "helm.err";
/// As much of it is told.
const TEXT_MAX: usize = 64 * 1024;
const POLL: Duration = Duration::from_millis(50);
/// How often somebody who waits is told how far it is: each time is a helm.
const TELL: Duration = Duration::from_secs(3);

/// The last check before the effect.
pub(super) type Guard<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// What is done to the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verb {
    Deploy,
    Rollback,
    Uninstall,
}

/// What is noted before helm is started, for who finds it dead together with its supervisor.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    verb: Verb,
    namespace: String,
    release: String,
    /// The cluster, by address and authority.
    cluster: Digest,
    before: Option<Revision>,
}

/// Which cluster a job means.
fn of(cluster: &ClusterFacts) -> Digest {
    let mut parts = Parts::default();
    parts.add(cluster.endpoint.as_bytes()).add(cluster.certificate_authority.as_bytes());
    parts.finish()
}

/// How a change ended whose helm died with nobody looking, as the release's history shows it now. `None`: the note is of
/// another release, or of none.
pub(super) async fn proven(
    prepared: &Prepared,
    job: &ReleaseJob,
    intent: &Value,
) -> Result<Option<(Outcome, String)>> {
    let begun = intent.get("begun").cloned().unwrap_or_default();
    let Ok(begun) = serde_json::from_value::<Begun>(begun) else { return Ok(None) };
    let same = begun.namespace == job.namespace && begun.release == job.release;
    // Settings may have been changed since: another cluster's history tells nothing.
    if !same || begun.cluster != of(&job.cluster) {
        return Ok(None);
    }
    let after = prepared.last().await?;
    let stands =
        after.as_ref().map_or("gone".to_owned(), |r| format!("{} {}", r.revision, r.status));
    let doing = format!("looking at {}", prepared.place);
    let ended = Ended {
        doing: &doing,
        cloud: prepared.cloud,
        verb: begun.verb,
        end: None,
        interrupted: false,
        before: begun.before.as_ref(),
        after: Ok(after),
        said: "",
    };
    let (outcome, error) = ended.told();
    let next = error.and_then(|e| e.next).map(|next| format!("; {next}")).unwrap_or_default();
    Ok(Some((outcome, format!("the history of {} tells: {stands}{next}", prepared.place))))
}

/// One call of helm that changes something.
pub(super) struct Work {
    pub(super) args: Vec<OsString>,
    pub(super) verb: Verb,
    pub(super) patience: Patience,
}

pub(super) async fn run(
    prepared: &Prepared,
    job: &ReleaseJob,
    work: Work,
    watch: &dyn Watch,
    guard: Guard<'_>,
) -> Result<Ran> {
    let verb = work.verb;
    let doing = match verb {
        Verb::Deploy => format!("deploying {}", prepared.place),
        Verb::Rollback => format!("rolling back {}", prepared.place),
        Verb::Uninstall => format!("uninstalling {}", prepared.place),
    };
    let (out, err) = (job.scratch.join(STDOUT), job.scratch.join(STDERR));
    if out.exists() {
        return Err(Error::internal(&doing, "this operation has run before"));
    }
    let before = prepared.last().await?;
    let words: Vec<_> = work.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let begun = Begun {
        verb,
        namespace: job.namespace.clone(),
        release: job.release.clone(),
        cluster: of(&job.cluster),
        before: before.clone(),
    };
    let body =
        json!({ "program": prepared.tool.path, "argv": words, "stream": STDOUT, "begun": begun });
    watch.note("intent", body).await?;
    guard.await?;
    let mut running = prepared
        .invocation(work.args)
        .output(Sink::File(out.clone()), Sink::File(err.clone()))
        .own_session()
        .spawn()?;
    let child = json!({ "pid": running.pid(), "start": running.started() });
    // From here on the child runs, and a journal that cannot be written must not keep us from seeing its end.
    let mut notes = vec![watch.note("child", child).await];
    let end = follow(prepared, &mut running, verb, work.patience.wait, watch).await;
    let said = files::beginning(&err, TEXT_MAX);
    let (after, told) = tokio::join!(prepared.last(), prepared.status(&doing, None));
    let ended = Ended {
        doing: &doing,
        cloud: prepared.cloud,
        verb,
        end: end.as_ref().ok(),
        interrupted: running.is_interrupted(),
        before: before.as_ref(),
        after,
        said: &said,
    };
    let (outcome, error) = ended.told();
    let last = ended.after.clone().unwrap_or_default();
    let code = ended.end.and_then(|end| end.code);
    let body = json!({ "returncode": code, "outcome": outcome });
    notes.push(watch.note("exit", body).await);
    let error = match notes.into_iter().find_map(Result::err) {
        Some(unwritten) => error.map(|e| e.detail("journal", unwritten.message)),
        None => error,
    };
    let notes = match (verb, told) {
        (Verb::Deploy, Ok(told)) => told.info.notes,
        _ => String::new(),
    };
    Ok(Ran { outcome, returncode: code, text: said, last, notes, error })
}

/// Waits for the child's end. Only install and upgrade may be interrupted: the others would die at once, half done.
async fn follow(
    prepared: &Prepared,
    running: &mut Running,
    verb: Verb,
    wait: bool,
    watch: &dyn Watch,
) -> Result<End> {
    let mut told = tokio::time::Instant::now();
    let mut asked = false;
    loop {
        tokio::select! {
            end = running.wait() => return end,
            () = tokio::time::sleep(POLL) => {}
        }
        if !asked && watch.stop_requested().await {
            asked = true;
            let message = if verb == Verb::Deploy {
                // The child may have ended meanwhile; then the next round sees it.
                drop(running.interrupt());
                "stopping: helm was asked to end"
            } else {
                "helm cannot stop in the middle of this: it goes on to its end"
            };
            watch.progress(message, 0, 0).await;
        }
        if wait && !asked && told.elapsed() >= TELL {
            tokio::select! {
                end = running.wait() => return end,
                () = progress::tell(prepared, watch) => {}
            }
            told = tokio::time::Instant::now();
        }
    }
}

/// Everything that is known once the child is gone.
struct Ended<'a> {
    doing: &'a str,
    cloud: Cloud,
    verb: Verb,
    end: Option<&'a End>,
    interrupted: bool,
    before: Option<&'a Revision>,
    after: Result<Option<Revision>>,
    said: &'a str,
}

impl Ended<'_> {
    /// The end, and what is wrong with it.
    fn told(&self) -> (Outcome, Option<Error>) {
        let code = self.end.and_then(|end| end.code);
        if code == Some(0) {
            return (Outcome::Succeeded, None);
        }
        let error = if code.is_some() {
            diagnose::classify(self.doing, self.said, self.cloud)
        } else {
            let signal = self.end.and_then(|end| end.signal);
            let why = signal.map_or_else(
                || "nobody saw its end".to_owned(),
                |signal| format!("signal {signal} ended helm"),
            );
            Error::new(ErrorCode::UpstreamFailed, format!("{}: {why}", self.doing))
                .detail("signal", signal)
        };
        let after = match &self.after {
            Ok(after) => after.as_ref(),
            Err(unseen) => {
                let error = error
                    .detail("unseen", unseen.message.clone())
                    .next("a person looks at the release with `helm history`, then reconciles");
                return (Outcome::Unknown, Some(error));
            }
        };
        let (outcome, next) = self.proven(after);
        let error = match outcome {
            Outcome::Succeeded => return (outcome, None),
            Outcome::Cancelled => {
                Error { code: ErrorCode::Cancelled, ..error }.detail("stopped", "on request")
            }
            Outcome::Partial => Error { code: ErrorCode::PartialApply, ..error },
            _ => error,
        };
        let stands = after.map_or("gone".to_owned(), |r| format!("{} {}", r.revision, r.status));
        let error = error.detail("release", stands);
        (
            outcome,
            Some(match next {
                Some(next) => error.next(next),
                None => error,
            }),
        )
    }

    /// What the history proves: revisions are counted, and while we hold the environment nobody else makes one.
    fn proven(&self, after: Option<&Revision>) -> (Outcome, Option<String>) {
        let Some(after) = after else {
            // Nothing is left: an uninstall got through, an install that was undone, or one that never began.
            let gone = self.verb == Verb::Uninstall;
            return (if gone { Outcome::Succeeded } else { Outcome::Failed }, None);
        };
        let new = self.before.is_none_or(|before| after.revision > before.revision);
        if self.verb == Verb::Uninstall {
            let again = "call helm_uninstall again: it goes on with what is left".to_owned();
            return match after.status.as_str() {
                "uninstalling" => (Outcome::Partial, Some(again)),
                _ => (Outcome::Failed, None),
            };
        }
        if !new {
            return (Outcome::Failed, None);
        }
        let back = match self.before {
            Some(_) => "helm_rollback goes back to the last revision that was deployed",
            None => "helm_uninstall takes away what is there, then deploy again",
        };
        match after.status.as_str() {
            // It got to its end and was killed before it could say so; or it failed and was undone.
            "deployed" if self.end.and_then(|end| end.code).is_none() => (Outcome::Succeeded, None),
            "deployed" if self.interrupted => (Outcome::Cancelled, None),
            "deployed" => {
                (Outcome::Failed, Some("it was rolled back: mend the cause first".into()))
            }
            _ if self.interrupted => (Outcome::Cancelled, Some(back.to_owned())),
            _ => (Outcome::Partial, Some(back.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Captured;

    fn revision(number: u64, status: &str) -> Revision {
        Revision {
            revision: number,
            status: status.into(),
            chart: "web-1".into(),
            updated: String::new(),
            description: String::new(),
        }
    }

    fn told(
        verb: Verb,
        code: Option<i32>,
        interrupted: bool,
        before: Option<&Revision>,
        after: Option<Revision>,
    ) -> (Outcome, Option<Error>) {
        let captured = Captured::default;
        let end = End { code, signal: None, stdout: captured(), stderr: captured() };
        let ended = Ended {
            doing: "working",
            cloud: Cloud::Aws,
            verb,
            end: Some(&end),
            interrupted,
            before,
            after: Ok(after),
            said: "",
        };
        ended.told()
    }

    #[test]
    fn fault_47_a_killed_helm_is_judged_by_what_it_left() {
        let one = || Some(revision(1, "deployed"));
        let killed = |after| told(Verb::Deploy, None, false, one().as_ref(), after);
        let (outcome, error) = killed(Some(revision(2, "pending-upgrade")));
        assert_eq!(outcome, Outcome::Partial);
        assert!(error.unwrap().next.unwrap().contains("helm_rollback"));
        assert_eq!(killed(one()).0, Outcome::Failed, "nothing was begun");
        assert_eq!(killed(Some(revision(2, "deployed"))).0, Outcome::Succeeded);
        let (outcome, error) =
            told(Verb::Deploy, None, false, None, Some(revision(1, "pending-install")));
        assert_eq!(outcome, Outcome::Partial);
        assert!(error.unwrap().next.unwrap().contains("helm_uninstall"));
        assert_eq!(told(Verb::Uninstall, None, false, one().as_ref(), None).0, Outcome::Succeeded);
        let half = Some(revision(1, "uninstalling"));
        assert_eq!(told(Verb::Uninstall, None, false, one().as_ref(), half).0, Outcome::Partial);
    }

    #[test]
    fn what_was_undone_has_failed_and_what_was_stopped_is_cancelled() {
        let one = || Some(revision(1, "deployed"));
        let undone =
            told(Verb::Deploy, Some(1), false, one().as_ref(), Some(revision(3, "deployed")));
        assert_eq!(undone.0, Outcome::Failed);
        let failed = || Some(revision(2, "failed"));
        let (outcome, error) = told(Verb::Deploy, Some(1), false, one().as_ref(), failed());
        assert_eq!((outcome, error.unwrap().code), (Outcome::Partial, ErrorCode::PartialApply));
        let (outcome, error) = told(Verb::Deploy, Some(1), true, one().as_ref(), failed());
        assert_eq!((outcome, error.unwrap().code), (Outcome::Cancelled, ErrorCode::Cancelled));
    }
}
