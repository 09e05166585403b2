//! What every client does: list, call every tool with its defaults, change with approval, leave and come back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Walk;
use super::ground::Ground;
use super::inspector::Inspector;
use super::official::{Bridge, Called};
use super::requests::requests;
use super::site::Site;
use crate::lab::Inventory;
use crate::mcp::Answer;

/// Answers that say that the work goes on.
const UNFINISHED: [&str; 2] = ["queued", "running"];

/// Tools that are no reading and have no dry run: a file of the user's own, the end of an operation.
const BESIDE: [&str; 2] = ["generate_kubeconfig", "cancel_operation"];

/// A client on the walk.
#[derive(Debug)]
pub(super) enum Walker {
    /// A library behind a program of ours.
    Bridge(Box<Bridge>),
    /// The Inspector's command line.
    Inspector(Box<Inspector>),
}

impl Walker {
    fn tools(&mut self) -> Result<Vec<Value>> {
        match self {
            Self::Bridge(bridge) => bridge.tools(),
            Self::Inspector(inspector) => inspector.tools(),
        }
    }

    /// Says good-bye.
    pub(super) fn close(&mut self) -> Result<String> {
        match self {
            Self::Bridge(bridge) => bridge.close().map(|()| String::new()),
            Self::Inspector(_) => Ok(String::new()),
        }
    }

    /// Calls a tool and waits for its answer.
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Result<(Answer, Vec<f64>)> {
        let called = match self {
            Self::Bridge(bridge) => bridge.call(tool, arguments, None)?,
            Self::Inspector(inspector) => inspector.call(tool, arguments)?,
        };
        match called {
            Called::Answered { answer, progress } => Ok((answer, progress)),
            Called::GaveUp => bail!("{tool}: the client gave up"),
        }
    }

    /// Calls a tool and follows its operation to the end.
    fn settle(&mut self, tool: &str, arguments: &Value) -> Result<Answer> {
        let (mut answer, _) = self.call(tool, arguments)?;
        while UNFINISHED.contains(&answer.status()) {
            let id = answer.text_at("/operation_id").or_else(|| answer.text_at("/id"));
            let wait = json!({ "id": id.context("no operation_id")?, "wait_s": 45 });
            let (mut later, _) = self.call("get_operation", &wait)?;
            let status = later.structured.get("status").cloned();
            if let Some(result @ Value::Object(_)) =
                later.structured.get_mut("result").map(Value::take)
            {
                later.structured = result;
                if let (Some(status), Some(fields)) = (status, later.structured.as_object_mut()) {
                    fields.entry("status").or_insert(status);
                }
            }
            answer = later;
        }
        Ok(answer)
    }
}

/// Every tool of the list, called with what it needs and its defaults: each answers in its schema, each that can change
/// something has planned it, and nothing is changed.
pub(super) fn promise_1_defaults_change_nothing(
    walker: &mut Walker,
    ground: &Ground,
    site: &Site,
    walk: Walk,
    expected: &BTreeSet<String>,
) -> Result<String> {
    let env = if walk == Walk::Whole { "dev" } else { "slow" };
    let before = ground.look()?;
    let tools = walker.tools()?;
    let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
    let listed: BTreeSet<String> = tools.iter().filter_map(name).collect();
    ensure!(listed == *expected, "expected the tools {expected:?}, got {listed:?}");
    let (mut known, mut planned) = (String::new(), 0);
    for tool in &tools {
        let fields = tool.pointer("/inputSchema/properties").context("a tool without a schema")?;
        ensure!(tool.get("outputSchema").is_some(), "a tool without an output schema: {tool}");
        let name = name(tool).context("a tool without a name")?;
        let plans = fields.get("dry_run").is_some();
        let reads = tool.pointer("/annotations/readOnlyHint") == Some(&json!(true));
        ensure!(
            plans || reads || BESIDE.contains(&name.as_str()),
            "{name} changes something and has no dry run"
        );
        for request in requests(&name, site, walk, env, &known)? {
            let answer = walker.settle(&name, &request)?;
            let what = format!("{name} {request}");
            ensure!(answer.structured.is_object(), "{what}: no structured answer: {}", answer.text);
            let code = answer.text_at("/error/code");
            ensure!(answer.is_error == code.is_some(), "{what}: {}", answer.brief());
            if name == "cancel_operation" {
                ensure!(code == Some("invalid_request"), "{what}: {}", answer.brief());
                continue;
            }
            ensure!(code.is_none(), "{what}: {}", answer.brief());
            if plans {
                ensure!(answer.status() == "planned", "{what}: {}", answer.brief());
                let id = answer.text_at("/operation_id").context("no operation_id")?;
                id.clone_into(&mut known);
                planned += 1;
            }
        }
    }
    let now = ground.look()?;
    before.is_still(&now)?;
    Ok(format!("{} tools, {planned} plans, {} things unchanged", tools.len(), now.number()))
}

