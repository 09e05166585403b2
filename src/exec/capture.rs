//! Reads a child's output into memory, up to a limit. What is over the limit is read and dropped: the child never
//! stands still for us.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

/// Captured output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The first bytes, up to the limit.
    pub bytes: Vec<u8>,
    /// How many more there were.
    pub dropped: u64,
}

impl Captured {
    /// As text, invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

const CHUNK: usize = 64 * 1024;

pub(super) async fn read(mut pipe: impl AsyncRead + Unpin, limit: usize) -> Captured {
    let mut captured = Captured::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        // A pipe that fails has no more to say, exactly like one that was closed.
        let got = pipe.read(&mut chunk).await.unwrap_or(0);
        let Some(new) = chunk.get(..got).filter(|new| !new.is_empty()) else {
            return captured;
        };
        let room = limit.saturating_sub(captured.bytes.len()).min(new.len());
        let (kept, dropped) = new.split_at(room);
        captured.bytes.extend_from_slice(kept);
        captured.dropped += dropped.len() as u64;
    }
}

/// The captured bytes once the pipe is closed; empty when there is no pipe or it was joined before.
pub(super) async fn join(task: &mut Option<JoinHandle<Captured>>) -> Captured {
    let Some(handle) = task.as_mut() else {
        return Captured::default();
    };
    let captured = handle.await.unwrap_or_default();
    *task = None;
    captured
}
