//! A cluster whose API cannot be used now: the error says what its cloud does to it, or could not do. Nobody is kept
//! waiting here: whoever started that work waits for it, and `preflight` looks again.

use std::time::Duration;

use super::World;
use crate::error::{Error, ErrorCode};
use crate::model::{Cloud, Environment};
use crate::port::ClusterOperation;

/// How long the cloud may take to tell: without its answer the error is poorer, and no worse.
const LIMIT: Duration = Duration::from_secs(5);
/// Operations that are named.
const NAMED: usize = 3;

/// The error for a cluster that the cloud calls by this status.
pub(super) async fn unready(
    world: &World,
    environment: &Environment,
    (session, cluster): (&str, &str),
    doing: &str,
    status: String,
) -> Error {
    let location = environment.cluster_location();
    let asked = world.clusters.operations(environment, session, location, cluster);
    let work = tokio::time::timeout(LIMIT, asked).await;
    let work = work.ok().and_then(Result::ok).unwrap_or_default();
    let mut why = format!("{doing}: it is {status}, its API cannot be used now");
    if !work.is_empty() {
        why = format!("{why}; {}", ClusterOperation::words(&work, NAMED));
    }
    let error = Error::new(ErrorCode::UpstreamFailed, why)
        .field("cluster")
        .given(cluster)
        .detail("cluster_status", status);
    match work.first() {
        Some(first) if first.error.is_some() => error
            .detail("failed_operation", first.id.as_str())
            .next("mend what it says, then apply the environment again"),
        Some(first) => error
            .detail("running_operation", first.id.as_str())
            .next(format!("wait until {} has ended; preflight shows how far it is", first.id)),
        None => error.next(waiting(environment.key.cloud)),
    }
}

/// How to wait for a cluster of which the cloud tells no more.
fn waiting(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => {
            "wait until it is ACTIVE, then call again; `aws eks wait cluster-active` waits for it"
        }
        Cloud::Gcp => {
            "wait until it is RUNNING, then call again; preflight shows what is done to it"
        }
    }
}
