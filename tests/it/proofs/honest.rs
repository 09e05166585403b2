//! What honest code does with the same types: it compiles, so the others fail for the reason they name.

use datamcp::audit::{Entry, entry::Open};
use datamcp::error::Result;
use datamcp::lock::Lease;
use datamcp::permit::{Consent, Permit};
use datamcp::policy::Decision;
use datamcp::port::{Applied, Job, PlanFile, Provisioner, Watch};

pub async fn honest(
    proofs: (Decision, Consent, Lease, Entry<Open>),
    port: &dyn Provisioner,
    job: &Job,
    plan: PlanFile<'_>,
    watch: &dyn Watch,
) -> Result<(Applied, Lease)> {
    let (decision, consent, lease, entry) = proofs;
    let permit = Permit::assemble(decision, consent, lease, entry)?;
    let applied = port.apply(&permit, job, plan, watch).await?;
    Ok((applied, permit.finish().0))
}
