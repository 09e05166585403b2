//! Joins adapters to ports. No I/O: stores open on first use, so that a server answers at once.

use std::path::Path;
use std::sync::Arc;

use super::clouds::{Clouds, clouds};
use crate::adapter::absent::NoCloud;
use crate::adapter::file::{FileAnchor, FilePlans, FileRuns};
use crate::adapter::helm::Helm;
use crate::adapter::kubeconfig::KubeconfigFiles;
use crate::adapter::premises::Machine;
use crate::adapter::process::{ProcessLauncher, SocketDesk};
use crate::adapter::secrets::References;
use crate::adapter::sqlite::Sqlite;
use crate::adapter::terraform::{Settings, Terraform};
use crate::audit::Log;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Surroundings, surroundings};
use crate::model::{Backend, SecretRef};
use crate::operation::World;
use crate::port::{Applications, CloudSecrets, Secrets};

/// The world that these settings describe.
pub(super) fn world(config: Config, path: &Path, surroundings: &Surroundings) -> World {
    let state = config.state().to_path_buf();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Arc::new(Sqlite::new(&state));
    let clouds = clouds(surroundings, &state, local(&config));
    let Clouds { identity, state_backend, clusters, accounts, projects, member_account, .. } =
        clouds;
    let secrets = references(&config, clouds.secrets);
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
        credentials: Arc::new(SocketDesk {
            state: state.clone(),
            identity: Arc::clone(&identity),
            command: credential_command(surroundings),
        }),
        accounts,
        projects,
        member_account,
        sign_in: clouds.sign_in,
        applications: applications(&clock, Arc::clone(&secrets)),
        clusters,
        kubeconfigs: Arc::new(KubeconfigFiles {
            places: surroundings.kubeconfigs.clone(),
            program: surroundings.program.clone(),
            pod: surroundings.pod.clone(),
        }),
        identity,
        state_backend,
        premises: Arc::new(machine(&config, surroundings)),
        releases: Arc::new(Helm::new(helm(&config, surroundings, Arc::clone(&secrets)))),
        provisioner: Arc::new(Terraform::new(terraform(
            &config,
            surroundings,
            Arc::clone(&secrets),
        ))),
        secrets,
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
    let of_variables = config.environments().flat_map(|e| e.secret_vars.values());
    let of_argocd = config.environments().filter_map(|e| e.argocd.as_ref().map(|a| &a.token));
    let of_charts = config.chart_sources().iter().filter_map(|source| source.password.as_ref());
    let sites = config.environments().chain(config.organizations());
    let of_factors = sites.filter_map(|site| site.mfa.as_ref()?.totp.as_ref());
    let all = of_state.chain(of_variables).chain(of_argocd).chain(of_charts).chain(of_factors);
    all.filter_map(SecretRef::variable).collect()
}

/// What children start to be given credentials.
fn credential_command(surroundings: &Surroundings) -> Vec<String> {
    vec![surroundings.program.display().to_string(), "credentials".into()]
}

/// What settings refer to in variables and files, for whoever gives out keys: a cloud's secret needs such keys itself.
pub(super) fn local(config: &Config) -> Arc<dyn Secrets> {
    let variables = surroundings::all_referred(&referred(config));
    Arc::new(References::new(variables, [], Arc::new(NoCloud)))
}

/// Whatever settings refer to.
fn references(config: &Config, clouds: Arc<dyn CloudSecrets>) -> Arc<dyn Secrets> {
    let variables = surroundings::all_referred(&referred(config));
    Arc::new(References::new(variables, config.environments().cloned(), clouds))
}

fn terraform(config: &Config, surroundings: &Surroundings, secrets: Arc<dyn Secrets>) -> Settings {
    let raw = &config.raw().terraform;
    let mut settings = Settings::new(config.state().join("work"), surroundings.path.clone());
    settings.binary = raw.binary.as_ref().map(|path| config.root().join(path));
    settings.provider_mirror = raw.provider_mirror.as_ref().map(|path| config.root().join(path));
    if let Some(providers) = &raw.providers {
        settings.allowed_providers.clone_from(providers);
    }
    settings.allowed_code = raw.allow_code.iter().cloned().collect();
    settings.allowed_modules.clone_from(&raw.modules);
    settings.credential_command = credential_command(surroundings);
    settings.passthrough.clone_from(&surroundings.network);
    settings.secrets = secrets;
    settings
}

fn helm(
    config: &Config,
    surroundings: &Surroundings,
    secrets: Arc<dyn Secrets>,
) -> crate::adapter::helm::Settings {
    crate::adapter::helm::Settings {
        binary: config.raw().helm.binary.as_ref().map(|path| config.root().join(path)),
        search_path: surroundings.path.clone(),
        home: surroundings.home.clone(),
        program: surroundings.program.clone(),
        credential_command: credential_command(surroundings),
        passthrough: surroundings.network.clone(),
        secrets,
    }
}

/// Argo CD, with the tokens that settings refer to.
#[cfg(feature = "argocd")]
fn applications(clock: &Arc<dyn Clock>, secrets: Arc<dyn Secrets>) -> Arc<dyn Applications> {
    use crate::adapter::argocd::{ArgoCd, Settings};
    Arc::new(ArgoCd::new(Settings { secrets }, Arc::clone(clock)))
}

#[cfg(not(feature = "argocd"))]
fn applications(_clock: &Arc<dyn Clock>, _secrets: Arc<dyn Secrets>) -> Arc<dyn Applications> {
    Arc::new(crate::adapter::no_argocd::NoArgoCd)
}
