//! One operation, watched: progress as a stream, then its answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::model::OperationId;
use crate::operation::{ChangeAnswer, World, call};
use crate::run::Progress;

/// Lines of progress that wait to be read; a slow reader misses further ones, never the end.
const WAITING: usize = 256;
/// Watching has no end of its own.
const EVER: Duration = Duration::from_hours(24 * 365);

/// One operation, watched. Dropped, the watching ends and the work goes on: [`Project::follow`](super::Project::follow)
/// takes it up again.
///
/// As a [`Stream`] it yields what is going on until the operation has ended; [`end`](Self::end) gives the answer.
#[derive(Debug)]
pub struct Operation {
    id: OperationId,
    progress: mpsc::Receiver<Progress>,
    watch: Watching,
}

#[derive(Debug)]
struct Watching(JoinHandle<Result<ChangeAnswer>>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Operation {
    pub(super) fn follow(world: &World, id: OperationId) -> Self {
        let (teller, progress) = mpsc::channel(WAITING);
        let world = world.clone();
        let watch = tokio::spawn(async move {
            let mut see = |progress: &Progress| drop(teller.try_send(progress.clone()));
            let answer = call::outcome(&world, id, EVER, &mut see).await?;
            serde_json::from_value(answer).map_err(|e| Error::internal("reading an answer", e))
        });
        Self { id, progress, watch: Watching(watch) }
    }

    /// Its id: under it the log has all of it.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// What is going on, as soon as there is something new; `None` once the operation has ended.
    pub async fn next(&mut self) -> Option<Progress> {
        self.progress.recv().await
    }

    /// Waits for the end and gives the answer: planned, approval required, succeeded, failed, partial, cancelled, refused or
    /// unknown. An error means that the end could not be read, not that the operation failed.
    pub async fn end(mut self) -> Result<ChangeAnswer> {
        self.progress.close();
        (&mut self.watch.0).await.map_err(|e| Error::internal("watching an operation", e))?
    }
}

impl Stream for Operation {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.progress.poll_recv(context)
    }
}
