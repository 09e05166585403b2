//! Looks at what a project would be made in and billed to, and whether it is there or being made.

use super::earlier::earlier;
use super::plan::Sealed;
use super::request::{Wanted, rules};
use crate::error::{Error, ErrorCode, Result};
use crate::operation::Scene;
use crate::port::Watch;
use crate::port::projects::{
    BillingAccount, Extra, Having, Office, OperationProgress, ProjectFacts, ProjectParent, Resource,
};

/// Most folders in one another (Resource Manager, "Limits").
const DEEP: usize = 10;

/// What is there.
pub(super) struct Seen {
    pub(super) parent: ProjectParent,
    pub(super) billing: BillingAccount,
    pub(super) standing: Standing,
    pub(super) warnings: Vec<String>,
}

/// How the project stands.
pub(super) enum Standing {
    /// There is none that we see.
    Absent {
        /// An earlier call asked for it, and nobody noted what came of that.
        awaited: bool,
    },
    /// It is being made: the operation.
    Asked(String),
    /// It is there.
    There(There),
}

/// A project that is there, and what it lacks.
pub(super) struct There {
    pub(super) facts: ProjectFacts,
    pub(super) billed_to: Option<String>,
    pub(super) off: Vec<String>,
    pub(super) lacking: Vec<Lack>,
    /// The operation that is switching APIs on.
    pub(super) enabling: Option<String>,
}

/// What it has not as it is wanted.
pub(super) struct Lack {
    pub(super) extra: Extra,
    /// What it has instead.
    pub(super) instead: Option<String>,
}

impl There {
    /// Whether it has other labels than are wanted.
    pub(super) fn differs(&self, wanted: &Wanted) -> bool {
        wanted.labels.iter().any(|(key, value)| self.facts.labels.get(key) != Some(value))
    }
}

/// Looks. What a `plan` follows or awaits stays what it is about also when the project is there meanwhile.
pub(super) async fn look(
    scene: &Scene<'_>,
    wanted: &Wanted,
    plan: Option<&Sealed>,
) -> Result<Seen> {
    let (at, projects) = (&scene.environment, &scene.world.projects);
    scene.journal.progress(&format!("looking at {}", at.target()), 0, 0).await;
    let (parent, billing, project) = tokio::try_join!(
        parent(scene, wanted),
        projects.billing_account(at, &wanted.billing_account),
        projects.project(at, &wanted.id),
    )?;
    if !billing.open {
        let why = format!("({}) is closed", billing.display_name);
        return Err(Error::invalid("billing_account", &wanted.billing_account, why)
            .next("open it again in the console, or give another one"));
    }
    currency(wanted, &billing)?;
    let follows = plan.and_then(|plan| plan.operation.as_deref());
    let awaits = plan.is_some_and(|plan| plan.awaited);
    let standing = match (project, follows) {
        (_, Some(operation)) => followed(scene, operation, false).await?,
        (Some(facts), None) => {
            let there = there(scene, wanted, facts).await?;
            let as_planned = |before: &String| *before == wanted.billing_account;
            if awaits && there.billed_to.as_ref().is_none_or(as_planned) {
                Standing::Absent { awaited: true }
            } else {
                Standing::There(there)
            }
        }
        (None, None) => {
            let earlier = earlier(scene, &wanted.id).await?;
            match earlier.creation {
                Some(operation) => followed(scene, &operation, earlier.open).await?,
                None => Standing::Absent { awaited: earlier.open },
            }
        }
    };
    let warnings = permitted(scene, wanted, &standing).await?;
    Ok(Seen { parent, billing, standing, warnings })
}

/// A budget is in the currency of the account that is billed (Cloud Billing Budget API, `BudgetAmount`).
fn currency(wanted: &Wanted, billing: &BillingAccount) -> Result<()> {
    let Some(own) = &billing.currency else { return Ok(()) };
    let other = wanted.extras.iter().find_map(|extra| match extra {
        Extra::Budget(budget) if budget.currency != *own => Some(&budget.currency),
        _ => None,
    });
    let Some(given) = other else { return Ok(()) };
    let why = format!("is not the currency of billing account {}", wanted.billing_account);
    Err(Error::invalid("budget.currency", given, why)
        .allowed(own)
        .next(format!("give the amount in {own}, or another billing account")))
}

/// What it is to be in: there, in use, and in the organization.
async fn parent(scene: &Scene<'_>, wanted: &Wanted) -> Result<ProjectParent> {
    let (at, projects) = (&scene.environment, &scene.world.projects);
    let (rules, google) = rules(at)?;
    let own = format!("organizations/{}", google.number);
    let field = if wanted.parent == own { "org_id" } else { "folder_id" };
    let told = |error: Error| error.field(field).given(&wanted.parent);
    let found = projects.parent(at, &wanted.parent).await.map_err(told)?;
    if found.state != "ACTIVE" {
        let why = format!("({}) is {}", found.display_name, found.state);
        return Err(Error::invalid(field, &wanted.parent, why)
            .next("have it restored, or give a place that is in use"));
    }
    // Settings that name it have said whose it is.
    if wanted.parent == own || rules.units.contains(&wanted.parent) {
        return Ok(found);
    }
    let mut above = found.parent.clone();
    for _ in 0..DEEP {
        match above {
            Some(name) if name == own => return Ok(found),
            Some(name) if name.starts_with("folders/") => {
                above = projects.parent(at, &name).await.map_err(told)?.parent;
            }
            _ => break,
        }
    }
    let why = format!("({}) is not in organization {}", found.display_name, rules.name);
    Err(Error::invalid(field, &wanted.parent, why)
        .allowed(format!("a folder of {own}"))
        .next("give a folder of this organization, or list this one in its `parents`"))
}

