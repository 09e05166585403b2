//! Taking the lease of a target and giving it back.

use std::time::Duration;

use crate::error::Result;
use crate::lock::lease::{self, NotGranted};
use crate::lock::{Blocked, Holder, Lease};
use crate::model::Outcome;
use crate::operation::Scene;
use crate::port::Watch;
use crate::run::{Settled, settle};

/// Takes the target's lease. A dead holder's operation is settled first; a living one is waited for as long as the
/// settings say.
pub(super) async fn lease(scene: &Scene<'_>) -> Result<Lease> {
    let world = scene.world;
    let key = scene.run.target.to_string();
    let holder = Holder {
        operation: scene.run.operation,
        tool: scene.tool.name.to_owned(),
        user: scene.run.actor.principal.0.clone(),
        place: format!("{} process {}", world.host, std::process::id()),
        since: world.clock.now(),
    };
    let deadline = tokio::time::Instant::now() + world.config.lock_wait();
    let mut settled = 0;
    loop {
        let other = match Lease::acquire(&world.leases, &key, &holder).await {
            Ok(lease) => return Ok(lease),
            Err(NotGranted::Store(error)) => return Err(error),
            Err(NotGranted::Blocked(blocked)) => return Err(lease::blocked(&key, &blocked)),
            Err(NotGranted::Held(other)) => other,
            Err(NotGranted::Abandoned(dead)) => {
                settled += 1;
                let ended = matches!(
                    settle(&world.stores(), dead.operation).await?,
                    Settled::Ended(_) | Settled::Absent
                );
                if ended && settled <= 3 {
                    continue;
                }
                dead
            }
        };
        if tokio::time::Instant::now() >= deadline || scene.journal.stop_requested().await {
            return Err(lease::held(&key, &other));
        }
        let waited = format!(
            "waiting for {key}: held by operation {} ({}), lock.wait_s = {}",
            other.operation,
            other.tool,
            world.config.lock_wait().as_secs()
        );
        scene.journal.progress(&waited, 0, 0).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Gives the lease back; an unknown end or a lost state leaves the target blocked.
pub(super) async fn give_back(
    scene: &Scene<'_>,
    lease: Lease,
    outcome: Outcome,
    block: Option<String>,
) -> Result<()> {
    let reason = match (outcome, block) {
        (_, Some(reason)) => reason,
        (Outcome::Unknown, None) => "nobody saw how it ended".to_owned(),
        (_, None) => return lease.release().await,
    };
    lease
        .block(&Blocked { operation: scene.run.operation, reason, since: scene.world.clock.now() })
        .await
}
