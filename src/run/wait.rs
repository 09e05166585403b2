//! Waiting for an operation without being part of it: whoever waits may go away at any time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Settled, Stores, settle};
use crate::error::Result;
use crate::model::OperationId;

/// What is going on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// One line.
    pub message: String,
    /// Steps done.
    pub done: usize,
    /// Steps in all; 0 when nobody knows yet.
    pub total: usize,
}

/// Half of it is what a call takes longer than its work.
const POLL: Duration = Duration::from_millis(10);
/// How often somebody who waits looks whether the supervisor still lives.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until the operation has ended or `limit` has passed, showing progress. True when it has ended.
pub async fn wait(
    stores: &Stores,
    id: OperationId,
    limit: Duration,
    see: &mut (dyn FnMut(&Progress) + Send),
) -> Result<bool> {
    let deadline = Instant::now() + limit;
    let mut offset = 0;
    let mut looked = Instant::now();
    loop {
        let (lines, next) = stores.runs.journal(id, offset).await?;
        offset = next;
        for line in lines {
            match line.kind.as_str() {
                "ended" => return Ok(true),
                "progress" => see(&Progress {
                    message: line.field("message").as_str().unwrap_or_default().to_owned(),
                    done: count(line.field("done")),
                    total: count(line.field("total")),
                }),
                _ => {}
            }
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if gone(stores, id).await? {
                return Ok(true);
            }
        }
        if Instant::now() >= deadline {
            return gone(stores, id).await;
        }
        sleep(POLL.min(deadline - Instant::now())).await;
    }
}

/// Whether it has ended and its supervisor is gone: one that still lives is about to store the answer.
async fn gone(stores: &Stores, id: OperationId) -> Result<bool> {
    Ok(matches!(settle(stores, id).await?, Settled::Ended(_)) && !stores.runs.is_held(id).await?)
}

fn count(value: &serde_json::Value) -> usize {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
}
