//! Computes what would be done for an account, and what that is bound to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::look::{Inside, Seen, Standing, There, look};
use super::request::{Wanted, bounded, wanted};
use crate::error::{Error, Result};
use crate::model::{Action, Binding, Digest, Intent, Meaning, PlanId, PlanRecord};
use crate::operation::organization::{Step, changes};
use crate::operation::terraform::PLAN_MINUTES;
use crate::operation::{Computed, Scene};
use crate::port::{Caller, Watch};

/// What is kept of a plan, sealed: exactly this is carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) wanted: Wanted,
    /// The root or unit that it is placed in.
    pub(super) unit: String,
    /// The account, when it is there.
    pub(super) account: Option<String>,
    /// Since when it is there.
    pub(super) joined: Option<Timestamp>,
    /// The request that is making it: it is followed, none is made.
    pub(super) request: Option<String>,
}

impl Sealed {
    pub(super) fn open(file: &[u8]) -> Result<Self> {
        serde_json::from_slice(file).map_err(|e| Error::internal("opening a plan", e))
    }
}

fn steps(wanted: &Wanted, seen: &Seen) -> Vec<Step> {
    let mut steps = Vec::new();
    let (unit, named) = &seen.unit;
    let there = match &seen.standing {
        Standing::There(there) => Some(there),
        Standing::Absent => {
            let line = format!("made with role {}", wanted.role);
            steps.push(Step::new("", "aws_organizations_account", Action::Create, line));
            None
        }
        Standing::Asked(request) => {
            let line = format!("request {request} is followed to its end");
            steps.push(Step::new("", "aws_organizations_account", Action::Create, line));
            None
        }
    };
    let parent = there.map_or(seen.facts.root.as_deref(), |there| Some(there.parent.as_str()));
    if let Some(parent) = parent.filter(|parent| *parent != unit.as_str()) {
        let line = format!("moved from {parent} to {unit} ({named})");
        steps.push(Step::new("#place", "aws_organizations_placement", Action::Update, line));
    }
    let differs = |there: &There| wanted.tags.iter().any(|(k, v)| there.tags.get(k) != Some(v));
    if there.is_some_and(differs) {
        let line = format!("{} tags set", wanted.tags.len());
        steps.push(Step::new("#tags", "aws_organizations_tags", Action::Update, line));
    }
    match there.and_then(|there| there.inside.as_ref().ok()) {
        Some(found) => inside(wanted, found, &mut steps),
        None => furnish(wanted, &mut steps),
    }
    steps
}

/// What is to be done in an account that nobody could look into yet.
fn furnish(wanted: &Wanted, steps: &mut Vec<Step>) {
    for kind in wanted.contacts.keys() {
        let part = format!("#contact_{kind}");
        steps.push(Step::new(part, "aws_account_alternate_contact", Action::Create, "set".into()));
    }
    if wanted.close_default_vpcs {
        let line = "deleted in every region that is enabled".to_owned();
        steps.push(Step::new("#default_vpcs", "aws_default_vpc", Action::Delete, line));
    }
    if let Some(bucket) = &wanted.state_bucket {
        let line = "made: encrypted, versioned, private, TLS only".to_owned();
        steps.push(Step::new(format!("#{bucket}"), "s3_state_bucket", Action::Create, line));
    }
}

fn inside(wanted: &Wanted, found: &Inside, steps: &mut Vec<Step>) {
    for (kind, contact) in &wanted.contacts {
        let action = match found.contacts.get(kind) {
            Some(known) if known == contact => continue,
            Some(_) => Action::Update,
            None => Action::Create,
        };
        let part = format!("#contact_{kind}");
        steps.push(Step::new(part, "aws_account_alternate_contact", action, "set".into()));
    }
    for (region, vpc) in &found.default_vpcs {
        let line = "deleted with its gateway and subnets".to_owned();
        let part = format!("#{region}/{vpc}");
        steps.push(Step::new(part, "aws_default_vpc", Action::Delete, line));
    }
    for setting in &found.state_bucket {
        let Some(action) = setting.action else { continue };
        let bucket = wanted.state_bucket.as_deref().unwrap_or_default();
        let line = format!("{} -> {}", setting.seen, setting.wanted);
        let part = format!("#{bucket}/{}", setting.name);
        steps.push(Step::new(part, "s3_state_bucket", action, line));
    }
}

fn describe(
    scene: &Scene<'_>,
    caller: &Caller,
    wanted: &Wanted,
    seen: &Seen,
    (steps, quota): (&[Step], &str),
) -> String {
    let facts = &seen.facts;
    let account = match &seen.standing {
        Standing::Absent => "is not there".to_owned(),
        Standing::Asked(request) => format!("is being made by request {request}"),
        Standing::There(there) => format!("is there: {}, in {}", there.id, there.parent),
    };
    let mut lines = vec![
        format!("organization {} (management account {})", facts.id, facts.management_account),
        format!("  as {} in account {}", caller.arn, caller.account),
        format!("  {} accounts, quota {quota}", seen.count),
        format!("  accounts may be placed in {}", super::look::bounds(scene)),
        format!("account {} <{}> {account}", wanted.name, wanted.email),
    ];
    lines.extend(seen.namesakes.iter().map(|told| format!("  note    {told}")));
    lines.extend(steps.iter().map(|step| step.told(&wanted.email)));
    lines.join("\n")
}

