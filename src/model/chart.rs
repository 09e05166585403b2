//! Where charts are taken from, besides the project's own folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SecretRef;

/// A place on the list of `[helm.sources]`: a repository of charts (HTTP), or a part of an OCI registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartSource {
    /// Its name in settings.
    pub name: String,
    /// Its URL, without a slash at the end: `https://…`, `oci://…`; plain `http://…` on this machine alone.
    pub url: String,
    /// Whether a registry on this machine is spoken to without TLS.
    pub plain_http: bool,
    /// User's name, where the source wants one.
    pub username: Option<String>,
    /// Where that user's password is.
    pub password: Option<SecretRef>,
    /// Certificates of the authorities to trust for it, in place of the system's.
    pub ca: Option<PathBuf>,
    /// Public keys that signatures of charts are checked with.
    pub keyring: Option<PathBuf>,
    /// Whether a chart without a signature is refused.
    pub signed: bool,
    /// Beginnings of URLs, besides its own, that it may send us to: where it keeps archives, and who makes its tokens.
    pub elsewhere: Vec<String>,
}

impl ChartSource {
    /// Whether this is a registry.
    pub fn is_registry(&self) -> bool {
        self.url.starts_with("oci://")
    }

    /// Whether a chart of this URL lies in the source: below it, and not beside it under a longer name.
    pub fn holds(&self, chart: &str) -> bool {
        chart.strip_prefix(self.url.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// One chart in a source, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartAt {
    /// The source.
    pub source: ChartSource,
    /// The chart's URL, without a version.
    pub url: String,
    /// Its name.
    pub name: String,
    /// The version; a registry may be asked by digest alone.
    pub version: Option<String>,
    /// Digest of the registry's manifest, `sha256:…`.
    pub digest: Option<String>,
}

impl std::fmt::Display for ChartAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chart {}", self.url)?;
        self.version.iter().try_for_each(|version| write!(f, " {version}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, " @{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_holds_what_lies_below_it_and_nothing_beside_it() {
        let source = ChartSource {
            name: "main".into(),
            url: "oci://registry.example.com/charts".into(),
            plain_http: false,
            username: None,
            password: None,
            ca: None,
            keyring: None,
            signed: false,
            elsewhere: Vec::new(),
        };
        assert!(source.is_registry());
        assert!(source.holds("oci://registry.example.com/charts/web"));
        assert!(source.holds("oci://registry.example.com/charts/team/web"));
        assert!(!source.holds("oci://registry.example.com/charts-of-others/web"));
        assert!(!source.holds("oci://registry.example.com/charts"));
        assert!(!source.holds("https://registry.example.com/charts/web"));
    }
}
