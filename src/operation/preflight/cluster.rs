//! How the cluster of an environment stands in its cloud, and what is done to it now.

use super::{Check, Level, seen, within};
use crate::model::{Cloud, Cluster, ClusterAccess, Environment, OperationId};
use crate::operation::World;
use crate::operation::generate_kubeconfig;

/// How long the cloud may take to tell.
const CLUSTER: u64 = 15;
/// Operations that are named.
const NAMED: usize = 3;

/// A cluster that settings name; clusters of AWS are looked at when they are used.
pub(super) async fn look(world: &World, environment: &Environment) -> Option<Check> {
    let managed = |c: &&Cluster| c.access == ClusterAccess::Managed;
    let cluster = environment.cluster.as_ref().filter(managed)?;
    if environment.key.cloud != Cloud::Gcp {
        return None;
    }
    let name = format!("{} cluster", environment.key);
    let operation = OperationId::fresh();
    let found = generate_kubeconfig::active(world, environment, operation, &cluster.name);
    let facts = match within(CLUSTER, "looking for the cluster", found).await {
        Ok(facts) => facts,
        Err(error) => return Some(seen(name, Err(error))),
    };
    let text = format!("{} {} {} at {}", facts.kind, cluster.name, facts.version, facts.endpoint);
    let (location, session) = (environment.cluster_location(), "preflight");
    let asked = world.clusters.operations(environment, session, location, &cluster.name);
    let running = match within(CLUSTER, "asking what is done to the cluster", asked).await {
        Ok(running) => running,
        Err(error) => {
            let fix = error.next.unwrap_or_else(|| "try again".to_owned());
            let text = format!("{text}; {}", error.message);
            return Some(Check::unwell(Level::Warning, name, text, fix));
        }
    };
    // What cannot be asked is no finding.
    let lacking = world.clusters.lacks(environment).await.unwrap_or_default().join(", ");
    if !lacking.is_empty() {
        let text = format!("{text}; this identity has no {lacking}");
        let fix = format!("have {lacking} granted to it in {}", environment.account);
        return Some(Check::unwell(Level::Warning, name, text, fix));
    }
    if running.is_empty() {
        return Some(if facts.private_only {
            let text = format!("{text}, a private endpoint");
            Check::unwell(Level::Warning, name, text, "run datamcp inside of its network")
        } else {
            seen(name, Ok(text))
        });
    }
    let more = if running.len() > NAMED { " and more" } else { "" };
    let named: Vec<String> = running
        .iter()
        .take(NAMED)
        .map(|o| format!("{} ({}) since {}", o.kind, o.id, o.since))
        .collect();
    let text = format!("{text}; running: {}{more}", named.join(", "));
    Some(Check::unwell(
        Level::Warning,
        name,
        text,
        "wait until it has ended; look again by preflight",
    ))
}
