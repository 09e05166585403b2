//! What an exec plugin of a kubeconfig is started in. It needs no settings file: kubectl starts it anywhere.
#![expect(clippy::disallowed_methods, reason = "reads environment variables, as its parent does")]

use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorCode, Result};
use crate::secret::Variables;

/// What a client of Kubernetes and the user's shell say to an exec plugin.
#[derive(Debug, Clone)]
pub struct ExecPlugin {
    /// Version of the answer that the client wants.
    pub api_version: String,
    /// Folder for what may be lost (`XDG_CACHE_HOME`, else `~/.cache`).
    pub cache: PathBuf,
    /// A hash over every variable that decides whose credentials are found. It tells nothing about them.
    pub fingerprint: String,
    /// All variables of the user's shell: what gives out keys is started with them, as the AWS CLI starts it.
    pub variables: Variables,
    /// The shared AWS configuration and credentials files.
    pub shared_files: [PathBuf; 2],
    /// The hash for Google's variables.
    pub google_fingerprint: String,
    /// The file of Google's application default credentials.
    pub google_file: PathBuf,
}

/// Versions that can be answered, the one for clients that name none first.
const VERSIONS: [&str; 2] =
    ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo {
    api_version: String,
}

impl ExecPlugin {
    /// Reads it.
    pub fn read() -> Result<Self> {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let base = path("XDG_CACHE_HOME").filter(|p| p.is_absolute());
        let gcloud = path("CLOUDSDK_CONFIG").unwrap_or_else(|| home.join(".config/gcloud"));
        let file = |name, usual: &str| path(name).unwrap_or_else(|| home.join(usual));
        Ok(Self {
            api_version: version(std::env::var("KUBERNETES_EXEC_INFO").ok().as_deref())?,
            cache: base.unwrap_or_else(|| home.join(".cache")).join("datamcp"),
            fingerprint: fingerprint(&["AWS_"]),
            variables: Variables::new(std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            })),
            google_fingerprint: fingerprint(&["GOOGLE_", "CLOUDSDK_", "GCE_METADATA_"]),
            google_file: path("GOOGLE_APPLICATION_CREDENTIALS")
                .unwrap_or_else(|| gcloud.join("application_default_credentials.json")),
            shared_files: [
                file("AWS_CONFIG_FILE", ".aws/config"),
                file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
            ],
        })
    }
}

/// A hash over the variables whose names begin so.
fn fingerprint(beginnings: &[&str]) -> String {
    let mut digest = Sha256::new();
    let mut variables: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| {
            beginnings.iter().any(|b| name.as_encoded_bytes().starts_with(b.as_bytes()))
        })
        .collect();
    variables.sort();
    for text in variables.iter().flat_map(|(name, value)| [name, value]) {
        digest.update(text.len().to_be_bytes());
        digest.update(text.as_encoded_bytes());
    }
    hex::encode(digest.finalize())
}

/// The version that `KUBERNETES_EXEC_INFO` asks for (Kubernetes, "client-go credential plugins").
fn version(info: Option<&str>) -> Result<String> {
    let Some(info) = info.filter(|text| !text.is_empty()) else {
        return Ok(VERSIONS[0].to_owned());
    };
    let refused = |why: String| {
        Error::new(
            ErrorCode::InvalidRequest,
            format!("reading KUBERNETES_EXEC_INFO, which the client of Kubernetes sets: {why}"),
        )
        .field("KUBERNETES_EXEC_INFO")
        .allowed(VERSIONS.join(", "))
    };
    let info: ExecInfo = serde_json::from_str(info).map_err(|e| refused(e.to_string()))?;
    if VERSIONS.contains(&info.api_version.as_str()) {
        return Ok(info.api_version);
    }
    Err(refused("this version cannot be answered".to_owned())
        .given(info.api_version)
        .next("use a newer kubectl, or a kubeconfig whose exec entry names one of these versions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_version_that_was_asked_for() {
        let info = |v: &str| {
            format!(
                r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/{v}","spec":{{"interactive":false}}}}"#
            )
        };
        assert_eq!(version(None).unwrap(), "client.authentication.k8s.io/v1");
        assert_eq!(version(Some("")).unwrap(), "client.authentication.k8s.io/v1");
        for known in ["v1", "v1beta1"] {
            let wanted = format!("client.authentication.k8s.io/{known}");
            assert_eq!(version(Some(&info(known))).unwrap(), wanted);
        }
        let error = version(Some(&info("v1alpha1"))).unwrap_err();
        assert_eq!(error.given.as_deref(), Some("client.authentication.k8s.io/v1alpha1"));
        version(Some("{")).unwrap_err();
    }
}
