//! The steps of the demo, and what each expects of the server, the cloud and the person.

mod application;
mod cluster;
mod ground;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::ground::Ground;
use super::{Cloud, expect};
use crate::lab::Lab;
use crate::mcp::{Answer, Client, Progress};
use crate::person::Person;
use crate::report::Ticker;

/// The tools that the demo calls.
const TOOLS: [&str; 18] = [
    "preflight",
    "list_environments",
    "bootstrap_state_backend",
    "detect_drift",
    "apply_terraform",
    "destroy_terraform",
    "terraform_outputs",
    "get_operation",
    "argo_app_status",
    "argo_create_app",
    "argo_delete_app",
    "argo_sync",
    "generate_kubeconfig",
    "helm_deploy",
    "helm_rollback",
    "helm_status",
    "helm_uninstall",
    "list_operations",
];

/// What the steps share.
pub(super) struct Play {
    lab: Lab,
    program: PathBuf,
    folder: PathBuf,
    /// The cloud whose environment is built up and taken down.
    ground: Box<dyn Ground>,
    client: Option<Client>,
    plan_id: String,
    approval_id: String,
    /// What a drift has to name.
    changed: &'static str,
}

impl Play {
    pub(super) fn prepare(cloud: Cloud, lab: Lab, program: PathBuf, folder: &Path) -> Result<Self> {
        let ground: Box<dyn Ground> = match cloud {
            Cloud::Aws => Box::new(ground::Aws::of(&lab)?),
            Cloud::Gcp => Box::new(ground::Google::of(&lab)?),
        };
        Ok(Self {
            lab,
            program,
            folder: folder.to_path_buf(),
            ground,
            client: None,
            plan_id: String::new(),
            approval_id: String::new(),
            changed: "",
        })
    }

    /// Starts the server with an environment of its own.
    pub(super) fn start(&mut self) -> Result<String> {
        let mut command = self.command(&["serve"])?;
        command.envs(self.ground.variables());
        let log = self.folder.join("server.log");
        let mut client = Client::start(&mut command, &log)?;
        let hello = client.initialize()?;
        let tools = client.tools()?;
        for wanted in TOOLS {
            let there = tools.iter().any(|tool| tool.get("name") == Some(&json!(wanted)));
            expect(there, &format!("the tool {wanted}"), || json!(tools).to_string())?;
        }
        self.client = Some(client);
        let name = hello.pointer("/serverInfo/name").and_then(Value::as_str).unwrap_or_default();
        Ok(format!("{name}, {} tools", tools.len()))
    }

    /// Closes the server's input; it must end by itself.
    pub(super) fn stop(&mut self) -> Result<String> {
        let client = self.client.take().context("the server is not running")?;
        let status = client.stop()?.context("the server has no process")?;
        expect(status.success(), "exit status 0", || status.to_string())?;
        Ok(status.to_string())
    }

    pub(super) fn preflight(&mut self, ticker: &Ticker) -> Result<String> {
        let target = self.target();
        let answer = self.call("preflight", &target, ticker)?;
        let checks = answer.structured.get("checks").and_then(Value::as_array).map(Vec::len);
        Ok(checks.map(|number| format!("{number} checks")).unwrap_or_default())
    }

    pub(super) fn environments(&mut self, ticker: &Ticker) -> Result<String> {
        let answer = self.call("list_environments", &json!({}), ticker)?;
        let (cloud, env) = self.ground.target();
        let text = answer.structured.to_string();
        let there = text.contains(&format!("\"{cloud}\"")) && text.contains(&format!("\"{env}\""));
        expect(there, &format!("the environment {cloud}/{env}"), || answer.brief())?;
        Ok(format!("{cloud}/{env}"))
    }

    /// A dry run: a plan with changes, and nothing else.
    pub(super) fn plan(&mut self, tool: &str, ticker: &Ticker) -> Result<String> {
        self.plan_of(tool, &self.target(), ticker)
    }

