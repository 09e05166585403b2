//! Tools that the lab and the test lanes run: found on this machine, else installed into the cache.
//!
//! Every version is pinned and every download is checked: archives by SHA-256, Python packages by the
//! hashes of their requirement set, npm packages by those of a lock file, Go modules by `go.sum`, crates
//! by the lock file they ship.

mod golang;
mod helm;
mod java;
pub(crate) mod mirror;
mod node;
mod provider;
mod python;
mod rust;
mod terraform;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::cache::Cache;
use crate::pins::{ModulePin, Pins};
use rust::Build;

/// One tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// The Terraform binary, or `OpenTofu` in its place.
    Terraform,
    /// A folder with the pinned Terraform providers.
    Providers,
    /// The lab's mirror: those, and a stand-in for the google provider.
    Mirror,
    /// The AWS emulator.
    Moto,
    /// The emulator of Google Cloud Storage.
    FakeGcs,
    /// Policy checks over Terraform code.
    Checkov,
    /// Security checks over GitHub workflows.
    Zizmor,
    /// Lint for Terraform code.
    Tflint,
    /// Lint for GitHub workflows.
    Actionlint,
    /// The Helm binary.
    Helm,
    /// The third line of Helm.
    Helm3,
    /// A registry of OCI artifacts.
    Registry,
    /// A folder with definitions of resources of Kubernetes.
    Crds,
    /// The Kubernetes control plane, in one program.
    Kubelab,
    /// A program with the Rust client of Kubernetes.
    KubeClient,
    /// Nodes and pods without machines.
    Kwok,
    /// Argo CD, in one program.
    Argolab,
    /// Checks over the crates we depend on.
    CargoDeny,
    /// Node.js.
    Node,
    /// The MCP clients and conformance suites of npm: a folder with `node_modules`.
    McpNode,
    /// A Python with its official MCP client.
    McpPython,
    /// A Java.
    Java,
    /// WireMock: an archive for that Java.
    Wiremock,
    /// The AWS command that the bench runs beside ours.
    Aws,
    /// The published MCP server that the bench runs beside ours; only when asked for.
    Tfmcp,
}

/// How a tool came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was on this machine, outside our cache.
    Machine,
    /// It was in the cache.
    Cache,
    /// It was installed just now.
    Installed,
}

/// A tool that is there.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which one.
    pub tool: Tool,
    /// The program, or the folder for [`Tool::Providers`].
    pub path: PathBuf,
    /// Its version.
    pub version: String,
    /// Where it came from.
    pub origin: Origin,
    /// How long the search or the installation took.
    pub took: Duration,
}

