//! `bootstrap_state_backend`: make, check and repair the place where an environment keeps its Terraform state.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{ChangeAnswer, Summary};
use super::catalog::{self, Kind, Tool};
use super::request::{self, Ask};
use super::terraform::PLAN_MINUTES;
use super::{Computed, Done, LongOperation, Scene, World, WriteOperation};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{
    Action, Backend, Binding, ChangeSet, Cloud, Digest, Effect, Environment, Intent, Meaning,
    Outcome, PlanId, PlanRecord, ResourceChange, Target,
};
use crate::permit::Permit;
use crate::port::{Caller, Findings, Setting, Watch};

/// Own fields of `bootstrap_state_backend`; the terms are those of every mutating tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct BootstrapRequest {
    /// Cloud of the environment. Needed unless `plan_id` is given.
    pub cloud: Option<Cloud>,
    /// Environment. As `list_environments` shows it; needed unless `plan_id` is given.
    pub env: Option<String>,
}

struct Bootstrap;

#[async_trait]
impl LongOperation for Bootstrap {
    fn parse(&self, raw: &Value) -> Result<Ask> {
        let (own, ask): (BootstrapRequest, Ask) = request::read_change(raw)?;
        let key = request::key(own.cloud, own.env, ask.terms.plan_id)?;
        Ok(Ask { key, ..ask })
    }

    async fn inspect(
        &self,
        _world: &World,
        environment: &Environment,
        _ask: &Ask,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let why = match (&environment.backend, environment.key.cloud) {
            (Backend::S3 { .. }, _) | (Backend::Gcs { .. }, Cloud::Gcp) => {
                return Ok((Vec::new(), Vec::new()));
            }
            (Backend::Local { path }, _) => {
                format!("the file {}, which needs no bootstrap", path.display())
            }
            (Backend::Gcs { bucket, .. }, _) => {
                format!("in gs://{bucket}, which an environment of Google Cloud makes")
            }
            (Backend::Cloud { hostname, organization, workspace, .. }, _) => {
                format!("in {hostname}/{organization}/{workspace}, which is made there")
            }
        };
        Err(Error::new(
            ErrorCode::InvalidRequest,
            format!("bootstrapping {}: its state is {why}", environment.key),
        )
        .field("env")
        .allowed("an environment with its state in s3, or one of Google Cloud with it in gcs"))
    }
}

/// What would be done about what was found.
fn changes(findings: &Findings) -> ChangeSet {
    let of = |s: &Setting| {
        s.action.map(|action| ResourceChange {
            address: format!("{}#{}", findings.place, s.name),
            kind: match s.name.as_str() {
                name if name.starts_with("lock_table") => "dynamodb_lock_table",
                _ if findings.place.starts_with("gs://") => "gcs_state_bucket",
                _ => "s3_state_bucket",
            }
            .into(),
            action,
        })
    };
    ChangeSet {
        resources: findings.settings.iter().filter_map(of).collect(),
        ..ChangeSet::default()
    }
}

fn describe(findings: &Findings) -> String {
    let line = |s: &Setting| match s.action {
        None => format!("  ok      {:<22} {}", s.name, s.seen),
        Some(action) => format!("  {:<7} {:<22} {} -> {}", action.word(), s.name, s.seen, s.wanted),
    };
    let mut lines = vec![findings.place.clone()];
    lines.extend(findings.settings.iter().map(line));
    lines.extend(findings.notes.iter().map(|note| format!("  note    {note}")));
    lines.join("\n")
}

fn bind(scene: &Scene<'_>, findings: &[u8], caller: &Caller) -> Binding {
    Binding {
        plan_file: Digest::of(findings),
        plan_json: Digest::of(findings),
        target: Target::Environment(scene.environment.key.clone()),
        environment: scene.environment.digest(),
        account: caller.account.clone(),
        requester: scene.run.actor.principal.clone(),
        meaning: Meaning::Facts(BTreeMap::from([(
            "state backend".to_owned(),
            scene.environment.backend.identity(),
        )])),
    }
}

async fn observe(scene: &Scene<'_>) -> Result<(Findings, Vec<u8>)> {
    let session = scene.run.operation.to_string();
    let findings = scene.world.state_backend.observe(&scene.environment, &session).await?;
    // What is only said about it is no part of the change: a permission that was given since is welcome.
    let change = Findings { notes: Vec::new(), ..findings.clone() };
    let bytes = serde_json::to_vec(&change).map_err(|e| Error::internal("writing findings", e))?;
    Ok((findings, bytes))
}