    /// The same with another request.
    pub(super) fn plan_of(
        &mut self,
        tool: &str,
        request: &Value,
        ticker: &Ticker,
    ) -> Result<String> {
        let answer = self.call(tool, request, ticker)?;
        expect(answer.status() == "planned", "status planned", || answer.brief())?;
        let [add, change, destroy, replace] = counts(&answer)?;
        let counted = match tool {
            "destroy_terraform" | "helm_uninstall" | "argo_delete_app" => destroy,
            "apply_terraform" | "bootstrap_state_backend" => add,
            _ => add + change + destroy + replace,
        };
        expect(counted > 0, "a plan with changes", || answer.brief())?;
        let plan_id = answer.text_at("/plan_id").context("the answer has no plan_id")?;
        plan_id.clone_into(&mut self.plan_id);
        Ok(format!("{add} to add, {change} to change, {destroy} to destroy, {replace} to replace"))
    }

    /// The plan, for real, before anybody approved it.
    pub(super) fn ask(&mut self, tool: &str, ticker: &Ticker) -> Result<String> {
        let answer = self.call(tool, &self.for_real(), ticker)?;
        expect(answer.status() == "approval_required", "status approval_required", || {
            answer.brief()
        })?;
        let id = answer.text_at("/approval/id").context("the answer has no approval.id")?;
        id.clone_into(&mut self.approval_id);
        let how = answer.text_at("/approval/how").unwrap_or_default().to_owned();
        expect(!how.is_empty(), "approval.how to say how to approve", || answer.brief())?;
        Ok(how)
    }

