//! The Inspector's command line: one process, and one connection, for each request.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::official::{Called, Way};
use super::site::Site;
use crate::mcp::Answer;

/// The Inspector, for one generation of the protocol.
#[derive(Debug)]
pub(super) struct Inspector {
    pub(super) node: PathBuf,
    pub(super) script: PathBuf,
    pub(super) era: &'static str,
    pub(super) way: Way,
    pub(super) site: Site,
}

impl Inspector {
    /// All tools.
    pub(super) fn tools(&self) -> Result<Vec<Value>> {
        let mut answer = self.ask(&["--method", "tools/list"])?;
        match answer.get_mut("tools").map(Value::take) {
            Some(Value::Array(tools)) if !tools.is_empty() => Ok(tools),
            other => bail!("expected tools, got {other:?}"),
        }
    }

    /// Calls a tool.
    pub(super) fn call(&self, tool: &str, arguments: &Value) -> Result<Called> {
        let arguments = arguments.to_string();
        let mut result = self.ask(&[
            "--method",
            "tools/call",
            "--tool-name",
            tool,
            "--tool-args-json",
            &arguments,
        ])?;
        let parts = result.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
        let texts: Vec<&str> =
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
        let answer = Answer {
            is_error: result.get("isError").and_then(Value::as_bool).unwrap_or(false),
            text: texts.join("\n"),
            structured: result.get_mut("structuredContent").map(Value::take).unwrap_or_default(),
        };
        Ok(Called::Answered { answer, progress: Vec::new() })
    }

    fn ask(&self, request: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.node);
        command.arg(&self.script).args(["--cli", "--format", "json", "--quiet"]);
        command.args(["--protocol-era", self.era]).args(request);
        // Nothing of this user's own Inspector is read or written.
        let home = self.site.folder.join("inspector");
        command.env("MCP_CATALOG_PATH", home.join("mcp.json"));
        command.env("MCP_CLIENT_CONFIG_PATH", home.join("client.json"));
        match &self.way {
            Way::Stdio => {
                for (name, value) in self.site.environment()? {
                    command.args(["-e", &format!("{name}={value}")]);
                }
                command.arg("--cwd").arg(&self.site.folder).arg("--");
                command.args(self.site.command(&["serve"]));
            }
            Way::Http { url, token } => {
                let header = format!("Authorization: Bearer {token}");
                command.args(["--transport", "http", "--server-url", url, "--header", &header]);
            }
        }
        let output = command.stdin(Stdio::null()).output().context("starting the Inspector")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        // A tool that reports a failure has an exit code of its own: the answer tells, where there is one.
        let value: Value = serde_json::from_str(&text).with_context(|| {
            format!("the Inspector ended with {}: {text}{errors}", output.status)
        })?;
        Ok(value.get("result").cloned().unwrap_or(value))
    }
}
