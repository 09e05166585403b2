//! Looks at an organization: is it ours to change, is the account there, is it being made.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::failure;
use super::request::{Wanted, rules};
use crate::audit::Query;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{OperationId, Status};
use crate::operation::Scene;
use crate::port::accounts::Progress;
use crate::port::{
    Account, Caller, Contact, Creation, JournalLine, OrganizationFacts, Setting, Watch,
};

/// How many earlier operations are searched for a request of theirs.
const EARLIER: usize = 200;
/// How much older than its call, by their clock, a request may be.
const SKEW_S: i64 = 60;
/// What AWS says of a request that it does not know, or no longer.
const FORGOTTEN: &str = "CreateAccountStatusNotFoundException";

/// What is there.
pub(super) struct Seen {
    pub(super) facts: OrganizationFacts,
    /// Accounts that the organization has.
    pub(super) count: usize,
    pub(super) standing: Standing,
    /// Where it is to be: id and name.
    pub(super) unit: (String, String),
    /// Other accounts of the same name.
    pub(super) namesakes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// How the account stands.
pub(super) enum Standing {
    /// It is not there.
    Absent,
    /// It is being made: the request's id.
    Asked(String),
    /// It is there.
    There(There),
}

/// An account that is there.
pub(super) struct There {
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) tags: BTreeMap<String, String>,
    /// Since when it is there.
    pub(super) joined: Option<Timestamp>,
    /// What is in it, or why nobody can look into it.
    pub(super) inside: std::result::Result<Inside, String>,
}

/// What is in it, as far as it was asked about.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) contacts: BTreeMap<String, Contact>,
    pub(super) default_vpcs: BTreeMap<String, String>,
    pub(super) state_bucket: Vec<Setting>,
}

pub(super) fn session(scene: &Scene<'_>) -> String {
    scene.run.operation.to_string()
}

/// Looks. A request that a plan `follows` stays what the plan is about also when it has ended well meanwhile.
pub(super) async fn look(
    scene: &Scene<'_>,
    wanted: &Wanted,
    caller: &Caller,
    follows: Option<&str>,
) -> Result<Seen> {
    let (at, session) = (&scene.environment, session(scene));
    let accounts = &scene.world.accounts;
    scene.journal.progress(&format!("looking at {}", at.target()), 0, 0).await;
    let facts = accounts.organization(at, &session).await?;
    let warning = allowed(scene, caller, &facts)?;
    let stranger = caller.account != facts.management_account;
    let all = accounts.accounts(at, &session).await.map_err(|error| match error.code {
        ErrorCode::UpstreamDenied if stranger => {
            foreign(scene, caller, &facts).detail("aws", error.message)
        }
        _ => error,
    })?;
    let unit = unit(scene, wanted, &facts).await?;
    let same = |account: &&Account| account.email.eq_ignore_ascii_case(&wanted.email);
    let standing = match (follows, all.iter().find(same)) {
        (Some(request), _) => followed(scene, wanted, &all, request).await?,
        (None, Some(account)) => Standing::There(there(scene, wanted, account).await?),
        (None, None) => standing(scene, wanted, &all).await?,
    };
    let namesakes = all.iter().filter(|a| a.name == wanted.name && !same(a));
    let namesakes: Vec<String> =
        namesakes.map(|a| format!("account {} ({}) has this name too", a.id, a.email)).collect();
    let closed = match &standing {
        Standing::There(There { id, inside: Err(why), .. }) => Some(format!(
            "account {id} cannot be looked into: what is in it is found out when this is carried out: {why}"
        )),
        _ => None,
    };
    let warnings = warning.into_iter().chain(closed).chain(namesakes.iter().cloned()).collect();
    Ok(Seen { facts, count: all.len(), standing, unit, namesakes, warnings })
}

