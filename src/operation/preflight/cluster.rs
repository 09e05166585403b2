//! How the cluster of an environment stands in its cloud, and what is done to it now.

use super::{Check, Level, seen, within};
use crate::error::{Error, ErrorCode};
use crate::model::{Cloud, Cluster, ClusterAccess, Environment, OperationId};
use crate::operation::World;
use crate::operation::generate_kubeconfig;
use crate::port::ClusterOperation;

/// How long the cloud may take to tell.
const CLUSTER: u64 = 15;
/// Operations that are named.
const NAMED: usize = 3;

/// Nowhere is a cluster of this name: before the first apply nothing is wrong with that.
fn not_yet(error: &Error) -> bool {
    error.code == ErrorCode::InvalidRequest
        && error.field.as_deref() == Some("cluster")
        && !error.details.contains_key("found_in")
}

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
        Err(error) if not_yet(&error) => {
            let text = format!("{} is not there yet, or not in this place", cluster.name);
            let or = error.next.unwrap_or_else(|| "check the name".to_owned());
            let fix = format!("apply_terraform makes what the root module describes; else {or}");
            return Some(Check::unwell(Level::Warning, name, text, fix));
        }
        Err(error) => return Some(seen(name, Err(error))),
    };
    let mut text =
        format!("{} {} {} at {}", facts.kind, cluster.name, facts.version, facts.endpoint);
    let mut fixes = Vec::new();
    if facts.private_only {
        text.push_str(", a private endpoint");
        fixes.push("run datamcp inside of its network".to_owned());
    }
    // What cannot be asked is no finding.
    let lacking = world.clusters.lacks(environment).await.unwrap_or_default().join(", ");
    if !lacking.is_empty() {
        text = format!("{text}; this identity has no {lacking}");
        fixes.push(format!("have {lacking} granted to it in {}", environment.account));
    }
    let (location, session) = (environment.cluster_location(), "preflight");
    let asked = world.clusters.operations(environment, session, location, &cluster.name);
    match within(CLUSTER, "asking what is done to the cluster", asked).await {
        Ok(work) => {
            if let Some(first) = work.first() {
                text = format!("{text}; {}", ClusterOperation::words(&work, NAMED));
                fixes.push(match first.error {
                    None => "wait until it has ended; look again by preflight".to_owned(),
                    Some(_) => "mend what failed, then apply the environment again".to_owned(),
                });
            }
        }
        Err(error) => {
            text = format!("{text}; {}", error.message);
            fixes.push(error.next.unwrap_or_else(|| "try again".to_owned()));
        }
    }
    Some(if fixes.is_empty() {
        seen(name, Ok(text))
    } else {
        Check::unwell(Level::Warning, name, text, fixes.join("; "))
    })
}
