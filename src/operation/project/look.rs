//! Looks at what a project would be made in and billed to, and whether it is there or being made.

use super::request::{Wanted, rules};
use crate::audit::Query;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Status;
use crate::operation::Scene;
use crate::port::projects::{
    BillingAccount, Extra, Office, OperationProgress, ProjectFacts, ProjectParent, Resource,
};
use crate::port::{JournalLine, Watch};

/// How many earlier operations are searched for what they asked for.
const EARLIER: usize = 200;
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
    Absent,
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
    pub(super) lacking: Vec<Extra>,
    /// The operation that is switching APIs on.
    pub(super) enabling: Option<String>,
}

impl There {
    /// Whether it has other labels than are wanted.
    pub(super) fn differs(&self, wanted: &Wanted) -> bool {
        wanted.labels.iter().any(|(key, value)| self.facts.labels.get(key) != Some(value))
    }
}

/// Looks. An operation that a plan `follows` stays what the plan is about also when it has ended well meanwhile.
pub(super) async fn look(
    scene: &Scene<'_>,
    wanted: &Wanted,
    follows: Option<&str>,
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
    let standing = match (project, follows) {
        (_, Some(operation)) => followed(scene, operation).await?,
        (Some(facts), None) => Standing::There(there(scene, wanted, facts).await?),
        (None, None) => match noted(scene, &wanted.id, "creation").await? {
            Some(operation) => followed(scene, &operation).await?,
            None => Standing::Absent,
        },
    };
    let warnings = permitted(scene, wanted, &standing).await?;
    Ok(Seen { parent, billing, standing, warnings })
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
        return Err(Error::invalid(field, &wanted.parent, why));
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
    Err(Error::invalid(field, &wanted.parent, why).allowed(format!("a folder of {own}")))
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
        if !projects.has(at, &facts, &wanted.billing_account, extra).await? {
            lacking.push(extra.clone());
        }
    }
    let enabling = match noted(scene, &wanted.id, "enabling").await? {
        Some(operation) if !off.is_empty() => {
            let seen = projects.progress(at, Office::Services, &operation).await?;
            (seen == OperationProgress::Going).then_some(operation)
        }
        _ => None,
    };
    Ok(There { facts, billed_to, off, lacking, enabling })
}

/// An operation of ours: it counts while it goes on, and once it has ended well.
async fn followed(scene: &Scene<'_>, operation: &str) -> Result<Standing> {
    let (at, projects) = (&scene.environment, &scene.world.projects);
    Ok(match projects.progress(at, Office::Projects, operation).await? {
        OperationProgress::Going | OperationProgress::Done => Standing::Asked(operation.to_owned()),
        OperationProgress::Failed(_) | OperationProgress::Forgotten => Standing::Absent,
    })
}

/// The newest operation of Google's that an earlier operation of ours noted about this project.
async fn noted(scene: &Scene<'_>, id: &str, kind: &str) -> Result<Option<String>> {
    let query = Query {
        chain: Some(scene.run.target.to_string()),
        tool: Some(scene.tool.name.to_owned()),
        limit: EARLIER,
        ..Query::default()
    };
    for row in scene.world.log.store().rows(&query).await?.rows {
        let nothing =
            matches!(row.status, Status::Planned | Status::Refused | Status::ApprovalRequired);
        if nothing || row.id == scene.run.operation {
            continue;
        }
        let (journal, _) = scene.world.runs.journal(row.id, 0).await?;
        let of =
            |line: &&JournalLine| line.kind == kind && line.field("project").as_str() == Some(id);
        if let Some(line) = journal.iter().rev().find(of) {
            return Ok(line.field("operation").as_str().map(str::to_owned));
        }
    }
    Ok(None)
}

/// Asks, before anything is done, whether this identity may do what is to be done. A dry run tells what is missing;
/// anything else is refused.
async fn permitted(scene: &Scene<'_>, wanted: &Wanted, standing: &Standing) -> Result<Vec<String>> {
    let (at, projects) = (&scene.environment, &scene.world.projects);
    let mut asked = Vec::new();
    let mut billing = Vec::new();
    let linked = |there: &There| there.billed_to.as_ref() == Some(&wanted.billing_account);
    match standing {
        Standing::Absent => {
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
    let budget = |extra: &Extra| matches!(extra, Extra::Budget(_));
    let lacks = match standing {
        Standing::There(there) => there.lacking.iter().any(budget),
        _ => wanted.extras.iter().any(budget),
    };
    if lacks {
        billing.extend(["billing.budgets.create", "billing.budgets.list"]);
    }
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
    for extra in &there.lacking {
        match extra {
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
