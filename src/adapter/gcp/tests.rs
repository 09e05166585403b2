//! Tokens from every source, who they belong to, clusters: against a server that gives the answers of the references and
//! remembers what it was asked. Its answers are held against Google's own descriptions of its APIs.
#![expect(clippy::disallowed_methods, reason = "a test makes the files that it needs")]

mod clusters;
mod secrets;
mod sources;
mod stand_in;
mod storage;

use std::path::{Path, PathBuf};

use self::stand_in::StandIn;
use super::GoogleIdentity;
use crate::model::{
    Backend, Cloud, CredentialSource, Environment, EnvironmentKey, GoogleAccess, GoogleSource, Tier,
};

/// What must be seen nowhere.
const CANARY: &str = "canary-7c1e";
const PROJECT: &str = "acme-dev-4711";

fn environment(stand_in: &StandIn, access: GoogleAccess) -> Environment {
    Environment {
        organization: None,
        secret_vars: std::collections::BTreeMap::new(),
        member_role: None,
        key: EnvironmentKey { cloud: Cloud::Gcp, name: "dev".into() },
        tier: Tier {
            name: "dev".into(),
            auto_approve: vec![],
            approvers: vec![],
            approver_other_than_requester: false,
            mfa: false,
            typed_name: false,
            max_delete: None,
            protected: vec![],
        },
        tree: "/project/infra/gcp".into(),
        root: "envs/dev".into(),
        account: PROJECT.into(),
        region: "europe-west1".into(),
        backend: Backend::Local { path: "/state".into() },
        workspace: None,
        vars: std::collections::BTreeMap::default(),
        credentials: CredentialSource::Google(access),
        role: None,
        session_duration_s: None,
        mfa: None,
        endpoint_url: Some(stand_in.url.clone()),
        ca_bundle: None,
        cluster: None,
        argocd: None,
    }
}

fn identity(variables: &[(&str, &str)]) -> GoogleIdentity {
    let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    GoogleIdentity::new(Vec::new(), variables)
}

fn file(path: &Path) -> GoogleAccess {
    GoogleAccess { source: GoogleSource::File { path: path.to_owned() }, ..GoogleAccess::default() }
}

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Of a person who signed in.
fn user(folder: &tempfile::TempDir) -> PathBuf {
    let text = format!(
        r#"{{"type":"authorized_user","client_id":"id","client_secret":"{CANARY}-secret",
            "refresh_token":"{CANARY}-refresh","quota_project_id":"{PROJECT}"}}"#
    );
    written(folder, "user.json", &text)
}
