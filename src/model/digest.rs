//! SHA-256 over bytes and over canonical JSON (sorted keys, no white space).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// Of the canonical JSON form of a value: equal values have equal digests whatever their key order was.
    pub fn of_json(value: &serde_json::Value) -> Self {
        Self::of(canonical(value))
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Canonical JSON: `serde_json`'s map is sorted by key, its writer adds no white space.
pub fn canonical(value: &serde_json::Value) -> String {
    value.to_string()
}

/// Collects parts into one digest; each part is preceded by its length, so that no two lists of parts collide.
#[derive(Debug, Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Adds one part.
    pub fn add(&mut self, part: &[u8]) -> &mut Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// The digest of all parts added so far.
    pub fn finish(self) -> Digest {
        Digest(format!("sha256:{}", hex::encode(self.0.finalize())))
    }
}
