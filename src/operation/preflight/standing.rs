//! How an environment stands: its lock, what has not ended, the place of its state.

use super::{Check, Level, seen, within};
use crate::audit::store::Query;
use crate::error::Result;
use crate::model::{Backend, Cloud, ClusterAccess, Environment};
use crate::operation::World;
use crate::port::ClusterUser;

/// How long the place of the state may take to be looked at.
const BACKEND: u64 = 15;
/// Operations that are named.
const NAMED: usize = 3;

/// Whether somebody holds or blocks it, and what has not ended.
pub(super) async fn lock(world: &World, environment: &Environment) -> Check {
    let key = environment.target().to_string();
    let name = format!("{key} lock");
    let lease = match world.leases.lease(&key).await {
        Ok(lease) => lease,
        Err(error) => return seen(name, Err(error)),
    };
    if let Some(blocked) = lease.as_ref().and_then(|lease| lease.blocked.as_ref()) {
        let text = format!(
            "blocked since {} by operation {}: {}",
            blocked.since, blocked.operation, blocked.reason
        );
        let fix = format!(
            "a person looks at the environment, then `datamcp reconcile {} --as … --note …`",
            blocked.operation
        );
        return Check::unwell(Level::Failed, name, text, fix);
    }
    if let Some(holder) = lease.as_ref().and_then(|lease| lease.holder.as_ref()) {
        let alive = lease.as_ref().is_some_and(|lease| lease.alive);
        let state = if alive { "held" } else { "left behind" };
        let text = format!(
            "{state} by operation {} ({} of {}) since {}",
            holder.operation, holder.tool, holder.user, holder.since
        );
        let fix = format!("`datamcp get-operation --id {} --wait-s 600`", holder.operation);
        return Check::unwell(Level::Warning, name, text, fix);
    }
    let open = Query { chain: Some(key), open: true, limit: NAMED + 1, ..Query::default() };
    match world.log.store().rows(&open).await {
        Err(error) => seen(name, Err(error)),
        Ok(page) if page.rows.is_empty() => {
            seen(name, Ok("free, no operation is unfinished".into()))
        }
        Ok(page) => {
            let more = if page.rows.len() > NAMED { " and more" } else { "" };
            let ids: Vec<String> =
                page.rows.iter().take(NAMED).map(|row| row.id.to_string()).collect();
            let text = format!("free, but not ended: {}{more}", ids.join(", "));
            let fix = "`datamcp get-operation --id ID` settles what nobody works on any more";
            Check::unwell(Level::Warning, name, text, fix)
        }
    }
}

/// Whether a cluster that a file alone knows can be reached as it says. Clusters of the cloud are looked at when they are
/// used.
pub(super) async fn cluster(world: &World, environment: &Environment) -> Option<Check> {
    let cluster = environment.cluster.as_ref().filter(|c| c.access != ClusterAccess::Managed)?;
    let found = world.kubeconfigs.reach(cluster).await.map(|(facts, user)| {
        let user = match user {
            ClusterUser::Given(given) => given.about,
            ClusterUser::Minted => environment.key.to_string(),
        };
        format!("{} at {}, {user}", facts.name, facts.endpoint)
    });
    let name = format!("{} cluster", environment.key);
    Some(match (found, &cluster.uid) {
        (Ok(text), None) if cluster.access != ClusterAccess::InCluster => {
            let fix = "set cluster.uid: the file alone says which cluster this is";
            Check::unwell(Level::Warning, name, text, fix)
        }
        (found, _) => seen(name, found),
    })
}

/// Whether the place of the state is there and as it should be.
pub(super) async fn backend(world: &World, environment: &Environment) -> Option<Check> {
    let name = format!("{} state", environment.key);
    match &environment.backend {
        Backend::S3 { .. } => {}
        Backend::Gcs { .. } if environment.key.cloud == Cloud::Gcp => {}
        Backend::Local { path } => {
            let text = format!("the file {}", path.display());
            let fix = "good for trying things out; use a bucket for what has to last";
            return Some(Check::unwell(Level::Warning, name, text, fix));
        }
        // Nothing of ours speaks to these places; the first plan does, by terraform.
        other @ (Backend::Gcs { .. } | Backend::Cloud { .. }) => {
            return Some(seen(name, Ok(format!("{}, not looked at", other.identity()))));
        }
    }
    let look = world.state_backend.observe(environment, "preflight");
    let findings = match within(BACKEND, "looking at the place of the state", look).await {
        Ok(findings) => findings,
        Err(error) => return Some(seen(name, Err(error))),
    };
    let wrong: Vec<String> = findings
        .settings
        .iter()
        .filter(|setting| setting.action.is_some())
        .map(|setting| format!("{} is {}", setting.name, setting.seen))
        .collect();
    let there = !findings.settings.iter().any(|s| s.name == "bucket" && s.action.is_some());
    let bootstrap = format!(
        "`datamcp bootstrap-state-backend --cloud {} --env {}` plans it",
        environment.key.cloud.word(),
        environment.key.name
    );
    // What cannot be asked is no finding.
    let lacking = world.state_backend.lacks(environment, true).await.unwrap_or_default().join(", ");
    if there && !lacking.is_empty() {
        let text = format!("{}: this identity has no {lacking}", findings.place);
        let fix = format!("have {lacking} granted to it on the bucket: terraform needs it");
        return Some(Check::unwell(Level::Warning, name, text, fix));
    }
    Some(match (there, wrong.is_empty()) {
        (true, true) => seen(
            name,
            Ok(format!(
                "{}, {} settings as they should be",
                findings.place,
                findings.settings.len()
            )),
        ),
        (true, false) => {
            let text = format!("{}: {}", findings.place, wrong.join(", "));
            Check::unwell(Level::Warning, name, text, bootstrap)
        }
        (false, _) => {
            let text = format!("{} is not there yet", findings.place);
            Check::unwell(Level::Warning, name, text, bootstrap)
        }
    })
}

/// A file that Terraform takes for its state in Cloud Storage, where it holds a key that does not end.
pub(super) async fn state_key(world: &World, environment: &Environment) -> Option<Check> {
    let Backend::Gcs { credentials: Some(path), .. } = &environment.backend else { return None };
    let name = format!("{} state credentials", environment.key);
    let file = match world.premises.google_file(path).await {
        Ok(file) => file,
        Err(error) => return Some(seen(name, Err(error))),
    };
    let path = path.display();
    Some(match file.key_of {
        Some(account) => {
            let text = format!(
                "{path} holds a key of service account {account}: it does not end, and whoever copies it is that account"
            );
            let fix =
                "use workload identity federation or a person's own sign-in, then delete the key";
            Check::unwell(Level::Warning, name, text, fix)
        }
        None if file.readable_by_others => {
            let text = format!("{path} can be read by others");
            Check::unwell(Level::Warning, name, text, format!("chmod 600 {path}"))
        }
        None => seen(name, Ok(format!("{path}, without a key of a service account"))),
    })
}

/// The root module: read and scanned, nothing started.
pub(super) async fn module(world: &World, environment: &Environment) -> Check {
    let module: Result<String> = world.provisioner.inspect(environment).await.map(|module| {
        let folder = environment.tree.join(&environment.root);
        format!("{} with {} variables", folder.display(), module.variables.len())
    });
    seen(format!("{} module", environment.key), module)
}
