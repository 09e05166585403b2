//! Waiting for a cloud that is busy, or has not ended: longer from time to time, and not for ever.

use std::time::Duration;

use tokio::time::Instant;

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
    rested: Duration,
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
        let (rested, later) = (Duration::ZERO, Duration::ZERO);
        Self { since: Instant::now(), rested, began: None, later, next: RESTS.0, longest }
    }

    /// How long it has been waited, calls in between included.
    pub(in crate::operation) fn spent(&self) -> Duration {
        self.since.elapsed().max(self.rested).max(self.later)
    }

    /// The next rest.
    pub(in crate::operation) fn coming(&self) -> Duration {
        self.next
    }

    /// Rests; a wish to stop ends it.
    pub(in crate::operation) async fn rest(&mut self, scene: &Scene<'_>) -> Result<()> {
        const LOOK: Duration = Duration::from_secs(1);
        self.look_at(scene.world.clock.uptime());
        let mut left = self.next;
        self.next = (self.next * 2).min(self.longest);
        loop {
            if scene.journal.stop_requested().await {
                return Err(stopped(scene));
            }
            if left.is_zero() {
                return Ok(());
            }
            let part = left.min(LOOK);
            scene.world.clock.rest(part).await;
            self.rested += part;
            left -= part;
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
