//! Waiting for an organization that is busy, or still being made.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::operation::Scene;
use crate::operation::patience::Patience;
use crate::port::Watch;

/// How long a busy organization is waited for.
const BUSY: Duration = Duration::from_mins(10);
/// How long one that is still being made is waited for: AWS says that it takes an hour.
const UNFINISHED: Duration = Duration::from_mins(75);

/// Rests before the call is made again. When that has gone on for too long, it is the error.
pub(super) async fn rest_after(
    patience: &mut Patience,
    scene: &Scene<'_>,
    error: Error,
    long: bool,
) -> Result<()> {
    let most = if long { UNFINISHED } else { BUSY };
    if patience.spent() >= most {
        return Err(error.next(if long {
            "AWS is still making the organization: wait an hour, then make the same call again"
        } else {
            "make the same call again when the organization is less busy"
        }));
    }
    let told =
        format!("{}; trying again in {:.1} s", error.message, patience.coming().as_secs_f32());
    scene.journal.progress(&told, 0, 0).await;
    scene.journal.line(&told).await;
    patience.rest(scene).await
}
