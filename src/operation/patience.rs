//! Waiting for a cloud that is busy, or has not ended: longer from time to time, and not for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::clock::Uptime;
use crate::error::{Error, ErrorCode, Result};
use crate::operation::Scene;
use crate::port::Watch;

/// First and longest rest.
const RESTS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Waits longer from time to time.
#[derive(Debug)]
pub(in crate::operation) struct Patience {
    since: Instant,
    /// What the machine told when it first rested, and how much later that is: it counts while it sleeps, too.
    began: Option<Uptime>,
    later: Duration,
    next: Duration,
    longest: Duration,
}

impl Patience {
    pub(in crate::operation) fn new() -> Self {
        Self::up_to(RESTS.1)
    }

    /// Rests of this length at most.
    pub(in crate::operation) fn up_to(longest: Duration) -> Self {
        let (began, later) = (None, Duration::ZERO);
        Self { since: Instant::now(), began, later, next: RESTS.0, longest }
    }

    pub(in crate::operation) fn spent(&self) -> Duration {
        self.since.elapsed().max(self.later)
    }

    /// The next rest.
    pub(in crate::operation) fn coming(&self) -> Duration {
        self.next
    }

    /// Rests; a wish to stop ends it.
    pub(in crate::operation) async fn rest(&mut self, scene: &Scene<'_>) -> Result<()> {
        const LOOK: Duration = Duration::from_secs(1);
        self.look_at(scene.world.clock.uptime());
        let until = Instant::now() + self.next;
        self.next = (self.next * 2).min(self.longest);
        loop {
            if scene.journal.stop_requested().await {
                return Err(stopped(scene));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            sleep(left.min(LOOK)).await;
        }
    }

    fn look_at(&mut self, now: Option<Uptime>) {
        let Some(now) = now else { return };
        let began = self.began.get_or_insert_with(|| now.clone());
        if began.boot == now.boot {
            self.later = Duration::from_secs(now.seconds.saturating_sub(began.seconds));
        }
    }
}

/// The end on request.
pub(in crate::operation) fn stopped(scene: &Scene<'_>) -> Error {
    let doing = format!("{} in {}", scene.tool.title, scene.environment.target());
    Error::new(ErrorCode::Cancelled, format!("{doing}: stopped on request"))
        .next("the same call again finds what was made and goes on")
}
