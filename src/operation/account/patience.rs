//! Waiting for an organization that is busy: longer from time to time, and not for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, ErrorCode, Result};
use crate::operation::Scene;
use crate::port::Watch;

/// How long a busy organization is waited for.
const BUSY: Duration = Duration::from_mins(10);
/// How long one that is still being made is waited for: AWS says that it takes an hour.
const UNFINISHED: Duration = Duration::from_mins(75);
/// First and longest rest.
const RESTS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Waits longer from time to time.
#[derive(Debug)]
pub(super) struct Patience {
    since: Instant,
    next: Duration,
    longest: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self::up_to(RESTS.1)
    }

    /// Rests of this length at most.
    pub(super) fn up_to(longest: Duration) -> Self {
        Self { since: Instant::now(), next: RESTS.0, longest }
    }

    pub(super) fn spent(&self) -> Duration {
        self.since.elapsed()
    }

    /// Rests before the call is made again. When that has gone on for too long, it is the error.
    pub(super) async fn after(
        &mut self,
        scene: &Scene<'_>,
        error: Error,
        long: bool,
    ) -> Result<()> {
        let most = if long { UNFINISHED } else { BUSY };
        if self.spent() >= most {
            return Err(error.next(if long {
                "AWS is still making the organization: wait an hour, then make the same call again"
            } else {
                "make the same call again when the organization is less busy"
            }));
        }
        let told = format!("{}; trying again in {:.1} s", error.message, self.next.as_secs_f32());
        scene.journal.progress(&told, 0, 0).await;
        scene.journal.line(&told).await;
        self.rest(scene).await
    }

    /// Rests; a wish to stop ends it.
    pub(super) async fn rest(&mut self, scene: &Scene<'_>) -> Result<()> {
        const LOOK: Duration = Duration::from_secs(1);
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
}

/// The end on request.
pub(super) fn stopped(scene: &Scene<'_>) -> Error {
    let target = scene.environment.target();
    Error::new(ErrorCode::Cancelled, format!("making an account in {target}: stopped on request"))
        .next("the same call again finds what was made and goes on")
}
