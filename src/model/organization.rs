//! Organizations: where accounts are made, and the bounds that settings put on that.

use serde::{Deserialize, Serialize};

/// An organization as settings describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its name in settings.
    pub name: String,
    /// Roots and organizational units in which accounts may be placed, or organizations and folders in which projects may
    /// be made; empty: all of them.
    pub units: Vec<String>,
    /// Domains of the addresses that accounts may have; empty: all of them.
    pub email_domains: Vec<String>,
    /// Whether this is not the organization itself but one account of it, reached by a role there.
    pub member: bool,
    /// What is said of one of Google Cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub google: Option<GoogleBounds>,
}

impl Organization {
    /// Whether an account may be placed there, or a project made.
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

/// What settings say beyond that of an organization of Google Cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleBounds {
    /// Its number.
    pub number: String,
    /// Accounts that projects may be billed to; empty: all of them.
    pub billing_accounts: Vec<String>,
    /// Labels that every project gets.
    pub labels: std::collections::BTreeMap<String, String>,
}

/// A budget for one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// How much a month, in whole units of the currency.
    pub amount: u64,
    /// Its code (ISO 4217), for instance `EUR`.
    pub currency: String,
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}
