//! The lab's cluster: a real control plane with a node that has no machine, and a real Argo CD.
//!
//! All of it runs on this machine's loopback, over TLS by an authority made for it, and may do no more than its
//! part needs. It is started only when asked for; a new one starts empty.

mod api;
mod argocd;
mod authority;
mod plane;
mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub use self::api::Api;
use self::authority::Signed;
pub use self::process::Process;
use self::process::Processes;
use super::{Aws, Extent};
use crate::tools::{Found, Tool};

/// The namespace into which the product, and Argo CD for it, may deploy.
pub const NAMESPACE: &str = "apps";
/// The name under which Argo CD knows the cluster.
const DESTINATION: &str = "lab";
/// The Argo CD project of [`NAMESPACE`].
const PROJECT: &str = "apps";
/// The same for the environment in Google Cloud.
const GOOGLE_PROJECT: &str = "apps-gcp";

/// The control plane, and ways in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kubernetes {
    /// The API server's URL, without a slash at the end.
    pub endpoint: String,
    /// The certificate of the authority behind all the cluster's certificates.
    pub ca: PathBuf,
    /// A kubeconfig of an administrator: for the lab and for looking after, never for the product.
    pub admin_kubeconfig: PathBuf,
    /// A kubeconfig of the product's account: it may edit what is in [`Kubernetes::namespace`].
    pub product_kubeconfig: PathBuf,
    /// The one namespace that is open to the product.
    pub namespace: String,
    /// The version of Kubernetes.
    pub version: String,
    /// The helm to use with it.
    pub helm: PathBuf,
    /// A program that is kubectl when its first argument says so.
    pub kubelab: PathBuf,
    /// What runs: control plane, node, the check of EKS tokens.
    pub processes: Vec<Process>,
}

/// Argo CD, and ways in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArgoCd {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// The authority behind its certificate.
    pub ca: PathBuf,
    /// Its version.
    pub version: String,
    /// A file with a token of the role `deployer` of [`ArgoCd::project`]: the product's.
    pub project_token: PathBuf,
    /// A file with a token of an account that may only look.
    pub reader_token: PathBuf,
    /// A file with a token of an administrator: for the lab and for looking after.
    pub operator_token: PathBuf,
    /// The project that lets [`ArgoCd::repository`] be deployed into one namespace.
    pub project: String,
    /// A project like it, for the environment in Google Cloud: one project means one environment.
    #[serde(default)]
    pub google_project: String,
    /// A file with a token of the role `deployer` of [`ArgoCd::google_project`].
    #[serde(default)]
    pub google_token: PathBuf,
    /// The name of the destination cluster; its server is the API server's URL.
    pub destination: String,
    /// A git repository that the repository server can read; tests may commit to it.
    pub repository: PathBuf,
    /// What runs.
    pub processes: Vec<Process>,
}

/// The cluster, and how long each step of the start took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// The control plane.
    pub kubernetes: Kubernetes,
    /// Argo CD, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argocd: Option<ArgoCd>,
    /// What was ready after how many seconds.
    pub started: Vec<(String, f64)>,
}

impl Kubernetes {
    /// The API server, asked with a token.
    pub fn by_token(&self, token: &str) -> Result<Api> {
        Ok(Api::new(&self.endpoint, &self.ca, None)?.with_token(token))
    }

    /// The API server, asked as the lab's administrator.
    pub fn as_admin(&self) -> Result<Api> {
        let folder = self.ca.parent().context("the folder of certificates")?;
        Api::new(&self.endpoint, &self.ca, Some(&Signed::of(folder, "admin")))
    }
}

impl ArgoCd {
    /// Argo CD's API, asked with the token in a file.
    pub fn by_token(&self, file: &Path) -> Result<Api> {
        let token = fs::read_to_string(file)
            .with_context(|| format!("reading the token in {}", file.display()))?;
        Ok(Api::new(&self.url, &self.ca, None)?.with_token(&token))
    }
}

/// The programs of the cluster, found.
#[derive(Debug)]
pub(super) struct Programs {
    kubelab: Found,
    kwok: Found,
    /// Left out where no Argo CD is wanted.
    argolab: Option<Found>,
    helm: Found,
    /// The emulator's own Python: it has the packages for checking a signature.
    python: PathBuf,
}

impl Programs {
    pub(super) fn find(moto: &Found, extent: Extent) -> Result<Self> {
        let argolab = match extent {
            Extent::All => Some(Tool::Argolab.provide()?),
            Extent::Aws | Extent::Kubernetes => None,
        };
        Ok(Self {
            kubelab: Tool::Kubelab.provide()?,
            kwok: Tool::Kwok.provide()?,
            argolab,
            helm: Tool::Helm.provide()?,
            python: moto.path.with_file_name("python"),
        })
    }
}

impl Cluster {
    /// Starts a cluster in an empty folder beside an emulator that runs.
    pub(super) fn start(programs: &Programs, aws: &Aws, folder: &Path) -> Result<Self> {
        let mut steps = Steps { since: Instant::now(), taken: Vec::new() };
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let mut processes = Processes::new(&folder.join("logs"))?;
        let plane = plane::start(programs, aws, folder, &mut processes, &mut steps)?;
        let argocd = match &programs.argolab {
            Some(argolab) => {
                let mut of_argocd = Processes::new(&folder.join("logs"))?;
                let site = argocd::Site { argolab, helm: &programs.helm, plane: &plane, folder };
                let mut argocd = argocd::start(&site, &mut of_argocd, &mut steps)?;
                argocd.processes = of_argocd.keep();
                Some(argocd)
            }
            None => None,
        };
        let kubernetes = plane.describe(programs, processes.keep());
        Ok(Self { kubernetes, argocd, started: steps.taken })
    }

    /// Whether all of it runs, and as much as is wanted.
    pub(super) fn serves(&self, extent: Extent) -> bool {
        // One of an earlier checkout lacks the second project.
        let whole = |argocd: &ArgoCd| !argocd.google_project.is_empty();
        (extent != Extent::All || self.argocd.as_ref().is_some_and(whole))
            && self.processes().all(|process| process.identity.is_alive())
    }

    /// Stops it, Argo CD first.
    pub(super) fn stop(&self) {
        let all: Vec<Process> = self.processes().cloned().collect();
        process::stop(&all);
    }

    /// What runs, in the order in which it was started.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        let argocd = self.argocd.iter().flat_map(|argocd| &argocd.processes);
        self.kubernetes.processes.iter().chain(argocd)
    }
}

/// How the start goes.
#[derive(Debug)]
struct Steps {
    since: Instant,
    taken: Vec<(String, f64)>,
}

impl Steps {
    fn done(&mut self, what: &str) {
        let seconds = (self.since.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        eprintln!("  {what} after {seconds:.1} s");
        self.taken.push((what.to_owned(), seconds));
    }
}
