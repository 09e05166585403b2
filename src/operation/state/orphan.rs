//! Refusals of the state lock after which terraform may be started once more. The one that matters is the lock of our own
//! child, left because the answer to its request got lost: S3 stores the lock, says that it failed, and then refuses
//! terraform's second try because a lock is there.

use jiff::Timestamp;
use serde_json::Value;

use super::super::Scene;
use crate::error::{Error, ErrorCode, Result};
use crate::lock::Lease;
use crate::port::state_object::Ours;
use crate::port::{OwnOrphan, Watch};

/// After a child that was started after `since` was refused for a state lock: whether it may be started once more. When
/// the lock is provably the child's own, it is taken away. The answer is what a user is told; `None`: the lock is
/// somebody else's, and stays.
pub(in crate::operation) async fn resolve(
    scene: &Scene<'_>,
    lease: &Lease,
    since: Timestamp,
    refused: &Error,
) -> Result<Option<String>> {
    if refused.details.get("lock_conflict") == Some(&Value::Bool(true)) {
        let told =
            "S3 was busy with another request for the state lock: terraform was started once more";
        return Ok(Some(told.to_owned()));
    }
    let named = refused.details.get("state_lock").and_then(|lock| lock.get("id")?.as_str());
    let (ErrorCode::LockHeld, Some(id)) = (refused.code, named) else {
        return Ok(None);
    };
    let (world, job) = (scene.world, &scene.job);
    let until = world.clock.now();
    let Some(seen) = world.state_backend.lock(job).await? else {
        return Ok(None);
    };
    let who = format!("{}@{}", scene.run.actor.os_user, world.host);
    let ours = Ours { id, who: &who, since, until };
    let Some(orphan) = OwnOrphan::recognise(lease, &ours, seen) else {
        return Ok(None);
    };
    // Somebody may have started one by hand, as the same user on the same machine, at that very moment.
    if world.provisioner.is_beside(job).await? {
        return Ok(None);
    }
    let told = format!(
        "state lock {id} was our own, left because the answer to its request got lost: it was taken away, and terraform \
         was started once more"
    );
    if !world.state_backend.unlock(job, orphan).await? {
        return Ok(None);
    }
    scene.journal.line(&format!("{told}\n")).await;
    Ok(Some(told))
}