/// Only the management account may make accounts. A delegated administrator may look: with a warning.
fn allowed(
    scene: &Scene<'_>,
    caller: &Caller,
    facts: &OrganizationFacts,
) -> Result<Option<String>> {
    if caller.account == facts.management_account {
        return Ok(None);
    }
    let error = foreign(scene, caller, facts);
    if scene.ask.terms.dry_run {
        return Ok(Some(format!(
            "{}: this can be looked at and not be carried out",
            error.message
        )));
    }
    Err(error)
}

fn foreign(scene: &Scene<'_>, caller: &Caller, facts: &OrganizationFacts) -> Error {
    let target = scene.environment.target();
    Error::new(
        ErrorCode::WrongIdentity,
        format!(
            "checking the identity for {target}: account {} is not the management account of {}, and only that one makes accounts",
            caller.account, facts.id
        ),
    )
    .given(&caller.account)
    .allowed(&facts.management_account)
    .next("set account_id and credentials of the organization to those of its management account")
}

/// The root or unit that it is to be in, looked up.
async fn unit(
    scene: &Scene<'_>,
    wanted: &Wanted,
    facts: &OrganizationFacts,
) -> Result<(String, String)> {
    let root = facts.root.as_ref();
    let id = wanted.unit.as_ref().or(root).ok_or_else(|| {
        Error::new(ErrorCode::InvalidRequest, "ou_id is missing, and the root is not known")
            .field("ou_id")
    })?;
    let found = scene.world.accounts.unit(&scene.environment, &session(scene), id).await?;
    let found = found.ok_or_else(|| {
        Error::invalid("ou_id", id, format!("is no OU of organization {}", facts.id)).allowed(
            root.map_or_else(
                || "an OU of it".to_owned(),
                |r| format!("an OU of it, or its root {r}"),
            ),
        )
    })?;
    Ok((id.clone(), found))
}

async fn there(scene: &Scene<'_>, wanted: &Wanted, account: &Account) -> Result<There> {
    if account.name != wanted.name {
        let why = format!("belongs to account {}, whose name is {}", account.id, account.name);
        return Err(Error::invalid("email", &wanted.email, why).next(
            "use an address of its own for another account, or give account_name as it is there",
        ));
    }
    if matches!(account.state.as_str(), "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED") {
        let why = format!("belongs to account {}, which is {}", account.id, account.state);
        return Err(Error::invalid("email", &wanted.email, why).next("use another address"));
    }
    let (accounts, at, session) = (&scene.world.accounts, &scene.environment, session(scene));
    let parent = accounts.parent(at, &session, &account.id).await?;
    let tags = if wanted.tags.is_empty() {
        BTreeMap::new()
    } else {
        accounts.tags(at, &session, &account.id).await?
    };
    // The role of a new account takes minutes to be there: then what is in it is looked at when it is carried out.
    let inside = match super::enter::look(scene, wanted, &account.id).await {
        Ok(inside) => Ok(inside),
        Err(error) if error.code == ErrorCode::UpstreamDenied => {
            let action = error.details.get("action").and_then(|action| action.as_str());
            let missing = action.map_or_else(String::new, |a| format!(" ({a} is missing)"));
            Err(format!("{}{missing}", error.message))
        }
        Err(error) => return Err(error),
    };
    Ok(There { id: account.id.clone(), joined: account.joined, parent, tags, inside })
}

/// A request of ours: it counts while it goes on, and once it has ended well with the account that is meant.
async fn followed(
    scene: &Scene<'_>,
    wanted: &Wanted,
    all: &[Account],
    request: &str,
) -> Result<Standing> {
    let (at, session) = (&scene.environment, session(scene));
    let creation = match scene.world.accounts.creation(at, &session, request).await {
        Ok(creation) => creation,
        // AWS forgets requests after a while.
        Err(error) if error.details.get("aws").is_some_and(|code| code == FORGOTTEN) => {
            return Ok(Standing::Absent);
        }
        Err(error) => return Err(error),
    };
    let failed = matches!(creation.progress, Progress::Failed(_));
    if failed || is_another(&creation, all, &wanted.email) {
        return Ok(Standing::Absent);
    }
    Ok(Standing::Asked(creation.id))
}

