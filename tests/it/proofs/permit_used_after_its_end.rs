//! A permit that is used again after the effect is over.
//!
//! error[E0382]: borrow of moved value: `permit`: value borrowed here after move

use datamcp::error::Result;
use datamcp::permit::Permit;
use datamcp::port::{Applied, Job, PlanFile, Provisioner, Watch};

pub async fn twice(
    permit: Permit,
    port: &dyn Provisioner,
    job: &Job,
    plan: PlanFile<'_>,
    watch: &dyn Watch,
) -> Result<Applied> {
    drop(permit.finish());
    port.apply(&permit, job, plan, watch).await
}
