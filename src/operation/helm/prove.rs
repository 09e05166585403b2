//! An end that nobody saw, told by the release itself: whoever looks at a release whose change died together with its
//! supervisor finds out how it ended, and frees the environment.

use crate::audit::Body;
use crate::error::Result;
use crate::model::{Actor, Environment, Outcome, Principal, Status};
use crate::operation::World;
use crate::port::ReleaseJob;
use crate::run::settle;

/// Looks whether the environment is blocked by a change of this release, and records what its history proves of it.
pub(in crate::operation) async fn prove(
    world: &World,
    environment: &Environment,
    job: &ReleaseJob,
) -> Result<()> {
    let chain = environment.key.to_string();
    let held = world.leases.lease(&chain).await?.filter(|l| !l.alive).and_then(|l| l.holder);
    if let Some(dead) = held {
        settle(&world.stores(), dead.operation).await?;
    }
    let lease = world.leases.lease(&chain).await?;
    // While a helm of it lives, its end is still to come.
    let Some(blocked) = lease.filter(|l| !l.alive).and_then(|l| l.blocked) else { return Ok(()) };
    let Some(row) = world.log.store().row(blocked.operation).await? else { return Ok(()) };
    if row.status != Status::Unknown {
        return Ok(());
    }
    let (journal, _) = world.runs.journal(row.id, 0).await?;
    let Some(intent) = journal.iter().rev().find(|line| line.kind == "intent") else {
        return Ok(());
    };
    let Some((outcome, note)) = world.releases.proven(job, &intent.body).await? else {
        return Ok(());
    };
    if outcome == Outcome::Unknown {
        return Ok(());
    }
    let actor =
        Actor { principal: Principal("datamcp".into()), os_user: row.os_user.clone(), agent: None };
    let body = Body::Proven { status: outcome.into(), note };
    world.log.record(row.id, &row.chain, &actor, body).await?;
    world.leases.unblock(&row.chain, row.id).await
}