/// Whether a request made an account of another address. Names are not unique, and requests do not tell the address.
pub(super) fn is_another(creation: &Creation, all: &[Account], email: &str) -> bool {
    let Progress::Made(id) = &creation.progress else {
        return false;
    };
    all.iter().any(|account| account.id == *id && !account.email.eq_ignore_ascii_case(email))
}

/// Whether an account that is not there is being made.
async fn standing(scene: &Scene<'_>, wanted: &Wanted, all: &[Account]) -> Result<Standing> {
    let (accounts, at, session) = (&scene.world.accounts, &scene.environment, session(scene));
    let (own, lost) = earlier(scene, &wanted.email).await?;
    for id in own {
        if let asked @ Standing::Asked(_) = followed(scene, wanted, all, &id).await? {
            return Ok(asked);
        }
    }
    let mut requests = accounts.creations(at, &session).await?;
    requests.retain(|creation| !is_another(creation, all, &wanted.email));
    let lost = lost.and_then(|since| found_since(&requests, &wanted.name, since));
    if let Some(creation) = lost {
        return Ok(match &creation.progress {
            Progress::Failed(_) => Standing::Absent,
            _ => Standing::Asked(creation.id.clone()),
        });
    }
    let going = |c: &&Creation| c.name == wanted.name && c.progress == Progress::Going;
    match requests.iter().find(going) {
        Some(other) => Err(failure::explain(
            &format!("planning account {} in {}: request {}", wanted.name, at.target(), other.id),
            "CONCURRENT_ACCOUNT_MODIFICATION",
        )),
        None => Ok(Standing::Absent),
    }
}

/// The newest request for an account of this name that is not older than a call of ours.
pub(super) fn found_since<'c>(
    all: &'c [Creation],
    name: &str,
    since: Timestamp,
) -> Option<&'c Creation> {
    let since = since.as_second() - SKEW_S;
    let fits = |c: &&Creation| {
        c.name == name && c.requested.is_none_or(|requested| requested.as_second() >= since)
    };
    all.iter().filter(fits).max_by_key(|creation| creation.requested)
}

/// What earlier operations noted about this address: their requests, newest first, and when a call was made whose
/// answer nobody noted.
async fn earlier(scene: &Scene<'_>, email: &str) -> Result<(Vec<String>, Option<Timestamp>)> {
    let query = Query {
        chain: Some(scene.run.target.to_string()),
        tool: Some(scene.tool.name.to_owned()),
        limit: EARLIER,
        ..Query::default()
    };
    let page = scene.world.log.store().rows(&query).await?;
    let (mut requests, mut lost) = (Vec::new(), None);
    for row in page.rows {
        let nothing =
            matches!(row.status, Status::Planned | Status::Refused | Status::ApprovalRequired);
        if nothing || row.id == scene.run.operation {
            continue;
        }
        let (own, without) = noted(scene, row.id, email).await?;
        if requests.is_empty() && lost.is_none() {
            lost = without;
        }
        requests.extend(own);
    }
    Ok((requests, lost))
}

async fn noted(
    scene: &Scene<'_>,
    operation: OperationId,
    email: &str,
) -> Result<(Option<String>, Option<Timestamp>)> {
    let (journal, _) = scene.world.runs.journal(operation, 0).await?;
    let of = |line: &&JournalLine| {
        line.field("email").as_str().is_some_and(|noted| noted.eq_ignore_ascii_case(email))
    };
    let (mut request, mut open) = (None, None);
    for line in journal.iter().filter(of) {
        match line.kind.as_str() {
            "call" => open = Some(line.ts),
            "not_taken" => open = None,
            "creation" => {
                open = None;
                request = line.field("request").as_str().map(str::to_owned);
            }
            _ => {}
        }
    }
    Ok((request, open))
}

/// How many accounts settings say may be placed anywhere: for people.
pub(super) fn bounds(scene: &Scene<'_>) -> String {
    match rules(&scene.environment) {
        Ok(rules) if !rules.units.is_empty() => rules.units.join(", "),
        _ => "any OU".to_owned(),
    }
}
