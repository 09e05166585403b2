//! The adapters of the clouds, and of tokens for their clusters.

use std::sync::Arc;

use crate::adapter::absent::NoCloud;
use crate::adapter::by_cloud::ByCloud;
use crate::config::{ExecPlugin, Surroundings};
use crate::port::{
    Accounts, CloudSecrets, ClusterTokens, Clusters, GoogleTokens, Identity, MemberAccount,
    Projects, StateBackend,
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
}

/// The ports of all clouds.
pub(super) fn clouds(surroundings: &Surroundings) -> Clouds {
    let (aws, gcp) = (aws(surroundings), gcp(surroundings));
    Clouds {
        identity: Arc::new(ByCloud { aws: aws.identity, gcp: gcp.identity }),
        state_backend: Arc::new(ByCloud { aws: aws.state_backend, gcp: gcp.state_backend }),
        clusters: Arc::new(ByCloud { aws: aws.clusters, gcp: gcp.clusters }),
        secrets: Arc::new(ByCloud { aws: aws.secrets, gcp: gcp.secrets }),
        // Accounts are AWS's, projects Google's.
        accounts: aws.accounts,
        projects: gcp.projects,
        member_account: aws.member_account,
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
    }
}

#[cfg(feature = "aws")]
fn aws(surroundings: &Surroundings) -> Clouds {
    use crate::adapter::aws::{
        AwsIdentity, AwsMemberAccount, AwsOrganization, AwsSecrets, EksClusters, StateBucket,
    };
    let identity = Arc::new(AwsIdentity::new(
        surroundings.endpoint_overrides.clone(),
        Surroundings::for_supervisor(&[]),
    ));
    Clouds {
        identity: identity.clone(),
        state_backend: Arc::new(StateBucket::new(Arc::clone(&identity))),
        secrets: Arc::new(AwsSecrets::new(Arc::clone(&identity))),
        clusters: Arc::new(EksClusters::new(Arc::clone(&identity))),
        accounts: Arc::new(AwsOrganization::new(Arc::clone(&identity))),
        projects: Arc::new(NoCloud),
        member_account: Arc::new(AwsMemberAccount::new(identity)),
    }
}

#[cfg(not(feature = "aws"))]
fn aws(_surroundings: &Surroundings) -> Clouds {
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
) -> Arc<dyn ClusterTokens> {
    use crate::adapter::aws::{EksTokens, TokenCache};
    use crate::adapter::file::FileTokens;
    Arc::new(EksTokens {
        inherited_overrides: surroundings.endpoint_overrides.clone(),
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
