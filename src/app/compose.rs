//! Joins adapters to ports. No I/O: stores open on first use, so that a server answers at once.

use std::path::Path;
use std::sync::Arc;

use crate::adapter::file::{FileAnchor, FilePlans, FileRuns};
use crate::adapter::helm::Helm;
use crate::adapter::kubeconfig::KubeconfigFiles;
use crate::adapter::premises::Machine;
use crate::adapter::process::{ProcessLauncher, SocketDesk};
use crate::adapter::sqlite::Sqlite;
use crate::adapter::terraform::{Settings, Terraform};
use crate::audit::Log;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ExecPlugin, Surroundings, surroundings};
use crate::model::{Backend, TokenSource};
use crate::operation::World;
use crate::port::{Applications, ClusterTokens, Clusters, Identity, StateBackend};

/// The world that these settings describe.
pub(super) fn world(config: Config, path: &Path, surroundings: &Surroundings) -> World {
    let state = config.state().to_path_buf();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Arc::new(Sqlite::new(&state));
    let Clouds { identity, state_backend, clusters } = clouds(surroundings);
    World {
        settings_path: path.display().to_string(),
        host: surroundings.host.clone(),
        log: Log::new(
            store.clone(),
            Arc::new(FileAnchor::new(config.anchor())),
            Arc::clone(&clock),
        ),
        leases: store.clone(),
        approvals: store,
        plans: Arc::new(FilePlans::new(&state)),
        runs: Arc::new(FileRuns::new(&state)),
        launcher: Arc::new(ProcessLauncher {
            program: surroundings.program.clone(),
            state: state.clone(),
            environment: Surroundings::for_supervisor(&referred(&config)),
        }),
        credentials: Arc::new(SocketDesk { state: state.clone(), identity: Arc::clone(&identity) }),
        applications: applications(&config, &clock),
        clusters,
        kubeconfigs: Arc::new(KubeconfigFiles {
            places: surroundings.kubeconfigs.clone(),
            program: surroundings.program.clone(),
            pod: surroundings.pod.clone(),
        }),
        identity,
        state_backend,
        premises: Arc::new(machine(&config, surroundings)),
        releases: Arc::new(Helm::new(helm(&config, surroundings))),
        provisioner: Arc::new(Terraform::new(terraform(&config, surroundings))),
        clock,
        config: Arc::new(config),
    }
}

fn machine(config: &Config, surroundings: &Surroundings) -> Machine {
    let mirror = config.raw().terraform.provider_mirror.as_ref();
    Machine {
        state: config.state().to_path_buf(),
        mirror: mirror.map(|path| config.root().join(path)),
        proxied: surroundings
            .network
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("https_proxy")),
    }
}

/// Names of the environment variables that settings refer to.
fn referred(config: &Config) -> Vec<&str> {
    let of_state = config.environments().filter_map(|e| match &e.backend {
        Backend::Cloud { token, .. } => Some(token),
        _ => None,
    });
    let of_argocd = config.environments().filter_map(|e| e.argocd.as_ref().map(|a| &a.token));
    let of_charts = config.chart_sources().iter().filter_map(|source| source.password.as_ref());
    let names = of_state.chain(of_argocd).chain(of_charts).filter_map(|token| match token {
        TokenSource::Env(name) => Some(name.as_str()),
        TokenSource::File(_) => None,
    });
    names.collect()
}

fn terraform(config: &Config, surroundings: &Surroundings) -> Settings {
    let raw = &config.raw().terraform;
    let mut settings = Settings::new(config.state().join("work"), surroundings.path.clone());
    settings.binary = raw.binary.as_ref().map(|path| config.root().join(path));
    settings.provider_mirror = raw.provider_mirror.as_ref().map(|path| config.root().join(path));
    if let Some(providers) = &raw.providers {
        settings.allowed_providers.clone_from(providers);
    }
    settings.allowed_code = raw.allow_code.iter().cloned().collect();
    settings.allowed_modules.clone_from(&raw.modules);
    settings.credential_command =
        vec![surroundings.program.display().to_string(), "credentials".into()];
    settings.passthrough.clone_from(&surroundings.network);
    settings.tokens = surroundings::all_referred(&referred(config));
    settings
}

fn helm(config: &Config, surroundings: &Surroundings) -> crate::adapter::helm::Settings {
    crate::adapter::helm::Settings {
        binary: config.raw().helm.binary.as_ref().map(|path| config.root().join(path)),
        search_path: surroundings.path.clone(),
        home: surroundings.home.clone(),
        program: surroundings.program.clone(),
        credential_command: vec![surroundings.program.display().to_string(), "credentials".into()],
        passthrough: surroundings.network.clone(),
        tokens: surroundings::all_referred(&referred(config)),
    }
}

/// Argo CD, with the tokens that settings refer to.
#[cfg(feature = "argocd")]
fn applications(config: &Config, clock: &Arc<dyn Clock>) -> Arc<dyn Applications> {
    use crate::adapter::argocd::{ArgoCd, Settings};
    Arc::new(ArgoCd::new(
        Settings { tokens: surroundings::all_referred(&referred(config)) },
        Arc::clone(clock),
    ))
}

#[cfg(not(feature = "argocd"))]
fn applications(_config: &Config, _clock: &Arc<dyn Clock>) -> Arc<dyn Applications> {
    Arc::new(crate::adapter::no_argocd::NoArgoCd)
}

/// Tokens for the API of a cluster, for a program that reads no settings.
#[cfg(feature = "aws")]
pub(super) fn cluster_tokens(
    plugin: &ExecPlugin,
    surroundings: &Surroundings,
) -> Arc<dyn ClusterTokens> {
    use crate::adapter::aws::{EksTokens, TokenCache};
    Arc::new(EksTokens {
        inherited_overrides: surroundings.endpoint_overrides.clone(),
        cache: TokenCache {
            folder: plugin.cache.join("eks"),
            fingerprint: plugin.fingerprint.clone(),
            shared_files: plugin.shared_files.to_vec(),
        },
    })
}

#[cfg(not(feature = "aws"))]
pub(super) fn cluster_tokens(
    _plugin: &ExecPlugin,
    _surroundings: &Surroundings,
) -> Arc<dyn ClusterTokens> {
    Arc::new(crate::adapter::absent::NoCloud)
}

/// The ports that are a cloud's.
pub(super) struct Clouds {
    pub(super) identity: Arc<dyn Identity>,
    pub(super) state_backend: Arc<dyn StateBackend>,
    pub(super) clusters: Arc<dyn Clusters>,
}

#[cfg(feature = "aws")]
pub(super) fn clouds(surroundings: &Surroundings) -> Clouds {
    use crate::adapter::aws::{AwsIdentity, EksClusters, StateBucket};
    let identity = Arc::new(AwsIdentity::new(
        surroundings.endpoint_overrides.clone(),
        Surroundings::for_supervisor(&[]),
    ));
    Clouds {
        identity: identity.clone(),
        state_backend: Arc::new(StateBucket::new(Arc::clone(&identity))),
        clusters: Arc::new(EksClusters::new(identity)),
    }
}

#[cfg(not(feature = "aws"))]
pub(super) fn clouds(_surroundings: &Surroundings) -> Clouds {
    use crate::adapter::absent::NoCloud;
    Clouds {
        identity: Arc::new(NoCloud),
        state_backend: Arc::new(NoCloud),
        clusters: Arc::new(NoCloud),
    }
}