    /// The person: you, where this is a terminal, else somebody played by the demo.
    pub(super) fn approve(&mut self, ticker: &Ticker) -> Result<String> {
        let id = self.approval_id.clone();
        if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            ticker.pause();
            println!("\n  now it is on you: `datamcp approve {id}`\n");
            let status = self.command(&["approve", &id])?.status().context("starting datamcp")?;
            println!();
            expect(status.success(), "your approval, exit status 0", || status.to_string())?;
            return Ok("by you".to_owned());
        }
        ticker.tell("no terminal here: the demo plays the person on a pseudo-terminal");
        let config = self.config()?;
        let arguments = ["--config", &config, "approve", &id];
        let surroundings = self.surroundings()?;
        let person = Person::sit_down(&self.program, &arguments, &surroundings, &self.lab.project)?;
        let (word, ending) = person.approve()?;
        expect(ending.code == 0, "exit code 0", || format!("{}\n{}", ending.code, ending.text))?;
        Ok(format!("played: typed {word}"))
    }

    /// The same call again, now approved.
    pub(super) fn carry_out(&mut self, tool: &str, ticker: &Ticker) -> Result<String> {
        let answer = self.call(tool, &self.for_real(), ticker)?;
        expect(answer.status() == "succeeded", "status succeeded", || answer.brief())?;
        let [add, change, destroy, replace] = counts(&answer)?;
        Ok(format!("{add} added, {change} changed, {destroy} destroyed, {replace} replaced"))
    }

    pub(super) fn outputs(&mut self, ticker: &Ticker) -> Result<String> {
        let target = self.target();
        let answer = self.call("terraform_outputs", &target, ticker)?;
        let outputs = answer.structured.get("outputs");
        let number = match outputs {
            Some(Value::Object(outputs)) => outputs.len(),
            Some(Value::Array(outputs)) => outputs.len(),
            _ => 0,
        };
        expect(number > 0, "outputs", || answer.brief())?;
        Ok(format!("{number} outputs"))
    }

    /// What has been applied needs no change.
    pub(super) fn nothing_to_do(&mut self, ticker: &Ticker) -> Result<String> {
        let target = self.target();
        let answer = self.call("apply_terraform", &target, ticker)?;
        expect(answer.status() == "planned", "status planned", || answer.brief())?;
        expect(counts(&answer)? == [0; 4], "a plan without changes", || answer.brief())?;
        Ok("no changes".to_owned())
    }

    pub(super) fn operations(&mut self, ticker: &Ticker) -> Result<String> {
        let mut found = 0;
        for tool in ["apply_terraform", "destroy_terraform", "helm_deploy", "argo_sync"] {
            let answer = self.call("list_operations", &json!({ "tool": tool }), ticker)?;
            let rows = answer.structured.get("operations").and_then(Value::as_array);
            let rows = rows.map_or(0, Vec::len);
            expect(rows > 0, &format!("rows of {tool}"), || answer.brief())?;
            found += rows;
        }
        Ok(format!("{found} rows of 4 tools"))
    }

    /// The log's own check, on the command line as a person would run it.
    pub(super) fn verify(&self) -> Result<String> {
        let output = self.command(&["ops", "verify"])?.output().context("starting datamcp")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        expect(output.status.success(), "exit status 0", || {
            format!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr))
        })?;
        Ok(text.lines().last().unwrap_or_default().to_owned())
    }

    /// The cloud, asked from outside.
    pub(super) fn ground(&self) -> &dyn Ground {
        self.ground.as_ref()
    }

    /// Somebody changes something behind terraform's back.
    pub(super) fn change_by_hand(&mut self) -> Result<String> {
        let (named, what) = self.ground.change_by_hand()?;
        self.changed = named;
        Ok(what)
    }

    pub(super) fn drift(&mut self, ticker: &Ticker) -> Result<String> {
        let target = self.target();
        let answer = self.call("detect_drift", &target, ticker)?;
        let found = answer.text_at("/summary/resources/0/address").unwrap_or_default().to_owned();
        expect(found.contains(self.changed), "what was changed by hand", || answer.brief())?;
        Ok(found)
    }

    /// Calls a tool and waits for its operation's end; a failure that the tool reports is an error.
    fn call(&mut self, tool: &str, arguments: &Value, ticker: &Ticker) -> Result<Answer> {
        let client = self.client.as_mut().context("the server is not running")?;
        let mut watch = |progress: &Progress| ticker.tell(&progress.message);
        let mut answer = client.call(tool, arguments, &mut watch)?;
        while !answer.is_error && ["queued", "running"].contains(&answer.status()) {
            let id = answer.text_at("/operation_id").context("the answer has no operation_id")?;
            let wait = json!({ "id": id, "wait_s": 45 });
            answer = settled(client.call("get_operation", &wait, &mut watch)?);
        }
        if answer.is_error {
            bail!("{tool}: expected an answer, got the error {}", answer.brief());
        }
        Ok(answer)
    }

    /// The request that names the environment.
    fn target(&self) -> Value {
        let (cloud, env) = self.ground.target();
        json!({ "cloud": cloud, "env": env })
    }

    fn for_real(&self) -> Value {
        json!({ "dry_run": false, "plan_id": self.plan_id })
    }

    fn config(&self) -> Result<String> {
        let file = self.lab.project.join("datamcp.toml");
        file.into_os_string().into_string().ok().context("a path that is not UTF-8")
    }

    /// The environment of server and person: nothing of ours but what everybody has.
    fn surroundings(&self) -> Result<Vec<(String, String)>> {
        let state = self.folder.join("state");
        let mut pairs = vec![("XDG_STATE_HOME".to_owned(), state.display().to_string())];
        for name in ["HOME", "PATH"] {
            let value = std::env::var(name).with_context(|| format!("reading {name}"))?;
            pairs.push((name.to_owned(), value));
        }
        Ok(pairs)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(["--config", &self.config()?]).args(arguments);
        command.current_dir(&self.lab.project).env_clear().envs(self.surroundings()?);
        if let Some(kind) = std::env::var_os("TERM") {
            command.env("TERM", kind);
        }
        Ok(command)
    }
}

/// The four numbers of a summary.
fn counts(answer: &Answer) -> Result<[u64; 4]> {
    let mut numbers = [0; 4];
    for (number, kind) in numbers.iter_mut().zip(["add", "change", "destroy", "replace"]) {
        let found = answer.structured.pointer(&format!("/summary/{kind}")).and_then(Value::as_u64);
        *number = match found {
            Some(found) => found,
            None => bail!("expected a number at summary.{kind}, got {}", answer.brief()),
        };
    }
    Ok(numbers)
}

/// An operation's answer as the tool itself would have given it.
fn settled(mut answer: Answer) -> Answer {
    let status = answer.structured.get("status").cloned();
    if let Some(result @ Value::Object(_)) = answer.structured.get_mut("result").map(Value::take) {
        answer.structured = result;
        if let (Some(status), Some(fields)) = (status, answer.structured.as_object_mut()) {
            fields.entry("status").or_insert(status);
        }
    }
    answer
}

#[cfg(test)]
mod tests;