/// The backend block that a root module needs, and what datamcp fills in.
fn details(environment: &Environment, findings: &Findings) -> Map<String, Value> {
    let settings: Map<String, Value> = findings
        .settings
        .iter()
        .map(|s| (s.name.clone(), json!(if s.action.is_some() { "made" } else { "found" })))
        .collect();
    let mut details = Map::new();
    if let Backend::S3 { bucket, key, region, lock_table, kms_key } = &environment.backend {
        let mut values = json!({ "bucket": bucket, "key": key, "region": region, "use_lockfile": true, "encrypt": true });
        details.insert("bucket".into(), json!(bucket));
        details.insert("lock".into(), json!("lockfile"));
        if let Some(table) = lock_table {
            details.insert("lock".into(), json!("lockfile and table"));
            details.insert("lock_table".into(), json!(table));
            set(&mut values, "dynamodb_table", table);
        }
        if let Some(key) = kms_key {
            set(&mut values, "kms_key_id", key);
        }
        details.insert("backend_values".into(), values);
    }
    if let Backend::Gcs { bucket, prefix, .. } = &environment.backend {
        details.insert("bucket".into(), json!(bucket));
        details.insert("lock".into(), json!("object"));
        details.insert("backend_values".into(), json!({ "bucket": bucket, "prefix": prefix }));
    }
    let block = format!("terraform {{ {} }}", environment.backend.block());
    details.insert("backend_block".into(), json!(block));
    details.insert("settings".into(), Value::Object(settings));
    details
}

fn set(values: &mut Value, key: &str, value: &str) {
    if let Some(map) = values.as_object_mut() {
        map.insert(key.to_owned(), json!(value));
    }
}

#[async_trait]
impl WriteOperation for Bootstrap {
    async fn compute(&self, scene: &Scene<'_>, caller: &Caller) -> Result<Computed> {
        let (findings, file) = observe(scene).await?;
        let now = scene.world.clock.now();
        let text = describe(&findings);
        scene.journal.line(&format!("{text}\n")).await;
        let record = PlanRecord {
            id: PlanId::fresh(),
            operation: scene.run.operation,
            tool: scene.tool.name.to_owned(),
            intent: Intent::Apply,
            binding: bind(scene, &file, caller),
            changes: changes(&findings),
            text,
            created: now,
            expires: now + jiff::SignedDuration::from_mins(PLAN_MINUTES),
            made: scene.world.clock.uptime(),
            own: scene.ask.own.clone(),
            variables: Map::new(),
            secrets: Vec::new(),
        };
        Ok(Computed { record, file, warnings: findings.notes })
    }

    /// Looked at again: a bucket that changed since is another change.
    async fn bind(
        &self,
        scene: &Scene<'_>,
        _record: &PlanRecord,
        file: &[u8],
        caller: &Caller,
    ) -> Result<Binding> {
        let (_, now) = observe(scene).await?;
        Ok(Binding { plan_file: Digest::of(file), ..bind(scene, &now, caller) })
    }

    async fn carry_out(
        &self,
        permit: &Permit,
        scene: &Scene<'_>,
        record: &PlanRecord,
        file: &[u8],
    ) -> Done {
        let mut made = Vec::new();
        let ended = make(permit, scene, file, &mut made).await;
        let outcome = match &ended {
            Ok(_) => Outcome::Succeeded,
            Err(_) if made.is_empty() => Outcome::Failed,
            Err(_) => Outcome::Partial,
        };
        let noted = scene.journal.note("exit", json!({ "outcome": outcome })).await;
        let mut answer = ChangeAnswer::new(Some(scene.run.operation), outcome.into());
        let mut summary = Summary::of(&record.changes);
        summary.text =
            format!("{} of {} settings made", made.len(), record.changes.resources.len());
        answer.summary = Some(summary);
        answer.plan_id = Some(record.id);
        answer.warnings.extend(noted.err().map(|e| e.message));
        match ended {
            Ok(findings) => answer.details = details(&scene.environment, &findings),
            Err(error) => {
                answer.next = Some(
                    "mend the cause and make the same call again: it goes on where it stopped"
                        .to_owned(),
                );
                answer.error = Some(error.detail("made", made));
            }
        }
        Done { outcome, answer, block: None, evidence: Vec::new() }
    }
}

/// Makes setting after setting; each is noted before it is asked for.
async fn make(
    permit: &Permit,
    scene: &Scene<'_>,
    file: &[u8],
    made: &mut Vec<String>,
) -> Result<Findings> {
    let findings: Findings =
        serde_json::from_slice(file).map_err(|e| Error::internal("reading findings", e))?;
    let todo: Vec<&Setting> = findings
        .settings
        .iter()
        .filter(|s| s.action.is_some_and(|a| a != Action::Delete))
        .collect();
    let session = scene.run.operation.to_string();
    scene.journal.note("intent", json!({ "place": findings.place })).await?;
    for setting in &todo {
        if scene.journal.stop_requested().await {
            return Err(Error::new(
                ErrorCode::Cancelled,
                format!("bootstrapping {}: stopped on request", findings.place),
            ));
        }
        permit.lease().check().await?;
        scene.journal.note("call", json!({ "name": setting.name })).await?;
        scene.world.state_backend.set(permit, &scene.environment, &session, &setting.name).await?;
        made.push(setting.name.clone());
        scene
            .journal
            .progress(
                &format!("{}: {} -> {}", setting.name, setting.seen, setting.wanted),
                made.len(),
                todo.len(),
            )
            .await;
    }
    Ok(findings)
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "bootstrap_state_backend",
    title: "Bootstrap state backend",
    about: "Makes the bucket of an environment's Terraform state in S3 or Cloud Storage, or checks and repairs it: \
            encrypted, versioned, private, of our account or project, old versions expiring. With defaults it \
            only says what it found and would do. Works like apply_terraform. Repeating it converges.",
    effect: Effect::Change,
    input: catalog::change::<BootstrapRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&Bootstrap),
};
