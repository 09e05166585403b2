//! What the process was started in: environment variables, user, folders. Read once, at the start.
#![expect(clippy::disallowed_methods, reason = "this is the door that the lint names")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};
use crate::model::{KubeconfigPlaces, PodAccount};
use crate::secret::Secret;

/// What the process was started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Name of the operating system's user, from the user id: an environment variable could lie.
    pub os_user: String,
    /// Host name, for people.
    pub host: String,
    /// Working directory.
    pub cwd: PathBuf,
    /// Folder for state (`XDG_STATE_HOME`, else `~/.local/state`).
    pub state_home: PathBuf,
    /// `DATAMCP_CONFIG`.
    pub config: Option<PathBuf>,
    /// Folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// Proxy and certificate settings that children need to reach the network as we do.
    pub network: Vec<(String, String)>,
    /// Names of endpoint overrides that were inherited.
    pub endpoint_overrides: Vec<String>,
    /// `NO_COLOR` is set (no-color.org).
    pub no_color: bool,
    /// This program.
    pub program: PathBuf,
    /// Where kubeconfigs of the user lie: the first file of `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfigs: KubeconfigPlaces,
    /// The service account of the pod that we run in, when we do (`KUBERNETES_SERVICE_HOST`).
    pub pod: Option<PodAccount>,
    /// Home folder of the user.
    pub home: PathBuf,
    /// Place where a test wants this process to die (`DATAMCP_FAULT`); without effect in a release build.
    pub fault: Option<String>,
}

/// Variables that say how to reach the network; they hold no secrets of ours.
const NETWORK: [&str; 12] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "AWS_CA_BUNDLE",
    "LANG",
    "LC_ALL",
    "TZ",
];

/// Where a pod's service account is mounted (Kubernetes, "Accessing the API from a Pod").
const POD_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What tells a program in a pod where the API is. The last is for tests: a release build has one place only.
const POD: [&str; 3] =
    ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "DATAMCP_SERVICE_ACCOUNT"];

/// The pod's account, from what Kubernetes sets.
fn pod(text: impl Fn(&str) -> Option<String>) -> Option<PodAccount> {
    let [host, port, elsewhere] = POD;
    let folder = text(elsewhere).filter(|_| cfg!(debug_assertions));
    Some(PodAccount {
        host: text(host)?,
        port: text(port).unwrap_or_else(|| "443".to_owned()),
        folder: folder.map_or_else(|| PathBuf::from(POD_ACCOUNT), PathBuf::from),
    })
}

/// Whether settings may refer to a variable of this name.
pub(super) fn variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value of a variable that settings refer to; nothing when it is not set or empty.
fn referred(name: &str) -> Option<Secret> {
    std::env::var(name).ok().filter(|v| !v.is_empty()).map(Secret::new)
}

/// What the environment variables of these names hold, as far as they are there.
pub fn all_referred(names: &[&str]) -> BTreeMap<String, Secret> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), referred(name)?))).collect()
}

impl Surroundings {
    /// Reads them.
    pub fn read() -> Result<Self> {
        let uid = nix::unistd::getuid();
        let user = nix::unistd::User::from_uid(uid)
            .map_err(|e| Error::internal("looking up the operating system's user", e))?
            .map_or_else(|| uid.to_string(), |user| user.name);
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let text = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let overrides = std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with("AWS_ENDPOINT_URL"))
            .collect();
        Ok(Self {
            os_user: user,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            cwd: std::env::current_dir()
                .map_err(|e| Error::internal("reading the working directory", e))?,
            state_home: absolute("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state")),
            config: text("DATAMCP_CONFIG").map(PathBuf::from),
            path: std::env::var_os("PATH")
                .map(|p| std::env::split_paths(&p).collect())
                .unwrap_or_default(),
            network: NETWORK.iter().filter_map(|n| Some(((*n).to_owned(), text(n)?))).collect(),
            endpoint_overrides: overrides,
            no_color: text("NO_COLOR").is_some(),
            program: std::env::current_exe()
                .map_err(|e| Error::internal("finding this program", e))?,
            kubeconfigs: KubeconfigPlaces {
                usual: std::env::var_os("KUBECONFIG")
                    .and_then(|list| std::env::split_paths(&list).find(|path| path.is_absolute()))
                    .unwrap_or_else(|| home.join(".kube/config")),
                folder: home.join(".kube"),
            },
            pod: pod(text),
            home,
            fault: text("DATAMCP_FAULT"),
        })
    }

    /// `AWS_CA_BUNDLE`: what `[aws] ca_bundle` is when the settings do not say. The SDK does not read it by itself.
    pub fn ca_bundle(&self) -> Option<PathBuf> {
        self.network.iter().find(|(n, _)| n == "AWS_CA_BUNDLE").map(|(_, v)| self.cwd.join(v))
    }

    /// The `datamcp` binary: the one given, else the first on `PATH`.
    pub fn binary(&self, given: Option<&Path>) -> Result<PathBuf> {
        const NAME: &str = "datamcp";
        let missing = |why: String| {
            Error::new(ErrorCode::ToolMissing, format!("looking for the {NAME} binary: {why}"))
                .field("supervisor")
                .next("install the datamcp binary of the same version as the library, or name its path")
        };
        if let Some(path) = given {
            let path = self.cwd.join(path);
            return if path.is_file() {
                Ok(path)
            } else {
                Err(missing(format!("{} is not a file", path.display())))
            };
        }
        let absolute = self.path.iter().filter(|folder| folder.is_absolute());
        let found = absolute.map(|folder| folder.join(NAME)).find(|path| path.is_file());
        found.ok_or_else(|| missing("it is not on PATH".to_owned()))
    }

    /// The environment that a supervisor gets: what it needs to find credentials and the network, the variables that
    /// settings refer to, nothing else. Endpoint overrides are among it, so that it refuses them itself instead of
    /// calling the real account.
    pub fn for_supervisor(referred: &[&str]) -> Vec<(String, String)> {
        let wanted = |name: &str| {
            NETWORK.contains(&name)
                || POD.contains(&name)
                || [
                    "HOME",
                    "PATH",
                    "USER",
                    "LOGNAME",
                    "XDG_STATE_HOME",
                    "XDG_CACHE_HOME",
                    "XDG_CONFIG_HOME",
                    "RUST_BACKTRACE",
                    "DATAMCP_FAULT",
                ]
                .contains(&name)
                || referred.contains(&name)
                || name.starts_with("AWS_")
        };
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| wanted(name))
            .collect()
    }
}