/// What a model gets wrong is a tool result that it can act on; an unknown tool is a fault of the protocol.
pub(super) fn bad_inputs_8_9_and_107(walker: &mut Walker) -> Result<String> {
    // The Inspector itself makes a boolean of "false", by the schema, before it sends anything.
    let typed = match walker {
        Walker::Bridge(_) => {
            (json!({ "cloud": "aws", "env": "dev", "dry_run": "false" }), "dry_run")
        }
        Walker::Inspector(_) => (json!({ "cloud": "aws", "env": 7 }), "env"),
    };
    let unknown = json!({ "cloud": "aws", "env": "dev", "enviroment": "dev" });
    for (request, field) in [(unknown, "enviroment"), typed] {
        let (answer, _) = walker.call("apply_terraform", &request)?;
        ensure!(answer.is_error, "{request}: {}", answer.brief());
        let seen = [answer.text_at("/error/code"), answer.text_at("/error/field")];
        ensure!(seen == [Some("invalid_request"), Some(field)], "{request}: {}", answer.brief());
    }
    match walker.call("aply_terraform", &json!({})) {
        // The Inspector looks the name up in the list that it was given, and sends nothing.
        Err(error)
            if matches!(walker, Walker::Inspector(_))
                && format!("{error:#}").contains("tool_not_found") =>
        {
            Ok("107 is answered by the Inspector itself".to_owned())
        }
        Err(error) if format!("{error:#}").contains("apply_terraform") => Ok(String::new()),
        Err(error) => Err(error.context("an unknown tool, without a suggestion")),
        Ok((answer, _)) => bail!("an unknown tool answered: {}", answer.brief()),
    }
}

/// Plan, approval by a person, the approved plan, and back: buckets of both kinds come and go.
pub(super) fn change(walker: &mut Walker, site: &Site) -> Result<String> {
    let emulator = site.lab.emulator();
    let before = emulator.inventory()?;
    approved(walker, site, "bootstrap_state_backend", "new")?;
    let made = emulator.inventory()?.buckets.contains(&site.state_bucket());
    ensure!(made, "the emulator has no bucket {}", site.state_bucket());
    emulator.delete_bucket(&site.state_bucket())?;
    let notes = approved(walker, site, "apply_terraform", "dev")?;
    let made = emulator.inventory()?.buckets.contains(&site.data_bucket());
    ensure!(made, "the emulator has no bucket {}", site.data_bucket());
    let target = json!({ "cloud": "aws", "env": "dev" });
    let outputs = walker.settle("terraform_outputs", &target)?;
    let named = outputs.structured.to_string().contains(&site.data_bucket());
    ensure!(named, "expected the bucket among the outputs, got {}", outputs.brief());
    let drift = walker.settle("detect_drift", &target)?;
    ensure!(!drift.is_error && drift.status() == "succeeded", "detect_drift: {}", drift.brief());
    approved(walker, site, "destroy_terraform", "dev")?;
    unchanged(site, &before)?;
    Ok(format!("made, read, looked at and taken away; {notes} notes of progress"))
}

