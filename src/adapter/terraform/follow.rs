//! Follows a running child by the file it writes to: events, progress, and the one interrupt when a stop is asked for.
#![expect(clippy::disallowed_methods, reason = "reads the file that a child writes to")]

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use super::report::Report;
use super::stream::{Event, Parsed, Parser};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{End, Running};
use crate::port::Watch;

const POLL: Duration = Duration::from_millis(50);
const CHUNK: usize = 256 * 1024;

struct Tail<'a> {
    file: File,
    parser: Parser,
    chunk: Vec<u8>,
    watch: &'a dyn Watch,
    total: usize,
}

/// Does something that only reads, unless a stop is asked for: then it is dropped, with its children.
pub(super) async fn unless_stopped<T>(
    watch: &dyn Watch,
    doing: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let stop = async {
        while !watch.stop_requested().await {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::select! {
        biased;
        () = stop => {
            let why = format!("{doing}: stopped on request");
            Err(Error::new(ErrorCode::Cancelled, why))
        }
        done = work => done,
    }
}

/// Waits for the child's end. Its output file is `stream`; `total` is how many resources it works on. Never kills, and
/// never returns before the child has ended: what cannot be followed is still waited for.
pub(super) async fn follow(
    running: &mut Running,
    stream: &Path,
    total: usize,
    report: &mut Report,
    watch: &dyn Watch,
) -> Result<End> {
    match listen(running, stream, total, report, watch).await {
        Ok(end) => Ok(end),
        Err(error) => {
            watch.progress(&error.message, report.over(), total).await;
            running.wait().await
        }
    }
}

async fn listen(
    running: &mut Running,
    stream: &Path,
    total: usize,
    report: &mut Report,
    watch: &dyn Watch,
) -> Result<End> {
    let file = File::open(stream)
        .map_err(|e| Error::internal(&format!("following {}", stream.display()), e))?;
    let mut tail = Tail { file, parser: Parser::default(), chunk: vec![0; CHUNK], watch, total };
    let mut waiting_on = None;
    loop {
        let ended = tokio::select! {
            end = running.wait() => Some(end),
            () = tokio::time::sleep(POLL) => None,
        };
        tail.catch_up(report).await;
        if let Some(end) = ended {
            tail.finish(report).await;
            return end;
        }
        if !running.is_interrupted() && watch.stop_requested().await {
            // The child may have ended meanwhile; then the next round sees it.
            running.interrupt()?;
        }
        if running.is_interrupted() {
            let on: Vec<&str> = report.in_flight().collect();
            let message = match on.as_slice() {
                [] => "stopping".to_owned(),
                on => format!("stopping, waiting on {}", on.join(", ")),
            };
            if waiting_on.as_ref() != Some(&message) {
                watch.progress(&message, report.over(), total).await;
                waiting_on = Some(message);
            }
        }
    }
}

impl Tail<'_> {
    /// Reads what is new, piece by piece.
    async fn catch_up(&mut self, report: &mut Report) {
        loop {
            // A file that cannot be read now may be read in the next round; the child goes on in any case.
            let got = self.file.read(&mut self.chunk).unwrap_or(0);
            let Some(piece) = self.chunk.get(..got).filter(|p| !p.is_empty()) else {
                return;
            };
            let mut parsed = Vec::new();
            self.parser.push(piece, &mut |p| parsed.push(p));
            self.tell(parsed, report).await;
        }
    }

    async fn finish(&mut self, report: &mut Report) {
        let mut parsed = Vec::new();
        self.parser.finish(&mut |p| parsed.push(p));
        self.tell(parsed, report).await;
    }

    async fn tell(&self, parsed: Vec<Parsed>, report: &mut Report) {
        for one in parsed {
            if !one.text.is_empty() {
                self.watch.line(&one.text).await;
            }
            let step = matches!(
                one.event,
                Event::Started { .. } | Event::Completed { .. } | Event::Errored { .. }
            );
            let text = step.then(|| one.text.clone());
            report.take(one);
            if let Some(text) = text {
                self.watch.progress(&text, report.over(), self.total).await;
            }
        }
    }
}
