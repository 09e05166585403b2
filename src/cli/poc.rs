//! `datamcp poc`: the first sequence in an account or project of your own, as a script of tool calls. It keeps nothing itself: each step looks
//! how things stand, so a second start goes on where the first one ended.

mod cluster;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::args::Poc;
use super::exit::Exit;
use super::people;
use super::terminal::Terminal;
use super::view::View;
use crate::approval::ApprovalState;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, Backend, Cloud, ClusterAccess, Environment, OperationId, PlanId};
use crate::operation::{Called, World, call, catalog};
use cluster::End;

/// Seconds that one call waits; longer work is waited for again.
const WAIT_S: u64 = 600;
/// What the steps share.
struct Walk<'a> {
    world: &'a World,
    actor: &'a Actor,
    environment: &'a Environment,
    dry_run: bool,
    view: View,
    /// What was warned of so far: each is said once.
    warned: Mutex<BTreeSet<String>>,
}

/// How a step that may change something ended.
enum Step {
    /// It is as it should be; this is what was done, or that nothing had to be.
    Done(String),
    /// A dry run ends here: this would be done.
    Would(String),
}

/// Walks the sequence. Exit code 0: all of it, or all that a dry run can see.
pub(super) async fn run(world: &World, actor: &Actor, poc: &Poc, view: View) -> Result<ExitCode> {
    let environment = world.config.environment(poc.cloud, &poc.env)?;
    let warned = Mutex::default();
    let walk = Walk { world, actor, environment, dry_run: poc.dry_run, view, warned };
    if !poc.dry_run {
        walk.confirm()?;
    }
    walk.all().await
}