impl Tool {
    /// The tools of the lab and the tests, in the order in which they are installed.
    pub fn all() -> &'static [Self] {
        // tfmcp stands last: only the bench asks for it.
        Self::value_variants().split_last().map_or(&[], |(_, all)| all)
    }

    /// The tools that the lab's AWS part needs.
    pub fn of_lab() -> [Self; 3] {
        [Self::Terraform, Self::Mirror, Self::Moto]
    }

    /// The tools that the lab's cluster part needs beside those.
    pub fn of_cluster() -> [Self; 4] {
        [Self::Kubelab, Self::Kwok, Self::Argolab, Self::Helm]
    }

    /// The tools that tests of the cluster lane need beside those.
    pub(crate) fn of_cluster_tests() -> [Self; 4] {
        [Self::Helm3, Self::Registry, Self::Crds, Self::KubeClient]
    }

    /// Finds the tool or installs it, saying on stderr what takes long.
    pub fn provide(self) -> Result<Found> {
        let started = Instant::now();
        let cache = Cache::of_user()?;
        let pins = Pins::read()?;
        let (path, version, origin) = match self {
            Self::Terraform => terraform::provide(&cache, &pins),
            Self::Providers => provider::provide(&cache, &pins),
            Self::Mirror => mirror::provide(&cache, &pins),
            Self::Moto => python::provide(&cache, &python::MOTO),
            Self::Checkov => python::provide(&cache, &python::CHECKOV),
            Self::Zizmor => python::provide(&cache, &python::ZIZMOR),
            Self::FakeGcs => golang::provide(&cache, &golang::FAKE_GCS),
            Self::Tflint => golang::provide(&cache, &golang::TFLINT),
            Self::Actionlint => golang::provide(&cache, &golang::ACTIONLINT),
            Self::Helm => helm::provide(&cache, &pins),
            Self::Helm3 => golang::provide_with(&cache, &golang::HELM_3, &golang::HELM_3_EXTRAS),
            Self::Registry => {
                golang::provide_with(&cache, &golang::REGISTRY, &golang::REGISTRY_EXTRAS)
            }
            Self::Crds => golang::manifests::provide(&cache, &pins),
            Self::Kubelab => {
                golang::provide_with(&cache, &golang::KUBELAB, &golang::KUBELAB_EXTRAS)
            }
            Self::KubeClient => rust::build(&cache, &rust::KUBE_CLIENT),
            Self::Kwok => golang::provide_with(&cache, &golang::KWOK, &golang::KWOK_EXTRAS),
            Self::Argolab => {
                golang::provide_with(&cache, &golang::ARGOLAB, &golang::ARGOLAB_EXTRAS)
            }
            Self::CargoDeny => {
                rust::provide(&cache, "cargo-deny", &pins.cargo_deny.version, Build::Plain)
            }
            Self::Node => node::interpreter(&cache),
            Self::McpNode => node::packages(&cache),
            Self::McpPython => python::provide(&cache, &python::CLIENT),
            Self::Java => java::interpreter(&cache),
            Self::Wiremock => java::wiremock(&cache, &pins),
            Self::Aws => python::provide(&cache, &python::AWS),
            Self::Tfmcp => rust::provide(&cache, "tfmcp", &pins.tfmcp.version, Build::Optimized),
        }
        .with_context(|| format!("providing {self}"))?;
        Ok(Found { tool: self, path, version, origin, took: started.elapsed() })
    }
}

/// The archive of a Go module, fetched and checked by Go.
pub(crate) fn module_archive(pin: &ModulePin, folder: &Path) -> Result<PathBuf> {
    golang::manifests::archive(pin, folder)
}

/// The cargo that runs this task, else the one of PATH.
///
/// What `cargo run` tells this process of its own package is taken away: with it, cargo would take
/// build scripts that look at such variables for changed.
pub fn cargo() -> Command {
    let mut command =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    command
}

/// What a part of this module answers: path, version, origin.
type Provided = Result<(PathBuf, String, Origin)>;

/// The origin that follows from whether a slot had to be filled.
fn origin(filled_now: bool) -> Origin {
    if filled_now { Origin::Installed } else { Origin::Cache }
}

/// Says on stderr what is done now; installing is silent otherwise.
fn say(text: &str) {
    eprintln!("  {text}");
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Terraform => "terraform",
            Self::Providers => "providers",
            Self::Mirror => "mirror",
            Self::Moto => "moto",
            Self::FakeGcs => "fake-gcs",
            Self::Checkov => "checkov",
            Self::Zizmor => "zizmor",
            Self::Tflint => "tflint",
            Self::Actionlint => "actionlint",
            Self::Helm => "helm",
            Self::Helm3 => "helm3",
            Self::Registry => "registry",
            Self::Crds => "crds",
            Self::Kubelab => "kubelab",
            Self::KubeClient => "kube-client",
            Self::Kwok => "kwok",
            Self::Argolab => "argolab",
            Self::CargoDeny => "cargo-deny",
            Self::Node => "node",
            Self::McpNode => "mcp-node",
            Self::McpPython => "mcp-python",
            Self::Java => "java",
            Self::Wiremock => "wiremock",
            Self::Aws => "aws",
            Self::Tfmcp => "tfmcp",
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Machine => "on this machine",
            Self::Cache => "in the cache",
            Self::Installed => "installed",
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<11} {:<9} {:<15} {:>6.1} s  {}",
            self.tool,
            self.version,
            self.origin,
            self.took.as_secs_f64(),
            self.path.display()
        )
    }
}
