//! The official clients, each behind the same few verbs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::site::Site;
use crate::mcp::{Answer, Client};

/// How a client reaches the server.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// It starts `datamcp serve` itself.
    Stdio,
    /// It is told where a server listens, and the token.
    Http { url: String, token: String },
}

/// A program that drives one client library; see `tests/clients`.
#[derive(Debug)]
pub(super) struct Bridge {
    program: Vec<PathBuf>,
    mode: &'static str,
    way: Way,
    log: PathBuf,
    session: Option<Client>,
}

/// What a call came to.
#[derive(Debug)]
pub(super) enum Called {
    /// The tool answered; so many notes of progress came before.
    Answered { answer: Answer, progress: Vec<f64> },
    /// The client stopped waiting.
    GaveUp,
}

impl Bridge {
    /// A client of this kind, not connected yet.
    pub(super) fn new(program: Vec<PathBuf>, mode: &'static str, way: Way, log: &Path) -> Self {
        Self { program, mode, way, log: log.to_path_buf(), session: None }
    }

    /// Connects; returns the revision that was agreed on.
    pub(super) fn open(&mut self, site: &Site) -> Result<String> {
        let [program, arguments @ ..] = self.program.as_slice() else {
            bail!("a client without a program")
        };
        let mut command = Command::new(program);
        command.args(arguments);
        let mut session = Client::start(&mut command, &self.log)?;
        let environment: serde_json::Map<String, Value> =
            site.environment()?.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let mut params = match &self.way {
            Way::Stdio => json!({
                "command": site.command(&["serve"]), "env": environment, "folder": site.folder,
            }),
            Way::Http { url, token } => json!({ "url": url, "token": token }),
        };
        if let Some(fields) = params.as_object_mut() {
            fields.insert("mode".to_owned(), json!(self.mode));
        }
        let hello = session.request("open", &params, &mut |_| {})?;
        if hello.get("server") != Some(&json!("datamcp")) {
            bail!("expected a server that calls itself datamcp, got {hello}");
        }
        self.session = Some(session);
        hello.get("protocol").and_then(Value::as_str).map(str::to_owned).context("no revision")
    }

    /// All tools.
    pub(super) fn tools(&mut self) -> Result<Vec<Value>> {
        let session = self.session.as_mut().context("the client is not connected")?;
        let mut answer = session.request("list", &json!({}), &mut |_| {})?;
        match answer.get_mut("tools").map(Value::take) {
            Some(Value::Array(tools)) if !tools.is_empty() => Ok(tools),
            other => bail!("expected tools, got {other:?}"),
        }
    }

    /// Calls a tool; waits for so many seconds at most.
    pub(super) fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
        patience: Option<f64>,
    ) -> Result<Called> {
        let session = self.session.as_mut().context("the client is not connected")?;
        let mut params = json!({ "tool": tool, "arguments": arguments });
        if let (Some(patience), Some(fields)) = (patience, params.as_object_mut()) {
            fields.insert("give_up_after_s".to_owned(), json!(patience));
        }
        let mut result = session
            .request("call", &params, &mut |_| {})
            .with_context(|| format!("calling {tool} with {arguments}"))?;
        if result.get("gave_up") == Some(&json!(true)) {
            return Ok(Called::GaveUp);
        }
        let notes = result.get("progress").and_then(Value::as_array).cloned().unwrap_or_default();
        let progress = notes.iter().filter_map(|note| note.get("progress")?.as_f64()).collect();
        let answer = Answer {
            is_error: result.get("is_error").and_then(Value::as_bool).unwrap_or(false),
            text: result.get("text").and_then(Value::as_str).unwrap_or_default().to_owned(),
            structured: result.get_mut("structured").map(Value::take).unwrap_or_default(),
        };
        Ok(Called::Answered { answer, progress })
    }

    /// Says good-bye as the client's own library does.
    pub(super) fn close(&mut self) -> Result<()> {
        let mut session = self.session.take().context("the client is not connected")?;
        session.request("close", &json!({}), &mut |_| {})?;
        let status = session.stop()?.context("the client has no process")?;
        if !status.success() {
            bail!("the client's program ended with {status}");
        }
        Ok(())
    }

    /// Vanishes: the program is killed in the middle of whatever it does.
    pub(super) fn vanish(&mut self) {
        self.session = None;
    }
}