/// How many accounts there may be, for people, and a warning when another one would be too many. Who may not ask can make
/// accounts all the same.
async fn quota(scene: &Scene<'_>, seen: &Seen) -> (String, Option<String>) {
    let session = super::look::session(scene);
    match scene.world.accounts.quota(&scene.environment, &session).await {
        Ok(most) => {
            let makes = matches!(seen.standing, Standing::Absent);
            let met = makes && u64::try_from(seen.count).is_ok_and(|count| count >= most);
            let warning = met.then(|| {
                format!(
                    "{} has {} accounts, and its quota is {most}: AWS refuses another until it is raised (Service Quotas, AWS Organizations, number of accounts)",
                    scene.environment.target(),
                    seen.count
                )
            });
            (most.to_string(), warning)
        }
        Err(error) => match error.details.get("action").and_then(serde_json::Value::as_str) {
            Some(action) => (format!("not known: {action} is missing"), None),
            None => (format!("not known: {}", error.message), None),
        },
    }
}

fn facts(wanted: &Wanted, seen: &Seen) -> BTreeMap<String, String> {
    let (account, place) = match &seen.standing {
        Standing::Absent => ("none".to_owned(), "none".to_owned()),
        Standing::Asked(request) => (format!("asked for by {request}"), "none".to_owned()),
        Standing::There(there) => (there.id.clone(), there.parent.clone()),
    };
    let unit = format!("{} {}", seen.unit.0, seen.unit.1);
    [
        ("organization", seen.facts.id.clone()),
        ("management account", seen.facts.management_account.clone()),
        ("email", wanted.email.clone()),
        ("account name", wanted.name.clone()),
        ("new account", account),
        ("place", place),
        ("unit", unit),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn binding(
    scene: &Scene<'_>,
    caller: &Caller,
    wanted: &Wanted,
    seen: &Seen,
    file: &[u8],
) -> Binding {
    let changes = changes(&wanted.email, &steps(wanted, seen));
    Binding {
        plan_file: Digest::of(file),
        plan_json: Digest::of_json(&serde_json::to_value(changes).unwrap_or_default()),
        target: scene.environment.target(),
        environment: scene.environment.digest(),
        account: caller.account.clone(),
        requester: scene.run.actor.principal.clone(),
        meaning: Meaning::Facts(facts(wanted, seen)),
    }
}

pub(super) async fn compute(scene: &Scene<'_>, caller: &Caller) -> Result<Computed> {
    let wanted = bounded(wanted(&scene.ask.own)?, &scene.environment)?;
    let seen = look(scene, &wanted, caller, None).await?;
    let steps = steps(&wanted, &seen);
    let (quota, met) = quota(scene, &seen).await;
    let text = describe(scene, caller, &wanted, &seen, (&steps, &quota));
    let text = scene.journal.clean(&text);
    scene.journal.line(&text).await;
    let (account, request, joined) = match &seen.standing {
        Standing::Absent => (None, None, None),
        Standing::Asked(request) => (None, Some(request.clone()), None),
        Standing::There(there) => (Some(there.id.clone()), None, there.joined),
    };
    let unit = seen.unit.0.clone();
    let sealed = Sealed { wanted, unit, account, joined, request };
    let file = serde_json::to_vec(&sealed).map_err(|e| Error::internal("writing a plan", e))?;
    let now = scene.world.clock.now();
    let record = PlanRecord {
        id: PlanId::fresh(),
        operation: scene.run.operation,
        tool: scene.tool.name.to_owned(),
        intent: Intent::Apply,
        binding: binding(scene, caller, &sealed.wanted, &seen, &file),
        changes: changes(&sealed.wanted.email, &steps),
        text,
        created: now,
        expires: now + jiff::SignedDuration::from_mins(PLAN_MINUTES),
        made: scene.world.clock.uptime(),
        own: scene.ask.own.clone(),
        variables: Map::new(),
        secrets: Vec::new(),
    };
    let warnings = seen.warnings.into_iter().chain(met).collect();
    Ok(Computed { record, file, warnings })
}

/// Looked at again: an account that was made, moved or asked for since is another change.
pub(super) async fn bind(scene: &Scene<'_>, file: &[u8], caller: &Caller) -> Result<Binding> {
    let sealed = Sealed::open(file)?;
    let wanted = bounded(sealed.wanted, &scene.environment)?;
    let seen = look(scene, &wanted, caller, sealed.request.as_deref()).await?;
    Ok(binding(scene, caller, &wanted, &seen, file))
}
