//! Secrets that settings refer to.

use async_trait::async_trait;

use crate::error::Result;
use crate::model::{Environment, SecretRef};
use crate::secret::Secret;

/// A secret, and what tells it from an earlier one of the same name.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// What it is.
    pub value: Secret,
    /// Its version, which says nothing about the value; none where its place knows no versions.
    pub version: Option<String>,
}

/// Fetches what a reference means, from wherever that is.
#[async_trait]
pub trait Secrets: std::fmt::Debug + Send + Sync {
    /// The secret; nothing when the variable is not set, the file is not there, or either is empty. What is fetched is
    /// masked in every text of this process from then on.
    async fn fetch(&self, reference: &SecretRef) -> Result<Option<Fetched>>;
}

/// Fetches what a cloud keeps, as an environment.
#[async_trait]
pub trait CloudSecrets: std::fmt::Debug + Send + Sync {
    /// The whole secret. Of an object the caller takes the entry that is meant.
    async fn whole(&self, environment: &Environment, reference: &SecretRef) -> Result<Fetched>;
}

/// Where there are none.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn fetch(&self, _reference: &SecretRef) -> Result<Option<Fetched>> {
        Ok(None)
    }
}

/// For tests of adapters: variables by name, and files.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) std::collections::BTreeMap<String, Secret>);

#[cfg(test)]
impl Told {
    /// One variable.
    pub(crate) fn one(name: &str, value: &str) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self([(name.to_owned(), Secret::new(value))].into()))
    }
}

#[cfg(test)]
#[async_trait]
impl Secrets for Told {
    #[expect(clippy::disallowed_methods, reason = "a test reads the file that it wrote")]
    async fn fetch(&self, reference: &SecretRef) -> Result<Option<Fetched>> {
        let value = match reference {
            SecretRef::Env(name) => self.0.get(name).cloned(),
            SecretRef::File(path) => std::fs::read_to_string(path).ok().map(Secret::new),
            SecretRef::Aws(_) | SecretRef::Gcp(_) => None,
        };
        Ok(value.map(|value| Fetched { value, version: None }))
    }
}
