//! Credentials files, as Google defines them ("Application Default Credentials"; AIP-4112, AIP-4117). A file is a wish:
//! it names hosts and programs, and only Google's hosts and programs that settings list are let through.
#![expect(clippy::disallowed_methods, reason = "credentials are in a file; this adapter reads it")]

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::FILE_MAX;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name;
use crate::secret::Secret;

/// What is in a file.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Document {
    AuthorizedUser(User),
    ServiceAccount(Key),
    ExternalAccount(Box<Pool>),
    ImpersonatedServiceAccount(Impersonated),
}

/// A person who signed in.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) client_id: String,
    #[serde(deserialize_with = "secret")]
    pub(super) client_secret: Secret,
    #[serde(deserialize_with = "secret")]
    pub(super) refresh_token: Secret,
    pub(super) quota_project_id: Option<String>,
}

/// A key of a service account.
#[derive(Deserialize)]
pub(super) struct Key {
    pub(super) client_email: String,
    #[serde(deserialize_with = "secret")]
    #[serde(rename = "private_key")]
    pub(super) pem: Secret,
    #[serde(rename = "private_key_id")]
    pub(super) id: String,
    pub(super) token_uri: Option<String>,
}

/// Somebody whom another identity provider knows.
#[derive(Deserialize)]
pub(super) struct Pool {
    pub(super) audience: String,
    pub(super) subject_token_type: String,
    pub(super) token_url: String,
    pub(super) credential_source: Source,
    pub(super) service_account_impersonation_url: Option<String>,
    pub(super) workforce_pool_user_project: Option<String>,
    /// A client of OAuth that would speak for it; nobody needs one for a workload.
    pub(super) client_id: Option<String>,
}

/// Where its token is. One of the first four.
#[derive(Deserialize)]
pub(super) struct Source {
    pub(super) file: Option<PathBuf>,
    pub(super) url: Option<String>,
    pub(super) executable: Option<Executable>,
    pub(super) environment_id: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) format: Format,
}

#[derive(Deserialize)]
pub(super) struct Executable {
    pub(super) command: String,
    pub(super) timeout_millis: Option<u64>,
}

/// How the token lies there.
#[derive(Deserialize, Default)]
pub(super) struct Format {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) subject_token_field_name: Option<String>,
}

/// A service account that is acted as.
#[derive(Deserialize)]
pub(super) struct Impersonated {
    service_account_impersonation_url: String,
    #[serde(default)]
    delegates: Vec<String>,
    pub(super) source_credentials: Box<Document>,
}

impl Impersonated {
    /// The account, and those on the way.
    pub(super) fn chain(&self, doing: &str) -> Result<(String, Vec<String>)> {
        let target = impersonated(&self.service_account_impersonation_url, doing)?;
        for account in &self.delegates {
            name::service_account(account)
                .map_err(|bad| refused(doing, "delegates", &format!("{account} {}", bad.why)))?;
        }
        Ok((target, self.delegates.clone()))
    }
}

impl Document {
    /// Whether whoever reads the file is the one that it speaks of.
    pub(super) fn holds_a_secret(&self) -> bool {
        match self {
            Self::AuthorizedUser(_) | Self::ServiceAccount(_) => true,
            Self::ExternalAccount(_) => false,
            Self::ImpersonatedServiceAccount(other) => other.source_credentials.holds_a_secret(),
        }
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::new)
}

/// A file that was read.
pub(super) struct Opened {
    pub(super) document: Document,
    pub(super) readable_by_others: bool,
}

/// Reads one.
pub(super) fn read(path: &Path, doing: &str) -> Result<Opened> {
    let shown = path.display();
    let bad = |why: String| {
        Error::new(ErrorCode::InvalidRequest, format!("{doing}: credentials file {shown} {why}"))
            .field("credentials")
    };
    let mut file = std::fs::File::open(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let facts = file.metadata().map_err(|e| bad(format!("cannot be read: {e}")))?;
    if !facts.is_file() || facts.len() > FILE_MAX {
        return Err(bad(format!("is not a file of at most {FILE_MAX} bytes")));
    }
    let mut text = Vec::new();
    Read::by_ref(&mut file)
        .take(FILE_MAX)
        .read_to_end(&mut text)
        .map_err(|e| bad(format!("cannot be read: {e}")))?;
    // What is wrong with it is not quoted: it may hold a key.
    let document = serde_json::from_slice(&text).map_err(|_| {
        bad("is of a kind that is not known, or incomplete".to_owned()).allowed(
            "authorized_user, external_account, impersonated_service_account or service_account, whole",
        )
    })?;
    Ok(Opened { document, readable_by_others: facts.mode() & 0o077 != 0 })
}

/// A file that asks for what is not given to it.
pub(super) fn refused(doing: &str, field: &str, why: &str) -> Error {
    Error::new(
        ErrorCode::InvalidRequest,
        format!("{doing}: {field} of the credentials file: {why}"),
    )
    .field(field)
}

/// The service account of a URL of the IAM Credentials API; another URL would be given the token.
pub(super) fn impersonated(url: &str, doing: &str) -> Result<String> {
    let account = url
        .strip_prefix("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/")
        .and_then(|rest| rest.strip_suffix(":generateAccessToken"))
        .filter(|account| name::service_account(account).is_ok());
    account.map(str::to_owned).ok_or_else(|| {
        refused(
            doing,
            "service_account_impersonation_url",
            "is not that of generateAccessToken for a service account",
        )
    })
}
