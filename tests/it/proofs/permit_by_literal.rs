//! A permit without the comparison of its proofs.
//!
//! error[E0451]: fields `decision`, `consent`, `lease` and `entry` of struct `Permit` are private: private field, private field, private field, private field

use datamcp::audit::{Entry, entry::Open};
use datamcp::lock::Lease;
use datamcp::permit::{Consent, Permit};
use datamcp::policy::Decision;

pub fn forge(decision: Decision, consent: Consent, lease: Lease, entry: Entry<Open>) -> Permit {
    Permit { decision, consent, lease, entry }
}
