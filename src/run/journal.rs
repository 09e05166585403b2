//! What a supervisor notes while it works. Everything is redacted before it is written.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault;
use crate::clock::Clock;
use crate::error::Result;
use crate::model::OperationId;
use crate::port::{JournalLine, Runs, Watch};
use crate::secret::Redactor;

/// The journal and log of one operation.
pub struct Journal {
    runs: Arc<dyn Runs>,
    clock: Arc<dyn Clock>,
    id: OperationId,
    secrets: RwLock<(Vec<String>, Redactor)>,
    newest: Mutex<Timestamp>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Journal {
    /// The journal of `id`.
    pub fn new(runs: Arc<dyn Runs>, clock: Arc<dyn Clock>, id: OperationId) -> Self {
        Self {
            runs,
            clock,
            id,
            secrets: RwLock::new((Vec::new(), Redactor::default())),
            newest: Mutex::new(Timestamp::MIN),
        }
    }

    /// Learns texts that must not leave.
    pub fn learn(&self, secrets: impl IntoIterator<Item = String>) {
        let mut known = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        known.0.extend(secrets);
        known.1 = Redactor::new(known.0.iter().map(String::as_str));
    }

    /// The text without what must not leave.
    pub fn clean(&self, text: &str) -> String {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).1.clean(text)
    }

    /// The operation.
    pub fn id(&self) -> OperationId {
        self.id
    }

    fn clean_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.clean(&text)),
            Value::Array(items) => items.into_iter().map(|v| self.clean_value(v)).collect(),
            Value::Object(map) => map.into_iter().map(|(k, v)| (k, self.clean_value(v))).collect(),
            other => other,
        }
    }

    /// A line of now, or of the line before it when the clock was turned back.
    fn entry(&self, kind: &str, body: Value) -> JournalLine {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = self.clock.now().max(*newest);
        JournalLine { ts: *newest, kind: kind.to_owned(), body: self.clean_value(body) }
    }
}

impl Journal {
    /// Notes what only tells those who wait: losing it with the machine's power proves nothing wrong.
    pub async fn mark(&self, kind: &str, body: Value) -> Result<()> {
        fault::point(&format!("before_{kind}"));
        self.runs.note_lazily(self.id, &self.entry(kind, body)).await?;
        fault::point(&format!("after_{kind}"));
        Ok(())
    }
}

#[async_trait]
impl Watch for Journal {
    async fn note(&self, kind: &str, body: Value) -> Result<()> {
        fault::point(&format!("before_{kind}"));
        let name =
            body.get("name").and_then(Value::as_str).map(|name| format!("after_{kind}_{name}"));
        self.runs.note(self.id, &self.entry(kind, body)).await?;
        fault::point(&format!("after_{kind}"));
        if let Some(name) = name {
            fault::point(&name);
        }
        Ok(())
    }

    async fn progress(&self, message: &str, done: usize, total: usize) {
        let line =
            self.entry("progress", json!({ "message": message, "done": done, "total": total }));
        drop(self.runs.note_lazily(self.id, &line).await);
        if done == 1 {
            fault::point("first_resource");
        }
        if done > 0 && done == total {
            fault::point("last_resource");
        }
    }

    async fn line(&self, text: &str) {
        let text = self.clean(text);
        drop(self.runs.log(self.id, &format!("{}\n", text.trim_end_matches('\n'))).await);
    }

    async fn stop_requested(&self) -> bool {
        matches!(self.runs.cancel_requested(self.id).await, Ok(Some(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::file::FileRuns;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn fault_15_lines_never_go_back_in_time() {
        let state = tempfile::tempdir().unwrap();
        let runs: Arc<dyn Runs> = Arc::new(FileRuns::new(state.path()));
        let id = OperationId::fresh();
        runs.create(id, &json!({})).await.unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Arc::new(crate::clock::FixedClock::new(at(5_000)));
        let journal = Journal::new(Arc::clone(&runs), Arc::clone(&clock) as Arc<dyn Clock>, id);
        for second in [5_000, 1_400, 6_000] {
            clock.set(at(second));
            journal.note("step", Value::Null).await.unwrap();
        }
        let (lines, _) = runs.journal(id, 0).await.unwrap();
        let times: Vec<_> = lines.iter().map(|line| line.ts).collect();
        assert_eq!(times, [at(5_000), at(5_000), at(6_000)]);
    }

    #[tokio::test]
    async fn every_line_of_the_log_has_one_end() {
        let state = tempfile::tempdir().unwrap();
        let runs: Arc<dyn Runs> = Arc::new(FileRuns::new(state.path()));
        let id = OperationId::fresh();
        runs.create(id, &json!({})).await.unwrap();
        let journal = Journal::new(Arc::clone(&runs), Arc::new(SystemClock), id);
        for text in ["one", "two\nlines", "ended\n"] {
            journal.line(text).await;
        }
        let (log, _) = runs.read_log(id, 0, 100).await.unwrap();
        assert_eq!(log, "one\ntwo\nlines\nended\n");
    }
}