impl Walk<'_> {
    async fn all(&self) -> Result<ExitCode> {
        if !self.well().await? {
            return Ok(Exit::Failed.into());
        }
        self.wait_for_what_runs().await?;
        let steps = [
            ("bootstrap_state_backend", "the place of the state"),
            ("apply_terraform", "network, cluster, bucket, roles"),
        ];
        for (tool, what) in steps {
            if tool == "bootstrap_state_backend"
                && !matches!(self.environment.backend, Backend::S3 { .. } | Backend::Gcs { .. })
            {
                self.say(what, "no bucket, so none is made");
                continue;
            }
            match self.change(tool, self.target()).await? {
                Step::Done(how) => self.say(what, &how),
                Step::Would(how) => {
                    self.say(what, &format!("would be made: {how}"));
                    self.end_of_dry_run();
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        self.look_after().await?;
        self.way_in().await?;
        match self.in_the_cluster().await? {
            End::Whole => self.end(),
            End::Dry => self.end_of_dry_run(),
            End::Later(what) => {
                self.say("not yet", &what);
                self.end();
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn say(&self, what: &str, how: &str) {
        self.view.raw(&format!("{what:<34} {how}\n"));
    }

    /// Says what is about to happen, once, and has the environment's name typed.
    fn confirm(&self) -> Result<()> {
        let (key, account) = (&self.environment.key, &self.environment.account);
        let place = match key.cloud {
            Cloud::Aws => "AWS account",
            Cloud::Gcp => "the Google Cloud project",
        };
        let text = format!(
            "\nThis makes real things in {place} {account}, environment {key}: a bucket for the state, then what\n\
             {} describes. A cluster, its nodes and a NAT gateway cost money by the hour until they are destroyed.\n\
             Each change is shown before it is made, and you approve it.\n\ntype `{}` to begin: ",
            self.environment.tree.join(&self.environment.root).display(),
            key.name,
        );
        let typed = Terminal::open()?.ask(&text)?;
        if typed == key.name {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::PolicyDenied,
            format!("beginning on {key}: it was not confirmed"),
        )
        .given(typed)
        .allowed(&key.name))
    }

    /// The quick checks; what is failed is shown, and ends the sequence.
    async fn well(&self) -> Result<bool> {
        let answer = self.call("preflight", self.target()).await?;
        let ok = answer.get("ok") == Some(&Value::Bool(true));
        if ok {
            self.say("preflight", "nothing stands in the way");
        } else {
            self.view.answer("preflight", &answer);
        }
        Ok(ok)
    }

    /// An earlier start may have left work that goes on.
    async fn wait_for_what_runs(&self) -> Result<()> {
        let mut query = self.target();
        if let Some(fields) = query.as_object_mut() {
            fields.insert("limit".into(), json!(20));
        }
        let rows = self.call("list_operations", query).await?;
        for row in rows.get("operations").and_then(Value::as_array).into_iter().flatten() {
            if matches!(text(row, "/status").as_str(), "running" | "queued") {
                let id = text(row, "/id");
                self.say("operation", &format!("{id} still works: waiting for its end"));
                self.end_of(id.parse().map_err(|e| Error::internal("reading an id", e))?).await?;
            }
        }
        Ok(())
    }

    /// One change: planned, shown, approved by the person at this terminal, carried out.
    async fn change(&self, tool: &str, request: Value) -> Result<Step> {
        let plan = match self.open_plan(tool).await? {
            Some(plan) if !self.dry_run => {
                self.say(tool, &format!("goes on with plan {plan} of an earlier start"));
                plan
            }
            _ => {
                let planned = self.call(tool, request).await?;
                let summary = text(&planned, "/summary/text");
                if summary == "no changes" {
                    return Ok(Step::Done("as it should be".into()));
                }
                if self.dry_run {
                    return Ok(Step::Would(summary));
                }
                let plan = text(&planned, "/plan_id");
                plan.parse().map_err(|e| Error::internal("reading a plan's id", e))?
            }
        };
        let mut real = Map::new();
        real.insert("plan_id".into(), json!(plan));
        real.insert("dry_run".into(), json!(false));
        let mut answer = self.call(tool, Value::Object(real.clone())).await?;
        if text(&answer, "/status") == "approval_required" {
            let approval = text(&answer, "/approval/id");
            people::ask(self.world, self.actor, &approval, true).await?;
            answer = self.call(tool, Value::Object(real)).await?;
        }
        match text(&answer, "/status").as_str() {
            "succeeded" => Ok(Step::Done(text(&answer, "/summary/text"))),
            status => {
                Err(Error::new(ErrorCode::UpstreamFailed, format!("{tool} ended as {status}"))
                    .next("`datamcp ops list` shows it; the same command goes on from there"))
            }
        }
    }

    /// A plan of this tool that an earlier start asked a person about, and that still counts.
    async fn open_plan(&self, tool: &str) -> Result<Option<PlanId>> {
        // Releases and applications are many, and a plan does not say here of which it is: those are planned anew.
        if !matches!(tool, "bootstrap_state_backend" | "apply_terraform") {
            return Ok(None);
        }
        let open = self.world.approvals.open(self.world.clock.now()).await?;
        let mine = open.into_iter().rev().find(|record| {
            record.tool == tool
                && record.target.environment() == Some(&self.environment.key)
                && record.requester == self.actor.principal
                && matches!(record.state, ApprovalState::Requested | ApprovalState::Granted(_))
        });
        Ok(mine.map(|record| record.plan))
    }

    /// Outputs, drift, a second plan that is empty, the log.
    async fn look_after(&self) -> Result<()> {
        let outputs = self.call("terraform_outputs", self.target()).await?;
        let count = outputs.get("outputs").and_then(Value::as_object).map_or(0, Map::len);
        self.say("outputs", &format!("{count}"));
        let drift = self.call("detect_drift", self.target()).await?;
        self.say("drift", &text(&drift, "/summary/text"));
        let again = self.call("apply_terraform", self.target()).await?;
        self.say("a second plan", &text(&again, "/summary/text"));
        let report = crate::audit::verify::verify(&self.world.log).await?;
        if let Some(fault) = report.faults.first() {
            let message = format!("the log's chain {} is broken: {}", fault.chain, fault.what);
            return Err(Error::new(ErrorCode::AuditUnavailable, message)
                .next("`datamcp ops verify` lists every fault"));
        }
        self.say("the log holds", &format!("{} events in {} chains", report.events, report.chains));
        Ok(())
    }

    /// A kubeconfig in the project's folder: the person's own stays as it is.
    async fn way_in(&self) -> Result<()> {
        const FILE: &str = "kubeconfig";
        match &self.environment.cluster {
            None => {
                self.say(FILE, "left out: the settings name no `cluster`");
                return Ok(());
            }
            Some(cluster) if cluster.access != ClusterAccess::Managed => {
                self.say(FILE, "left out: it is the settings that lead to the cluster");
                return Ok(());
            }
            Some(_) => {}
        }
        let mut request = self.target();
        if let Some(fields) = request.as_object_mut() {
            fields.insert("path".into(), json!(FILE));
        }
        let answer = self.call("generate_kubeconfig", request).await?;
        let (context, path) = (text(&answer, "/context"), text(&answer, "/path"));
        self.say(FILE, &format!("context {context}; try: kubectl --kubeconfig {path} get nodes"));
        Ok(())
    }

    fn end_of_dry_run(&self) {
        self.view.raw(&format!(
            "\nA dry run: nothing was changed. What comes later can be planned once this is there.\n\
             for real: datamcp --config {} poc {} --env {} --dry-run=false\n",
            self.world.settings_path,
            self.environment.key.cloud.word(),
            self.environment.key.name
        ));
    }

    fn end(&self) {
        let Walk { world, environment, .. } = self;
        self.view.raw(&format!(
            "\n\
             to take it away (the bucket of the state stays):\n  \
             datamcp --config {0} destroy-terraform --cloud {2} --env {1}\n  \
             datamcp --config {0} destroy-terraform --plan-id ID --dry-run=false     # asks for the approval, then again\n",
            world.settings_path,
            environment.key.name,
            environment.key.cloud.word()
        ));
    }

    fn target(&self) -> Value {
        let key = &self.environment.key;
        json!({ "cloud": key.cloud.word(), "env": key.name })
    }

    /// Calls a tool and waits for the end, however long; what it refuses or fails is an error.
    async fn call(&self, tool: &str, request: Value) -> Result<Value> {
        let tool = catalog::find(tool)
            .ok_or_else(|| Error::internal("calling a tool", format!("there is no {tool}")))?;
        let bar = self.view.progress();
        let Called { mut answer, .. } =
            call::call(self.world, self.actor, tool, request, &mut |p| bar.show(p)).await;
        bar.clear();
        while matches!(text(&answer, "/status").as_str(), "running" | "queued") {
            let id = text(&answer, "/operation_id");
            answer =
                self.end_of(id.parse().map_err(|e| Error::internal("reading an id", e))?).await?;
        }
        self.warn(&answer);
        match answer.get("error").filter(|error| error.is_object()) {
            Some(error) => Err(serde_json::from_value(error.clone())
                .unwrap_or_else(|e| Error::internal("reading an answer", e))),
            None => Ok(answer),
        }
    }

    /// What an answer warns of, whether it is what was wished for or not.
    fn warn(&self, answer: &Value) {
        for warning in answer.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            let warning = warning.as_str().unwrap_or_default();
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.insert(warning.to_owned()) {
                self.say("warning", warning);
            }
        }
    }

    async fn end_of(&self, id: OperationId) -> Result<Value> {
        let bar = self.view.progress();
        let limit = std::time::Duration::from_secs(WAIT_S);
        let answer = call::outcome(self.world, id, limit, &mut |p| bar.show(p)).await;
        bar.clear();
        answer
    }
}

fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
