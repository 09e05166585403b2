//! Computes what would be done for a project, and what that is bound to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::failure;
use super::look::{Lack, Seen, Standing, There, look};
use super::request::{Wanted, bounded, wanted};
use crate::error::{Error, Result};
use crate::model::{Action, Binding, Digest, Intent, Meaning, PlanId, PlanRecord};
use crate::operation::organization::{Step, changes};
use crate::operation::terraform::PLAN_MINUTES;
use crate::operation::{Computed, Scene};
use crate::port::projects::{Extra, ProjectFacts};
use crate::port::{Caller, Watch};

/// What is kept of a plan, sealed: exactly this is carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) wanted: Wanted,
    /// The project, when it is there.
    pub(super) project: Option<ProjectFacts>,
    /// The operation that is making it: it is followed, none is asked for.
    pub(super) operation: Option<String>,
    /// An earlier call asked for it, and nobody noted what came of that: it is looked for before another is asked for.
    #[serde(default)]
    pub(super) awaited: bool,
    /// The operation that is switching APIs on.
    pub(super) enabling: Option<String>,
}

impl Sealed {
    pub(super) fn open(file: &[u8]) -> Result<Self> {
        serde_json::from_slice(file).map_err(|e| Error::internal("opening a plan", e))
    }
}

fn steps(wanted: &Wanted, seen: &Seen) -> Vec<Step> {
    let mut steps = Vec::new();
    let there = match &seen.standing {
        Standing::There(there) => Some(there),
        Standing::Absent { awaited } => {
            let found = if *awaited { ", or found there" } else { "" };
            let line = format!("made in {} ({}){found}", wanted.parent, seen.parent.display_name);
            steps.push(Step::new("", "google_project", Action::Create, line));
            None
        }
        Standing::Asked(operation) => {
            let line = format!("{operation} is followed to its end");
            steps.push(Step::new("", "google_project", Action::Create, line));
            None
        }
    };
    if there.is_some_and(|there| there.differs(wanted)) {
        let line = format!("{} labels set", wanted.labels.len());
        steps.push(Step::new("#labels", "google_project", Action::Update, line));
    }
    let before = there.and_then(|there| there.billed_to.as_deref());
    if before != Some(wanted.billing_account.as_str()) {
        let to = format!("billed to {} ({})", wanted.billing_account, seen.billing.display_name);
        let (action, line) = match before {
            Some(before) => (Action::Update, format!("{to}, and no longer to {before}")),
            None => (Action::Create, to),
        };
        steps.push(Step::new("#billing", "google_billing_project_info", action, line));
    }
    for api in there.map_or(&wanted.apis, |there| &there.off) {
        let part = format!("#{api}");
        steps.push(Step::new(part, "google_project_service", Action::Create, "on".to_owned()));
    }
    match there {
        Some(there) => steps.extend(there.lacking.iter().map(lack)),
        None => steps.extend(wanted.extras.iter().map(extra)),
    }
    steps
}

fn lack(lack: &Lack) -> Step {
    match (&lack.extra, &lack.instead) {
        (Extra::Budget(budget), Some(instead)) => {
            let line = format!("{budget} a month, and no longer {instead}");
            Step::new("#budget", "google_billing_budget", Action::Update, line)
        }
        (wanted, _) => extra(wanted),
    }
}

fn extra(extra: &Extra) -> Step {
    let (kind, action, line) = match extra {
        Extra::NoDefaultNetwork => (
            "google_compute_network",
            Action::Delete,
            "deleted with the rules that Google put there".to_owned(),
        ),
        Extra::NoDefaultAccount => {
            ("google_service_account", Action::Update, "disabled".to_owned())
        }
        Extra::Lien => (
            "google_resource_manager_lien",
            Action::Create,
            "keeps it from being deleted".to_owned(),
        ),
        Extra::Budget(budget) => {
            ("google_billing_budget", Action::Create, format!("{budget} a month"))
        }
    };
    Step::new(format!("#{}", extra.word()), kind, action, line)
}

