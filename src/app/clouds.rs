//! The adapters of the clouds, and of tokens for their clusters.

use std::path::Path;
use std::sync::Arc;

use crate::adapter::absent::NoCloud;
use crate::adapter::by_cloud::ByCloud;
use crate::config::{ExecPlugin, Surroundings};
use crate::model::EksAccess;
use crate::port::{
    Accounts, CloudSecrets, ClusterTokens, Clusters, GoogleTokens, Identity, MemberAccount,
    Projects, Secrets, SignIn, StateBackend,
};

/// The ports that are a cloud's.
pub(super) struct Clouds {
    pub(super) identity: Arc<dyn Identity>,
    pub(super) state_backend: Arc<dyn StateBackend>,
    pub(super) clusters: Arc<dyn Clusters>,
    pub(super) secrets: Arc<dyn CloudSecrets>,
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) projects: Arc<dyn Projects>,
    pub(super) member_account: Arc<dyn MemberAccount>,
    pub(super) sign_in: Arc<dyn SignIn>,
}

/// The ports of all clouds. What is kept of them lies in this state folder; the seeds of second factors are among these
/// secrets, none of which is a cloud's.
pub(super) fn clouds(surroundings: &Surroundings, state: &Path, local: Arc<dyn Secrets>) -> Clouds {
    let (aws, gcp) = (aws(surroundings, state, local), gcp(surroundings));
    Clouds {
        identity: Arc::new(ByCloud { aws: aws.identity, gcp: gcp.identity }),
        state_backend: Arc::new(ByCloud { aws: aws.state_backend, gcp: gcp.state_backend }),
        clusters: Arc::new(ByCloud { aws: aws.clusters, gcp: gcp.clusters }),
        secrets: Arc::new(ByCloud { aws: aws.secrets, gcp: gcp.secrets }),
        // Accounts are AWS's, projects Google's.
        accounts: aws.accounts,
        projects: gcp.projects,
        member_account: aws.member_account,
        sign_in: aws.sign_in,
    }
}

/// Nobody's: of a cloud that this build was made without.
#[cfg(not(all(feature = "aws", feature = "gcp")))]
fn nobodys() -> Clouds {
    Clouds {
        identity: Arc::new(NoCloud),
        state_backend: Arc::new(NoCloud),
        clusters: Arc::new(NoCloud),
        secrets: Arc::new(NoCloud),
        accounts: Arc::new(NoCloud),
        projects: Arc::new(NoCloud),
        member_account: Arc::new(NoCloud),
        sign_in: Arc::new(NoCloud),
    }
}

#[cfg(feature = "aws")]
fn aws(surroundings: &Surroundings, state: &Path, secrets: Arc<dyn Secrets>) -> Clouds {
    use crate::adapter::aws::{
        AwsIdentity, AwsMemberAccount, AwsOrganization, AwsSecrets, EksClusters, SecondFactor,
        StateBucket,
    };
    use crate::adapter::file::FileSessions;
    let identity = Arc::new(AwsIdentity::new(
        surroundings.endpoint_overrides.clone(),
        Surroundings::for_supervisor(&[]),
        SecondFactor { sessions: Arc::new(FileSessions::new(state)), secrets },
    ));
    Clouds {
        identity: identity.clone(),
        state_backend: Arc::new(StateBucket::new(Arc::clone(&identity))),
        secrets: Arc::new(AwsSecrets::new(Arc::clone(&identity))),
        clusters: Arc::new(EksClusters::new(Arc::clone(&identity))),
        accounts: Arc::new(AwsOrganization::new(Arc::clone(&identity))),
        projects: Arc::new(NoCloud),
        sign_in: identity.clone(),
        member_account: Arc::new(AwsMemberAccount::new(identity)),
    }
}

#[cfg(not(feature = "aws"))]
fn aws(_surroundings: &Surroundings, _state: &Path, _secrets: Arc<dyn Secrets>) -> Clouds {
    nobodys()
}

#[cfg(feature = "gcp")]
fn google(surroundings: &Surroundings) -> crate::adapter::gcp::GoogleIdentity {
    crate::adapter::gcp::GoogleIdentity::new(
        surroundings.google_overrides.clone(),
        Surroundings::for_supervisor(&[]),
    )
}

#[cfg(feature = "gcp")]
fn gcp(surroundings: &Surroundings) -> Clouds {
    use crate::adapter::gcp::{GkeClusters, GoogleProjects, GoogleSecrets, GoogleStorage};
    let identity = Arc::new(google(surroundings));
    Clouds {
        identity: identity.clone(),
        state_backend: Arc::new(GoogleStorage::new(Arc::clone(&identity))),
        secrets: Arc::new(GoogleSecrets::new(Arc::clone(&identity))),
        clusters: Arc::new(GkeClusters::new(Arc::clone(&identity))),
        accounts: Arc::new(NoCloud),
        projects: Arc::new(GoogleProjects::new(identity)),
        member_account: Arc::new(NoCloud),
        sign_in: Arc::new(NoCloud),
    }
}

#[cfg(not(feature = "gcp"))]
fn gcp(_surroundings: &Surroundings) -> Clouds {
    nobodys()
}

/// Tokens for the API of a cluster of EKS, for a program that reads no settings.
#[cfg(feature = "aws")]
pub(super) fn eks_tokens(
    plugin: &ExecPlugin,
    surroundings: &Surroundings,
    access: &EksAccess,
) -> Arc<dyn ClusterTokens> {
    use crate::adapter::aws::{EksTokens, SecondFactor, TokenCache};
    use crate::adapter::file::{FileSessions, FileTokens};
    let mut factor = SecondFactor::default();
    if let Some(state) = &access.state {
        factor.sessions = Arc::new(FileSessions::new(state));
    }
    Arc::new(EksTokens {
        inherited_overrides: surroundings.endpoint_overrides.clone(),
        variables: plugin.variables.clone(),
        ca_bundle: surroundings.ca_bundle(),
        factor,
        cache: TokenCache {
            kept: Arc::new(FileTokens { folder: plugin.cache.join("eks") }),
            fingerprint: plugin.fingerprint.clone(),
            shared_files: plugin.shared_files.to_vec(),
        },
    })
}

#[cfg(not(feature = "aws"))]
pub(super) fn eks_tokens(
    _plugin: &ExecPlugin,
    _surroundings: &Surroundings,
    _access: &EksAccess,
) -> Arc<dyn ClusterTokens> {
    Arc::new(NoCloud)
}

/// Tokens of Google Cloud, for a program that reads no settings.
#[cfg(feature = "gcp")]
pub(super) fn google_tokens(
    plugin: &ExecPlugin,
    surroundings: &Surroundings,
) -> Arc<dyn GoogleTokens> {
    use crate::adapter::file::FileTokens;
    use crate::adapter::gcp::{GkeTokens, TokenCache};
    Arc::new(GkeTokens {
        identity: google(surroundings),
        cache: TokenCache {
            kept: Arc::new(FileTokens { folder: plugin.cache.join("gke") }),
            fingerprint: plugin.google_fingerprint.clone(),
            default_file: plugin.google_file.clone(),
        },
    })
}

#[cfg(not(feature = "gcp"))]
pub(super) fn google_tokens(
    _plugin: &ExecPlugin,
    _surroundings: &Surroundings,
) -> Arc<dyn GoogleTokens> {
    Arc::new(NoCloud)
}
