//! Organizations: where accounts are made, and the bounds that settings put on that.

use serde::{Deserialize, Serialize};

/// An organization as settings describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its name in settings.
    pub name: String,
    /// Roots and organizational units in which accounts may be placed; empty: all of them.
    pub units: Vec<String>,
    /// Domains of the addresses that accounts may have; empty: all of them.
    pub email_domains: Vec<String>,
    /// Whether this is not the organization itself but one account of it, reached by a role there.
    pub member: bool,
}

impl Organization {
    /// Whether an account may be placed there.
    pub fn takes(&self, unit: &str) -> bool {
        self.units.is_empty() || self.units.iter().any(|known| known == unit)
    }

    /// Whether an account may have this address.
    pub fn knows(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.email_domains.is_empty()
            || self.email_domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
    }
}