fn describe(
    scene: &Scene<'_>,
    caller: &Caller,
    wanted: &Wanted,
    seen: &Seen,
    steps: &[Step],
) -> String {
    let project = match &seen.standing {
        Standing::Absent { awaited: true } => {
            "was asked for by an earlier call that nobody saw the end of: it is looked for first".to_owned()
        }
        Standing::Absent { awaited: false } => {
            "is not there, or not ours to see: whether somebody else has the id shows when it is made"
                .to_owned()
        }
        Standing::Asked(operation) => format!("is being made by {operation}"),
        Standing::There(there) => format!("is there: number {}", there.facts.number),
    };
    let mut lines = vec![
        format!("{} at {}", scene.environment.target(), scene.environment.account),
        format!("  as {}", caller.arn),
        format!("  in {} ({})", wanted.parent, seen.parent.display_name),
        format!("  billed to {} ({})", wanted.billing_account, seen.billing.display_name),
        format!("project {} {project}", wanted.id),
    ];
    lines.extend(steps.iter().map(|step| step.told(&wanted.id)));
    lines.join("\n")
}

fn facts(wanted: &Wanted, seen: &Seen) -> BTreeMap<String, String> {
    let none = || "none".to_owned();
    let (project, billed_to) = match &seen.standing {
        Standing::Absent { .. } => (none(), none()),
        Standing::Asked(operation) => (format!("asked for by {operation}"), none()),
        Standing::There(There { facts, billed_to, .. }) => {
            (facts.number.clone(), billed_to.clone().unwrap_or_else(none))
        }
    };
    let before = match &seen.standing {
        Standing::There(there) => there.lacking.iter().find_map(|lack| lack.instead.clone()),
        Standing::Absent { .. } | Standing::Asked(_) => None,
    };
    let facts = [
        ("project", wanted.id.clone()),
        ("project number", project),
        ("parent", wanted.parent.clone()),
        ("billed to", billed_to),
        ("billing account", wanted.billing_account.clone()),
    ];
    let budget = before.map(|before| ("budget", before));
    facts.into_iter().chain(budget).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn binding(
    scene: &Scene<'_>,
    caller: &Caller,
    wanted: &Wanted,
    seen: &Seen,
    file: &[u8],
) -> Binding {
    let changes = changes(&wanted.id, &steps(wanted, seen));
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
    let seen = look(scene, &wanted, None).await.map_err(failure::of_look)?;
    let steps = steps(&wanted, &seen);
    let text = scene.journal.clean(&describe(scene, caller, &wanted, &seen, &steps));
    scene.journal.line(&text).await;
    let mut sealed =
        Sealed { wanted, project: None, operation: None, awaited: false, enabling: None };
    match &seen.standing {
        Standing::Absent { awaited } => sealed.awaited = *awaited,
        Standing::Asked(operation) => sealed.operation = Some(operation.clone()),
        Standing::There(there) => {
            sealed.project = Some(there.facts.clone());
            sealed.enabling.clone_from(&there.enabling);
        }
    }
    let file = serde_json::to_vec(&sealed).map_err(|e| Error::internal("writing a plan", e))?;
    let now = scene.world.clock.now();
    let record = PlanRecord {
        id: PlanId::fresh(),
        operation: scene.run.operation,
        tool: scene.tool.name.to_owned(),
        intent: Intent::Apply,
        binding: binding(scene, caller, &sealed.wanted, &seen, &file),
        changes: changes(&sealed.wanted.id, &steps),
        text,
        created: now,
        expires: now + jiff::SignedDuration::from_mins(PLAN_MINUTES),
        made: scene.world.clock.uptime(),
        own: scene.ask.own.clone(),
        variables: Map::new(),
        secrets: Vec::new(),
    };
    Ok(Computed { record, file, warnings: seen.warnings })
}

/// Looked at again: a project that was made, billed or asked for since is another change.
pub(super) async fn bind(scene: &Scene<'_>, file: &[u8], caller: &Caller) -> Result<Binding> {
    let sealed = Sealed::open(file)?;
    let wanted = bounded(sealed.wanted.clone(), &scene.environment)?;
    let seen = look(scene, &wanted, Some(&sealed)).await.map_err(failure::of_look)?;
    Ok(binding(scene, caller, &wanted, &seen, file))
}