/// The three steps of a change. Returns how many notes of progress the last one had.
fn approved(walker: &mut Walker, site: &Site, tool: &str, env: &str) -> Result<usize> {
    let before = site.lab.emulator().inventory()?;
    let planned = walker.settle(tool, &json!({ "cloud": "aws", "env": env }))?;
    ensure!(planned.status() == "planned", "{tool}: {}", planned.brief());
    let plan = planned.text_at("/plan_id").context("no plan_id")?.to_owned();
    let for_real = json!({ "plan_id": plan, "dry_run": false });
    let asked = walker.settle(tool, &for_real)?;
    ensure!(asked.status() == "approval_required", "{tool}: {}", asked.brief());
    unchanged(site, &before)?;
    site.approve(asked.text_at("/approval/id").context("no approval.id")?)?;
    let (answer, progress) = walker.call(tool, &for_real)?;
    ensure!(progress.is_sorted_by(|a, b| a < b), "{tool}: progress went {progress:?}");
    let shows = matches!(walker, Walker::Bridge(_)) && tool != "bootstrap_state_backend";
    ensure!(!shows || !progress.is_empty(), "{tool}: the client saw no progress");
    let done = if UNFINISHED.contains(&answer.status()) {
        let id = answer.text_at("/operation_id").context("no operation_id")?;
        walker.settle("get_operation", &json!({ "id": id, "wait_s": 45 }))?
    } else {
        answer
    };
    ensure!(done.status() == "succeeded", "{tool}: {}", done.brief());
    Ok(progress.len())
}

/// A client that stops waiting, and one that vanishes: the work goes on until it is told to stop.
pub(super) fn faults_3_and_4(walker: &mut Walker, site: &Site) -> Result<String> {
    let tool = "apply_terraform";
    let planned = walker.settle(tool, &json!({ "cloud": "aws", "env": "slow" }))?;
    let plan = planned.text_at("/plan_id").context("no plan_id")?.to_owned();
    let for_real = json!({ "plan_id": plan, "dry_run": false });
    let asked = walker.settle(tool, &for_real)?;
    site.approve(asked.text_at("/approval/id").context("no approval.id")?)?;
    let Walker::Bridge(bridge) = walker else { bail!("a client that cannot stop waiting") };
    let called = bridge.call(tool, &for_real, Some(3.0))?;
    ensure!(matches!(called, Called::GaveUp), "the call ended within 3 s: {called:?}");
    let id = running(walker)?;
    let Walker::Bridge(bridge) = walker else { bail!("a client that cannot vanish") };
    bridge.vanish();
    std::thread::sleep(Duration::from_millis(500));
    bridge.open(site)?;
    let still = running(walker)?;
    ensure!(still == id, "expected operation {id}, got {still}");
    let (cancel, _) = walker.call("cancel_operation", &json!({ "id": id }))?;
    ensure!(!cancel.is_error, "cancel_operation: {}", cancel.brief());
    let (ended, _) = walker.call("get_operation", &json!({ "id": id, "wait_s": 45 }))?;
    ensure!(ended.status() == "cancelled", "expected a cancelled operation: {}", ended.brief());
    Ok("the client gave up, then vanished; the apply went on until it was cancelled".to_owned())
}

/// The one operation of `slow` that runs.
fn running(walker: &mut Walker) -> Result<String> {
    let filter = json!({ "cloud": "aws", "env": "slow", "status": "running" });
    let (rows, _) = walker.call("list_operations", &filter)?;
    let id = rows.text_at("/operations/0/id").map(str::to_owned);
    id.with_context(|| format!("expected a running operation: {}", rows.brief()))
}

fn unchanged(site: &Site, before: &Inventory) -> Result<()> {
    let now = site.lab.emulator().inventory()?;
    ensure!(now == *before, "expected what was there before, {before:?}, got {now:?}");
    Ok(())
}
