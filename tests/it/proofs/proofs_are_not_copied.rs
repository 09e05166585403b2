//! One proof, two effects.
//!
//! error[E0308]: mismatched types: expected `Permit`, found `&Permit`
//! error[E0308]: mismatched types: expected `Lease`, found `&Lease`
//! error[E0308]: mismatched types: expected `Entry<Open>`, found `&Entry<Open>`
//! error[E0308]: mismatched types: expected `Approval`, found `&Approval`
//! error[E0308]: mismatched types: expected `SelfApproval`, found `&SelfApproval`

use datamcp::approval::Approval;
use datamcp::audit::{Entry, entry::Open};
use datamcp::lock::Lease;
use datamcp::permit::Permit;
use datamcp::policy::SelfApproval;

pub fn copies(permit: &Permit, lease: &Lease, entry: &Entry<Open>, approval: &Approval, own: &SelfApproval) {
    let _: Permit = permit.clone();
    let _: Lease = lease.clone();
    let _: Entry<Open> = entry.clone();
    let _: Approval = approval.clone();
    let _: SelfApproval = own.clone();
}
