//! A port's method that changes something, called without a permit.
//!
//! error[E0061]: this method takes 4 arguments but 3 arguments were supplied

use datamcp::error::Result;
use datamcp::port::{Applied, Job, PlanFile, Provisioner, Watch};

pub async fn around(
    port: &dyn Provisioner,
    job: &Job,
    plan: PlanFile<'_>,
    watch: &dyn Watch,
) -> Result<Applied> {
    port.apply(job, plan, watch).await
}
