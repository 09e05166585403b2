//! The life of a supervisor process: take the hold, do the work, say that it ended.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Journal, RunFile};
use crate::clock::Clock;
use crate::error::Result;
use crate::port::Runs;

/// Does the work of one operation and records its end in the log.
#[async_trait]
pub trait CarryOut: Send + Sync {
    /// Does it. Returns the redacted answer; by then the log has the end.
    async fn carry_out(&self, run: &RunFile, journal: &Journal) -> Value;
}

/// Supervises one operation: at most one process does so at a time.
pub async fn supervise(
    runs: &Arc<dyn Runs>,
    clock: &Arc<dyn Clock>,
    run: &RunFile,
    work: &dyn CarryOut,
) -> Result<()> {
    let Some(_hold) = runs.hold(run.operation).await? else {
        return Ok(());
    };
    // It has ended before, here or in the hands of whoever took it over: its answer stands.
    if runs.result(run.operation).await?.is_some() {
        return Ok(());
    }
    let journal = Journal::new(Arc::clone(runs), Arc::clone(clock), run.operation);
    journal.mark("started", json!({ "pid": std::process::id() })).await?;
    let answer = tokio::select! {
        answer = work.carry_out(run, &journal) => answer,
        () = stop_on_signal(runs, run) => Value::Null,
    };
    // The end is in the log and its answer on the disk: this line tells only those who wait.
    runs.put_result(run.operation, &answer).await?;
    journal.mark("ended", json!({ "status": answer.get("status") })).await
}

/// A system that stops (SIGTERM) asks the operation to stop; it ends by itself then, so this never returns.
async fn stop_on_signal(runs: &Arc<dyn Runs>, run: &RunFile) {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut terminated) = signal(SignalKind::terminate()) {
        while terminated.recv().await.is_some() {
            drop(runs.request_cancel(run.operation, "the system (SIGTERM)").await);
        }
    }
    std::future::pending::<()>().await;
}