async fn there(scene: &Scene<'_>, wanted: &Wanted, facts: ProjectFacts) -> Result<There> {
    if facts.state != "ACTIVE" {
        let why = format!("belongs to a project that is {}", facts.state);
        return Err(Error::invalid("project_id", &wanted.id, why).next(
            "have the project restored (within 30 days), or use another id: none is used twice",
        ));
    }
    if facts.parent != wanted.parent {
        let why = format!("belongs to a project in {}, not in {}", facts.parent, wanted.parent);
        return Err(Error::invalid("project_id", &wanted.id, why)
            .next("give the place where it is, or use another id: projects are not moved"));
    }
    let (at, projects) = (&scene.environment, &scene.world.projects);
    let billed_to = projects.billed_to(at, &wanted.id).await?;
    let off = projects.off(at, &wanted.id, &wanted.apis).await?;
    let mut lacking = Vec::new();
    for extra in &wanted.extras {
        let instead = match projects.has(at, &facts, &wanted.billing_account, extra).await? {
            Having::Wanted => continue,
            Having::Otherwise(instead) => Some(instead),
            Having::Nothing => None,
        };
        lacking.push(Lack { extra: extra.clone(), instead });
    }
    let enabling = match earlier(scene, &wanted.id).await?.enabling {
        Some(operation) if !off.is_empty() => {
            let seen = projects.progress(at, Office::Services, &operation).await?;
            (seen == OperationProgress::Going).then_some(operation)
        }
        _ => None,
    };
    Ok(There { facts, billed_to, off, lacking, enabling })
}

/// An operation of ours: it counts while it goes on, and once it has ended well. What one did that is forgotten is awaited.
async fn followed(scene: &Scene<'_>, operation: &str, awaited: bool) -> Result<Standing> {
    let (at, projects) = (&scene.environment, &scene.world.projects);
    Ok(match projects.progress(at, Office::Projects, operation).await? {
        OperationProgress::Going | OperationProgress::Done => Standing::Asked(operation.to_owned()),
        OperationProgress::Failed(_) => Standing::Absent { awaited },
        OperationProgress::Forgotten => Standing::Absent { awaited: true },
    })
}

/// Asks, before anything is done, whether this identity may do what is to be done. A dry run tells what is missing;
/// anything else is refused.
async fn permitted(scene: &Scene<'_>, wanted: &Wanted, standing: &Standing) -> Result<Vec<String>> {
    let (at, projects) = (&scene.environment, &scene.world.projects);
    let mut asked = Vec::new();
    let mut billing = Vec::new();
    let linked = |there: &There| there.billed_to.as_ref() == Some(&wanted.billing_account);
    match standing {
        Standing::Absent { .. } => {
            asked.push((Resource::Parent(&wanted.parent), vec!["resourcemanager.projects.create"]));
            billing.push("billing.resourceAssociations.create");
        }
        Standing::Asked(_) => billing.push("billing.resourceAssociations.create"),
        Standing::There(there) => {
            let needed = needed(wanted, there, linked(there));
            asked.push((Resource::Project(&wanted.id), needed));
            if !linked(there) {
                billing.push("billing.resourceAssociations.create");
            }
        }
    }
    billing.extend(budgets(wanted, standing));
    asked.push((Resource::Billing(&wanted.billing_account), billing));
    let mut told = Vec::new();
    for (resource, needed) in asked.into_iter().filter(|(_, needed)| !needed.is_empty()) {
        let missing = projects.missing(at, resource, &needed).await?;
        if missing.is_empty() {
            continue;
        }
        let (names, place) = (missing.join(", "), place(resource));
        let why = format!("looking at {}: this identity has no {names} on {place}", at.target());
        if !scene.ask.terms.dry_run {
            return Err(Error::new(ErrorCode::UpstreamDenied, why)
                .detail("permission", names.clone())
                .next(format!("have {names} granted to this identity on {place}")));
        }
        told.push(format!("{why}: this can be looked at and not be carried out"));
    }
    Ok(told)
}

/// What a budget takes.
fn budgets(wanted: &Wanted, standing: &Standing) -> Vec<&'static str> {
    let is_budget = |extra: &Extra| matches!(extra, Extra::Budget(_));
    let to_change = match standing {
        Standing::There(there) => match there.lacking.iter().find(|lack| is_budget(&lack.extra)) {
            Some(lack) => lack.instead.is_some(),
            None => return Vec::new(),
        },
        _ if wanted.extras.iter().any(is_budget) => false,
        _ => return Vec::new(),
    };
    let change = if to_change { "billing.budgets.update" } else { "billing.budgets.create" };
    vec![change, "billing.budgets.list"]
}

/// What has to be allowed in a project that is there.
fn needed(wanted: &Wanted, there: &There, linked: bool) -> Vec<&'static str> {
    let mut needed = Vec::new();
    if !linked {
        needed.push("resourcemanager.projects.createBillingAssignment");
    }
    if there.differs(wanted) {
        needed.push("resourcemanager.projects.update");
    }
    if !there.off.is_empty() {
        needed.push("serviceusage.services.enable");
    }
    for lack in &there.lacking {
        match &lack.extra {
            Extra::NoDefaultNetwork => {
                needed.extend(["compute.networks.delete", "compute.firewalls.delete"]);
            }
            Extra::NoDefaultAccount => needed.push("iam.serviceAccounts.disable"),
            Extra::Lien => needed.push("resourcemanager.projects.updateLiens"),
            Extra::Budget(_) => {}
        }
    }
    needed
}

fn place(resource: Resource<'_>) -> String {
    match resource {
        Resource::Parent(name) => name.to_owned(),
        Resource::Billing(id) => format!("billing account {id}"),
        Resource::Project(id) => format!("project {id}"),
    }
}
