//! The entry of a kubeconfig: which program makes its tokens, with which arguments; and what should be known about it.

use std::path::Path;

use crate::model::{
    Cloud, ContextEntry, CredentialSource, Environment, GoogleAccess, GoogleSource,
};
use crate::port::ClusterFacts;

/// How long a kubeconfig lasts.
pub(super) const EXPIRY: &str =
    "the file does not end; clients get a short-lived token from datamcp whenever they need one";

/// The second factor that the environment's keys want, and where its sessions are kept.
#[derive(Debug)]
pub(super) struct Factor<'f> {
    pub(super) serial: &'f str,
    pub(super) state: &'f Path,
}

/// The entry.
pub(super) fn entry(
    environment: &Environment,
    context: &str,
    role: Option<&str>,
    facts: &ClusterFacts,
    factor: Option<&Factor<'_>>,
) -> ContextEntry {
    let (args, own_args) = match &environment.credentials {
        CredentialSource::Google(access) => gke(environment, access, facts),
        _ => eks(environment, role, facts, factor),
    };
    let bundle = environment.ca_bundle.as_ref();
    ContextEntry {
        name: context.to_owned(),
        server: facts.endpoint.clone(),
        certificate_authority: facts.certificate_authority.clone(),
        args,
        own_args,
        env: bundle
            .map(|path| ("AWS_CA_BUNDLE".to_owned(), path.display().to_string()))
            .into_iter()
            .collect(),
    }
}

fn eks(
    environment: &Environment,
    role: Option<&str>,
    facts: &ClusterFacts,
    factor: Option<&Factor<'_>>,
) -> (Vec<String>, usize) {
    let own = environment.role.as_ref().filter(|own| role == Some(own.arn.as_str()));
    let external_id = own.and_then(|own| own.external_id.as_deref());
    let state = factor.map(|factor| factor.state.display().to_string());
    let profile = match &environment.credentials {
        CredentialSource::Profile { profile } => Some(profile.as_str()),
        _ => None,
    };
    let options = [
        ("--role-arn", role),
        ("--external-id", external_id),
        ("--profile", profile),
        ("--endpoint-url", environment.endpoint_url.as_deref()),
        ("--mfa-serial", factor.map(|factor| factor.serial)),
        ("--state", state.as_deref()),
    ];
    let mut args = vec!["eks-token", "--cluster", &facts.name, "--region", &environment.region];
    let own = args.len();
    for (name, value) in options {
        args.extend(value.into_iter().flat_map(|value| [name, value]));
    }
    (args.into_iter().map(str::to_owned).collect(), own)
}

fn gke(
    environment: &Environment,
    access: &GoogleAccess,
    facts: &ClusterFacts,
) -> (Vec<String>, usize) {
    let location = environment.cluster_location();
    let mut args: Vec<String> = [
        "gke-token",
        "--project",
        &facts.account,
        "--location",
        location,
        "--cluster",
        &facts.name,
    ]
    .map(str::to_owned)
    .to_vec();
    let own = args.len();
    match &access.source {
        GoogleSource::ApplicationDefault => {}
        GoogleSource::Metadata => args.push("--metadata".to_owned()),
        GoogleSource::File { path } => {
            args.extend(["--credentials-file".to_owned(), path.display().to_string()]);
        }
    }
    for program in &access.executables {
        args.extend(["--allow-executable".to_owned(), program.display().to_string()]);
    }
    for account in &access.impersonate {
        args.extend(["--impersonate".to_owned(), account.clone()]);
    }
    if let Some(url) = &environment.endpoint_url {
        args.extend(["--endpoint-url".to_owned(), url.clone()]);
    }
    (args, own)
}

/// What should be known about it.
pub(super) fn warnings(environment: &Environment, facts: &ClusterFacts) -> Vec<String> {
    let mut warnings = Vec::new();
    if facts.private_only {
        warnings.push(
            "its API has a private endpoint only: it answers from inside of its network".to_owned(),
        );
    }
    let own_source = environment.key.cloud == Cloud::Gcp
        || matches!(
            environment.credentials,
            CredentialSource::Profile { .. }
                | CredentialSource::Ambient
                | CredentialSource::Environment
        );
    if !own_source {
        warnings.push("clients of Kubernetes run outside of datamcp: they use the AWS credentials of their own surroundings, not the environment's `credentials`".to_owned());
    }
    warnings
}
