//! A raw MCP client: JSON-RPC lines over a child's standard streams, written against the specification.
//!
//! It shares nothing with the server under test, so a mistake on one side cannot hide behind the same
//! mistake on the other. It speaks revision 2025-11-25 and offers no client capabilities.

mod answer;

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

pub use self::answer::{Answer, Progress};
use crate::child;

/// The revision that is asked for.
pub const REVISION: &str = "2025-11-25";
/// How long an answer may take: longer than any `wait_s` a test uses.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long a server may take to end once its input is closed.
const FAREWELL: Duration = Duration::from_secs(10);

/// A connection to one server.
pub struct Client {
    to_server: Option<Box<dyn Write + Send>>,
    from_server: Receiver<String>,
    next_id: u64,
    patience: Duration,
    process: Option<Process>,
}

/// The server's process, where we started it.
#[derive(Debug)]
struct Process {
    child: Child,
    stderr: PathBuf,
}

impl Client {
    /// Starts a server; what it writes to stderr goes to a file.
    pub fn start(command: &mut Command, stderr: &Path) -> Result<Self> {
        let log = File::create(stderr).with_context(|| format!("making {}", stderr.display()))?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let stdin = child.stdin.take().context("the server's stdin")?;
        let stdout = child.stdout.take().context("the server's stdout")?;
        let mut client = Self::over(stdout, stdin);
        client.process = Some(Process { child, stderr: stderr.to_path_buf() });
        Ok(client)
    }

    /// A client over any two streams.
    pub fn over(from: impl Read + Send + 'static, to: impl Write + Send + 'static) -> Self {
        let (sender, from_server) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let to_server: Option<Box<dyn Write + Send>> = Some(Box::new(to));
        Self { to_server, from_server, next_id: 1, patience: PATIENCE, process: None }
    }

    /// Waits this long for each answer instead of three minutes.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The pid of the server, where this client started it.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }

    /// Opens the session; returns what the server says of itself.
    pub fn initialize(&mut self) -> Result<Value> {
        let hello = json!({
            "protocolVersion": REVISION,
            "capabilities": {},
            "clientInfo": { "name": "datamcp-xtask", "version": env!("CARGO_PKG_VERSION") },
        });
        let answer = self.request("initialize", &hello, &mut |_| {})?;
        if answer.get("protocolVersion") != Some(&json!(REVISION)) {
            bail!("initialize: expected protocolVersion {REVISION}, got {answer}");
        }
        self.notify("notifications/initialized", &json!({}))?;
        Ok(answer)
    }

    /// All tools, page by page.
    pub fn tools(&mut self) -> Result<Vec<Value>> {
        let mut tools = Vec::new();
        let mut params = json!({});
        loop {
            let mut page = self.request("tools/list", &params, &mut |_| {})?;
            match page.get_mut("tools").map(Value::take) {
                Some(Value::Array(more)) => tools.extend(more),
                other => bail!("tools/list: expected an array of tools, got {other:?}"),
            }
            match page.get("nextCursor").filter(|cursor| !cursor.is_null()) {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(tools),
            }
        }
    }

    /// Calls a tool; `watch` sees its progress.
    pub fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Answer> {
        let token = format!("progress-{}", self.next_id);
        let params = json!({
            "name": tool,
            "arguments": arguments,
            "_meta": { "progressToken": token },
        });
        let mut result = self.request("tools/call", &params, watch)?;
        let text = result
            .get("content")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n");
        Ok(Answer {
            is_error: result.get("isError").and_then(Value::as_bool).unwrap_or(false),
            structured: result.get_mut("structuredContent").map(Value::take).unwrap_or_default(),
            text,
        })
    }

    /// Sends a request and waits for its result; a JSON-RPC error is an error.
    pub fn request(
        &mut self,
        method: &str,
        params: &Value,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Value> {
        let id = self.begin(method, params)?;
        self.finish(method, id, watch)
    }

    /// Sends a request without waiting for its result; returns its id.
    pub fn begin(&mut self, method: &str, params: &Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        Ok(id)
    }

    /// Waits for the result of a request that was sent before.
    pub fn finish(
        &mut self,
        method: &str,
        id: u64,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Value> {
        let deadline = Instant::now() + self.patience;
        loop {
            let mut message = self.receive(deadline).with_context(|| format!("{method} {id}"))?;
            if message.get("method").is_some() {
                self.serve(&message, watch)?;
            } else if message.get("id") == Some(&json!(id)) {
                if let Some(error) = message.get("error") {
                    bail!("{method}: JSON-RPC error {error}");
                }
                return match message.get_mut("result") {
                    Some(result) => Ok(result.take()),
                    None => bail!("{method}: neither result nor error in {message}"),
                };
            }
        }
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: &Value) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Closes the server's input and waits for its end.
    pub fn stop(mut self) -> Result<Option<ExitStatus>> {
        self.to_server = None;
        let Some(mut process) = self.process.take() else {
            return Ok(None);
        };
        let started = Instant::now();
        while started.elapsed() < FAREWELL {
            if let Some(status) = process.child.try_wait().context("waiting for the server")? {
                return Ok(Some(status));
            }
            thread::sleep(Duration::from_millis(10));
        }
        process.child.kill().context("ending the server")?;
        process.child.wait().context("ending the server")?;
        bail!("the server ran on for {} s after its input was closed", FAREWELL.as_secs())
    }

    /// Kills the server without a farewell, as a crash would.
    pub fn kill(mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.child.kill().context("killing the server")?;
            process.child.wait().context("killing the server")?;
        }
        Ok(())
    }

    /// Answers what the server asks of us: a ping; everything else is a method that we do not have.
    fn serve(&mut self, message: &Value, watch: &mut dyn FnMut(&Progress)) -> Result<()> {
        let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
        match (method, message.get("id")) {
            ("ping", Some(id)) => self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": {} })),
            (_, Some(id)) => {
                let error = json!({ "code": -32601, "message": "this client has no such method" });
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
            }
            ("notifications/progress", None) => {
                if let Some(params) = message.get("params") {
                    watch(&Progress::of(params));
                }
                Ok(())
            }
            (_, None) => Ok(()),
        }
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let to = self.to_server.as_mut().context("the server's input is closed")?;
        let line = format!("{message}\n");
        match to.write_all(line.as_bytes()).and_then(|()| to.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(self.gone()),
            Err(error) => Err(error).context("writing to the server"),
        }
    }

    fn receive(&self, deadline: Instant) -> Result<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.from_server.recv_timeout(left) {
            Ok(line) => serde_json::from_str(&line)
                .with_context(|| format!("the server wrote a line that is not JSON: {line}")),
            Err(RecvTimeoutError::Timeout) => bail!("no answer in {} s", self.patience.as_secs()),
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
        }
    }

    /// The server has closed a stream: what it left in its log says most.
    fn gone(&self) -> anyhow::Error {
        match &self.process {
            Some(process) => {
                let log = child::tail(&process.stderr);
                anyhow!("the server closed its streams; its log ends with\n{log}")
            }
            None => anyhow!("the server closed its streams"),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Reached on the way out of an error: a server without its client is of no use.
        if let Some(process) = &mut self.process {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("process", &self.process).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
