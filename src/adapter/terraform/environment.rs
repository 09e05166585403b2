//! The environment of every terraform child, built from empty. Nothing is inherited: `TF_CLI_ARGS`, `TF_VAR_*` and their
//! like never reach a child.

use std::path::{Path, PathBuf};

use super::backend;
use crate::model::{Cloud, Environment};
use crate::port::credentials::PASSED;

/// What the children of one job need.
#[derive(Debug)]
pub(super) struct Needs<'a> {
    /// The environment.
    pub(super) environment: &'a Environment,
    /// Terraform workspace.
    pub(super) workspace: &'a str,
    /// Home and place for temporary files.
    pub(super) home: &'a Path,
    /// For sockets of provider plugins.
    pub(super) tmp: &'a Path,
    /// Terraform's own configuration file.
    pub(super) cli_config: &'a Path,
    /// The AWS configuration file.
    pub(super) aws_config: &'a Path,
    /// The credentials file of Google, which the desk of the run wrote.
    pub(super) google_file: &'a Path,
    /// `TF_DATA_DIR`.
    pub(super) data: &'a Path,
    /// Certificates and proxies.
    pub(super) passthrough: &'a [(String, String)],
}

/// The variables.
pub(super) fn build(needs: &Needs<'_>) -> Vec<(String, String)> {
    let path = |p: &Path| p.to_string_lossy().into_owned();
    let mut env: Vec<(String, String)> = needs
        .passthrough
        .iter()
        .filter(|(name, _)| PASSED.contains(&name.as_str()))
        .cloned()
        .collect();
    let fixed = [
        // The credential process is started through `sh -c` by the AWS SDK.
        ("PATH", "/usr/bin:/bin".to_owned()),
        ("HOME", path(needs.home)),
        ("TMPDIR", path(needs.tmp)),
        ("CHECKPOINT_DISABLE", "1".to_owned()),
        ("TF_IN_AUTOMATION", "1".to_owned()),
        ("TF_INPUT", "0".to_owned()),
        ("TF_CLI_CONFIG_FILE", path(needs.cli_config)),
        ("TF_DATA_DIR", path(needs.data)),
    ];
    env.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    if needs.workspace != "default" {
        env.push(("TF_WORKSPACE".to_owned(), needs.workspace.to_owned()));
    }
    if needs.environment.key.cloud == Cloud::Aws {
        let aws = [
            ("AWS_CONFIG_FILE", path(needs.aws_config)),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_PROFILE", "datamcp".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_REGION", needs.environment.region.clone()),
        ];
        env.extend(aws.map(|(name, value)| (name.to_owned(), value)));
        if let Some(url) = &needs.environment.endpoint_url {
            env.push(("AWS_ENDPOINT_URL".to_owned(), url.clone()));
        }
        if let Some(bundle) = &needs.environment.ca_bundle {
            env.retain(|(name, _)| name != "AWS_CA_BUNDLE");
            env.push(("AWS_CA_BUNDLE".to_owned(), path(bundle)));
        }
    }
    if needs.environment.key.cloud == Cloud::Gcp {
        env.extend(google(needs.environment, needs.google_file));
    }
    let own = backend::variables(needs.environment);
    env.retain(|(name, _)| !own.iter().any(|(ours, _)| ours == name));
    env.extend(own);
    env
}

/// APIs that a stand-in takes the place of: the provider's name for each, its host, and the path that its calls begin with.
const GOOGLE_APIS: [(&str, &str, &str); 13] = [
    ("ARTIFACT_REGISTRY", "artifactregistry", "v1"),
    ("COMPUTE", "compute", "compute/v1"),
    ("CONTAINER", "container", "v1"),
    ("DNS", "dns", "dns/v1"),
    ("IAM", "iam", "v1"),
    ("IAM_CREDENTIALS", "iamcredentials", "v1"),
    ("KMS", "cloudkms", "v1"),
    ("LOGGING", "logging", "v2"),
    ("MONITORING", "monitoring", "v3"),
    ("RESOURCE_MANAGER", "cloudresourcemanager", "v1"),
    ("RESOURCE_MANAGER_V3", "cloudresourcemanager", "v3"),
    ("SERVICE_USAGE", "serviceusage", "v1"),
    ("STORAGE", "storage", "storage/v1"),
];

/// The provider's own settings and the way to its credentials; none of it is a secret.
fn google(environment: &Environment, file: &Path) -> Vec<(String, String)> {
    let mut env = vec![
        ("GOOGLE_APPLICATION_CREDENTIALS".to_owned(), file.to_string_lossy().into_owned()),
        // The one program of that file is ours.
        ("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES".to_owned(), "1".to_owned()),
        ("GOOGLE_PROJECT".to_owned(), environment.account.clone()),
        ("GOOGLE_REGION".to_owned(), environment.region.clone()),
    ];
    let Some(base) = &environment.endpoint_url else { return env };
    let base = base.trim_end_matches('/');
    env.extend(GOOGLE_APIS.map(|(name, host, path)| {
        (format!("GOOGLE_{name}_CUSTOM_ENDPOINT"), format!("{base}/{host}.googleapis.com/{path}/"))
    }));
    env
}

/// A folder for temporary files whose name leaves room for a socket's name: at most 108 bytes are allowed for both.
pub(super) fn short_tmp(scratch: &Path, operation: &str) -> PathBuf {
    const ROOM: usize = 75;
    let wanted = scratch.join("tmp");
    if wanted.as_os_str().len() <= ROOM {
        wanted
    } else {
        Path::new("/tmp").join(format!("datamcp-{operation}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_scratch_does_not_break_sockets() {
        let long = PathBuf::from(format!("/{}", "x".repeat(90)));
        assert!(short_tmp(&long, "0198f2c4-0000-7000-8000-000000000000").as_os_str().len() < 80);
        assert_eq!(short_tmp(Path::new("/s"), "o"), PathBuf::from("/s/tmp"));
    }
}
