//! A sync on its way: found by the operation that it carries, followed to its end, stopped on request or at its deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::plan::Sealed;
use super::settle::{Settled, settled};
use crate::error::Error;
use crate::model::{ArgoProject, OperationId};
use crate::operation::Scene;
use crate::permit::Permit;
use crate::port::{Application, SyncState, Watch};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(400);
/// Looks after which a sync that Argo CD does not know was never begun.
const MISSES: u32 = 12;
/// How long Argo CD may take to stop.
const STOPPING: Duration = Duration::from_secs(60);

/// How a sync ended.
pub(super) enum Ended {
    /// Argo CD has seen its end.
    Over(Box<Application>, SyncState),
    /// Argo CD does not know it.
    Never,
    /// Another operation has taken its place.
    Replaced(Box<Application>),
    /// Nobody saw its end.
    Unseen(Option<Error>),
}

/// A sync that is followed.
pub(super) struct Followed<'s> {
    pub(super) scene: &'s Scene<'s>,
    pub(super) place: &'s ArgoProject,
    pub(super) sealed: &'s Sealed,
    /// The operation that it carries.
    pub(super) id: OperationId,
    pub(super) until: Instant,
    /// Whether it was stopped on request.
    pub(super) stopped: bool,
    /// Whether its time was over.
    pub(super) late: bool,
}

impl Followed<'_> {
    /// Follows it to its end. `known`: Argo CD has taken it.
    pub(super) async fn end(&mut self, permit: &Permit, mut known: bool) -> Ended {
        let name = &self.sealed.wanted.application;
        let applications = &self.scene.world.applications;
        let (mut misses, mut began) = (0, None);
        loop {
            let mut trouble = None;
            match applications.find(self.place, name, false).await {
                Ok(Some(app)) => {
                    let ours = app.last.as_ref().filter(|last| last.ours == Some(self.id)).cloned();
                    match ours {
                        Some(last) if last.is_over() && !app.busy => {
                            return Ended::Over(Box::new(app), last);
                        }
                        Some(last) => {
                            (known, misses) = (true, 0);
                            self.tell(&last).await;
                        }
                        None if known && app.last.as_ref().is_some_and(|l| l.ours.is_some()) => {
                            return Ended::Replaced(Box::new(app));
                        }
                        None => misses += 1,
                    }
                    if misses >= MISSES {
                        return if known { Ended::Replaced(Box::new(app)) } else { Ended::Never };
                    }
                }
                Ok(None) => return if known { Ended::Unseen(None) } else { Ended::Never },
                Err(error) => trouble = Some(error),
            }
            self.stopped |= self.scene.journal.stop_requested().await;
            self.late |= Instant::now() >= self.until;
            if self.stopped || self.late {
                let began = *began.get_or_insert_with(Instant::now);
                if began.elapsed() > STOPPING {
                    return Ended::Unseen(trouble);
                }
                // Asked again each time: Argo CD may have been away, or not have begun it yet.
                if known && let Err(error) = applications.terminate(permit, self.place, name).await
                {
                    tracing::warn!(%error, "stopping a sync");
                }
            }
            sleep(EVERY).await;
        }
    }

    async fn tell(&self, last: &SyncState) {
        let done = last.results.iter().filter(|r| !r.status.is_empty() && r.status != "Running");
        let (done, total) = (done.count(), last.results.len());
        let message = if last.message.is_empty() { "waiting for Argo CD" } else { &last.message };
        self.scene.journal.progress(message, done, total).await;
    }

    /// Waits until sync and health say something about what is there now; at most until the deadline.
    pub(super) async fn settle(
        &self,
        mut app: Application,
        sync: &SyncState,
    ) -> (Application, Settled) {
        let prune = self.sealed.wanted.prune;
        loop {
            let found = self.scene.world.applications.find(self.place, &app.name, true).await;
            if let Ok(Some(found)) = found {
                app = found;
            }
            let now = settled(&app, sync, prune);
            let stop = self.scene.journal.stop_requested().await;
            if now != Settled::Not || stop || Instant::now() >= self.until {
                return (app, now);
            }
            let doing =
                format!("synced; waiting until it is healthy: {} and {}", app.sync, app.health);
            self.scene.journal.progress(&doing, 0, 0).await;
            sleep(EVERY).await;
        }
    }
}
