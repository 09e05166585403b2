//! The lab: an AWS emulator, a real Terraform with its provider, and a user's project that uses both; when asked for,
//! a Kubernetes cluster, Argo CD and what plays Google Cloud beside them.
//!
//! There is one lab per checkout, in `target/lab/`; a test that wants an emulator of its own takes
//! [`Lab::start_private`]. A new emulator is a new world: it starts with an empty project folder and
//! without the records of the one before.

mod cluster;
mod emulator;
mod foreign;
mod gcs;
mod google;
mod hcp;
mod moto;
mod ports;
mod project;
mod registry;

use std::fs::{self, Permissions};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use self::cluster::Programs;
pub use self::cluster::{Api, ArgoCd, Cluster, Kubernetes, NAMESPACE, Process};
pub use self::emulator::{Emulator, Inventory};
pub use self::foreign::without;
pub(crate) use self::foreign::{NEEDS, endpoint as foreign_endpoint};
pub use self::gcs::Gcs;
pub use self::google::{GOOGLE_PROJECT, Google};
pub use self::hcp::Hcp;
pub(crate) use self::project::{copy_charts, copy_infra, write_cli_config};
pub use self::registry::Registry;
use crate::cache;
use crate::child::Identity;
use crate::place::Checkout;
use crate::tools::{Found, Tool};

/// A port on which nobody listens, for a program that is started beside the lab.
pub(crate) fn free_port() -> Result<u16> {
    ports::Ports::new().take()
}

/// The account that the emulator plays.
pub const ACCOUNT_ID: &str = "123456789012";
/// The region of everything in the lab.
pub const REGION: &str = "eu-west-1";
/// The bucket for Terraform state, there from the start.
pub const STATE_BUCKET: &str = "datamcp-lab-tfstate";

/// What is running and where: the content of `lab.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lab {
    /// The AWS emulator.
    pub aws: Aws,
    /// The Terraform to use.
    pub terraform: Terraform,
    /// A user's project: `datamcp.toml` and a copy of `infra/`.
    pub project: PathBuf,
    /// The emulator's process.
    pub moto: Identity,
    /// Kubernetes and Argo CD, where they were asked for.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// Google Cloud, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub google: Option<Google>,
}

/// How much of the lab is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The AWS emulator and the project.
    Aws,
    /// Kubernetes beside them.
    Kubernetes,
    /// Kubernetes and Argo CD.
    All,
}

/// The AWS emulator, and the credentials it takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Aws {
    /// Its URL, without a slash at the end.
    pub endpoint: String,
    /// The same emulator over TLS.
    #[serde(default)]
    pub tls_endpoint: String,
    /// The authority whose certificate it shows there.
    #[serde(default)]
    pub ca_bundle: PathBuf,
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// The key id from AWS's own documentation; the emulator takes any.
    pub access_key_id: String,
    /// The secret key from AWS's own documentation.
    pub secret_access_key: String,
    /// A versioned bucket for Terraform state.
    pub state_bucket: String,
}

/// The Terraform binary and where it finds providers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Terraform {
    /// The binary.
    pub path: PathBuf,
    /// Its version.
    pub version: String,
    /// A folder in the layout of a filesystem mirror.
    pub provider_mirror: PathBuf,
    /// Lock file for a root module with the mirror's google provider, which is a stand-in.
    pub google_lock: PathBuf,
    /// A CLI configuration that knows this mirror and nothing else.
    pub cli_config: PathBuf,
}

/// A lab of one's own: it ends when this value is dropped, and also when the process dies; a cluster beside it outlives a
/// process that is killed, and is stopped by the next lab in the same folder.
#[derive(Debug)]
pub struct PrivateLab {
    lab: Lab,
    /// None where somebody else runs the emulator.
    _moto: Option<moto::Tied>,
}

impl Lab {
    /// Starts the checkout's lab unless it is up; tells whether anything had to be started.
    ///
    /// The project folder is laid anew each time, so that it holds today's `infra/`. A cluster is added to a lab that
    /// has none; one that lacks Argo CD, or of which a part has ended, is started anew.
    pub fn up(checkout: &Checkout, extent: Extent) -> Result<(Self, bool)> {
        let tools = tools_of_lab()?;
        let _held = cache::hold(&checkout.target().join("lab.lock"), "lab")?;
        let (mut lab, mut new) = Self::up_aws(checkout, &tools)?;
        let serves = lab.cluster.as_ref().is_some_and(|cluster| cluster.serves(extent));
        if extent != Extent::Aws && !serves {
            lab.add_cluster(&tools, &checkout.lab(), extent)?;
            // Its settings name the cluster's programs.
            project::lay(&lab, checkout)?;
            new = true;
        }
        Ok((lab, new))
    }

    /// Adds Google Cloud to the checkout's lab, which is up; tells whether it had to be added.
    pub fn up_google(checkout: &Checkout) -> Result<(Self, bool)> {
        let _held = cache::hold(&checkout.target().join("lab.lock"), "lab")?;
        let mut lab = Self::running(checkout)?.context("the lab is not up")?;
        if let Some(google) = &lab.google {
            let alive = google.process.as_ref().is_some_and(|process| process.identity.is_alive());
            ensure!(
                alive,
                "the emulator of Cloud Storage has ended: `cargo xtask lab down` ends the rest of the lab"
            );
            return Ok((lab, false));
        }
        let folder = checkout.lab().join("google");
        clear(&folder)?;
        let (gcs, process) = Gcs::start_in_session(&folder)?;
        let file = folder.join("credentials.json");
        let added =
            Google::furnish(&lab, &gcs, GOOGLE_PROJECT, "lab", &file).and_then(|mut google| {
                google.process = Some(process.clone());
                lab.google = Some(google);
                project::lay(&lab, checkout)?;
                lab.write(&checkout.lab())
            });
        if added.is_err() {
            moto::stop(&process.identity);
        }
        added.map(|()| (lab, true))
    }

    fn up_aws(checkout: &Checkout, tools: &Tools) -> Result<(Self, bool)> {
        let folder = checkout.lab();
        if let Some(lab) = Self::running(checkout)? {
            project::lay(&lab, checkout)?;
            return Ok((lab, false));
        }
        Self::stop_orphans(&folder);
        clear(&folder)?;
        let (moto, port) = moto::start_in_session(&tools.moto, &folder)?;
        let lab = Self::describe(tools, &folder, moto, port)?;
        let furnished = lab.furnish(checkout).and_then(|()| lab.write(&folder));
        if furnished.is_err() {
            moto::stop(&lab.moto);
        }
        furnished.map(|()| (lab, true))
    }

    /// Starts a cluster beside the emulator, in place of what may be left of an earlier one.
    fn add_cluster(&mut self, tools: &Tools, folder: &Path, extent: Extent) -> Result<()> {
        let programs = Programs::find(&tools.moto, extent)?;
        if let Some(old) = self.cluster.take() {
            old.stop();
            self.write(folder)?;
        }
        let home = folder.join("cluster");
        clear(&home)?;
        fs::set_permissions(&home, Permissions::from_mode(0o700))
            .with_context(|| format!("closing {}", home.display()))?;
        let cluster = Cluster::start(&programs, &self.aws, &home)?;
        let kubernetes = &cluster.kubernetes;
        let known = self.emulator().name_api_server(&kubernetes.endpoint, &kubernetes.ca);
        self.cluster = Some(cluster);
        let written = known.and_then(|()| self.write(folder));
        if let (Err(_), Some(cluster)) = (&written, &self.cluster) {
            cluster.stop();
        }
        written
    }

    /// Stops what is left of a lab whose emulator has ended.
    fn stop_orphans(folder: &Path) {
        // A record that cannot be read names nothing that could be stopped.
        if let Ok(lab) = Self::read(&folder.join("lab.json")) {
            lab.stop_beside();
        }
    }

    /// Stops what runs beside the emulator.
    fn stop_beside(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.stop();
        }
        if let Some(process) = self.google.as_ref().and_then(|google| google.process.as_ref()) {
            moto::stop(&process.identity);
        }
    }

    /// Stops the checkout's lab; tells whether it was up.
    pub fn down(checkout: &Checkout) -> Result<bool> {
        let _held = cache::hold(&checkout.target().join("lab.lock"), "lab")?;
        let Some(lab) = Self::running(checkout)? else {
            Self::stop_orphans(&checkout.lab());
            return Ok(false);
        };
        lab.stop_beside();
        moto::stop(&lab.moto);
        let record = checkout.lab().join("lab.json");
        fs::remove_file(&record).with_context(|| format!("removing {}", record.display()))?;
        Ok(true)
    }

    /// The checkout's lab, if it is up.
    pub fn running(checkout: &Checkout) -> Result<Option<Self>> {
        let record = checkout.lab().join("lab.json");
        if !record.is_file() {
            return Ok(None);
        }
        let lab = Self::read(&record)?;
        Ok(lab.moto.is_alive().then_some(lab))
    }

    /// Reads a `lab.json`, such as the one that `DATAMCP_LAB` names.
    pub fn read(record: &Path) -> Result<Self> {
        let text = fs::read(record).with_context(|| format!("reading {}", record.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", record.display()))
    }

    /// Starts a lab of one's own in `folder`, with its own emulator and project.
    pub fn start_private(folder: &Path) -> Result<PrivateLab> {
        let checkout = Checkout::find()?;
        let tools = tools_of_lab()?;
        Self::stop_orphans(folder);
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        if let Some(endpoint) = foreign::endpoint() {
            let lab = Self::on(&tools, &checkout, folder, endpoint)?;
            return Ok(PrivateLab { lab, _moto: None });
        }
        let (tied, port) = moto::start_tied(&tools.moto, folder)?;
        let lab = Self::describe(&tools, folder, tied.identity()?, port)?;
        lab.furnish(&checkout)?;
        lab.write(folder)?;
        Ok(PrivateLab { lab, _moto: Some(tied) })
    }

    /// Starts a lab in `folder` on an emulator without the additions, in an account that is not the lab's usual one: as
    /// foreign to us as one that somebody else runs.
    pub fn start_foreign(folder: &Path) -> Result<PrivateLab> {
        let checkout = Checkout::find()?;
        let tools = tools_of_lab()?;
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let (tied, port) = moto::start_plain(&tools.moto, folder)?;
        let lab = Self::on(&tools, &checkout, folder, format!("http://127.0.0.1:{port}"))?;
        Ok(PrivateLab { lab, _moto: Some(tied) })
    }

    fn on(tools: &Tools, checkout: &Checkout, folder: &Path, endpoint: String) -> Result<Self> {
        let lab = foreign::describe(tools, folder, endpoint)?;
        lab.furnish(checkout)?;
        lab.write(folder)?;
        Ok(lab)
    }

    /// Starts a cluster with Argo CD in `folder`, and stops it once it is there: how long each step took.
    pub fn start_cluster(&self, folder: &Path) -> Result<Vec<(String, f64)>> {
        let programs = Programs::find(&tools_of_lab()?.moto, Extent::All)?;
        let cluster = Cluster::start(&programs, &self.aws, folder)?;
        cluster.stop();
        Ok(cluster.started)
    }

    /// Does something while the emulator's clusters have a real API server, in `folder`, and stops it.
    pub fn with_cluster<T>(&self, folder: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let programs = Programs::find(&tools_of_lab()?.moto, Extent::Kubernetes)?;
        let cluster = Cluster::start(&programs, &self.aws, folder)?;
        let kubernetes = &cluster.kubernetes;
        let known = self.emulator().name_api_server(&kubernetes.endpoint, &kubernetes.ca);
        let done = known.and_then(|()| work());
        cluster.stop();
        done
    }

    /// The emulator, to look at without any of the project's own code.
    pub fn emulator(&self) -> Emulator {
        Emulator::new(&self.aws)
    }

    /// The text of a `datamcp.toml` for this lab; tests may add to it.
    pub fn configuration(&self) -> Result<String> {
        project::configuration(self)
    }

    fn describe(tools: &Tools, folder: &Path, moto: Identity, port: u16) -> Result<Self> {
        let endpoint = format!("http://127.0.0.1:{port}");
        Self::described(tools, folder, moto, endpoint, moto::over_tls(folder)?)
    }

    fn described(
        tools: &Tools,
        folder: &Path,
        moto: Identity,
        endpoint: String,
        (tls_endpoint, ca_bundle): (String, PathBuf),
    ) -> Result<Self> {
        let cli_config = folder.join("terraform.rc");
        project::write_cli_config(&cli_config, &tools.providers.path)?;
        Ok(Self {
            aws: Aws {
                endpoint,
                tls_endpoint,
                ca_bundle,
                account_id: ACCOUNT_ID.to_owned(),
                region: REGION.to_owned(),
                access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
                state_bucket: STATE_BUCKET.to_owned(),
            },
            terraform: Terraform {
                path: tools.terraform.path.clone(),
                version: tools.terraform.version.clone(),
                provider_mirror: tools.providers.path.clone(),
                google_lock: tools.providers.path.join(crate::tools::mirror::GOOGLE_LOCK),
                cli_config,
            },
            project: folder.join("project"),
            moto,
            cluster: None,
            google: None,
        })
    }

    /// What a lab has beside an empty emulator: the state bucket and the project.
    fn furnish(&self, checkout: &Checkout) -> Result<()> {
        // On an emulator of somebody else's it may be there: several labs of one run share it.
        let emulator = self.emulator();
        if !emulator.inventory()?.buckets.contains(&self.aws.state_bucket) {
            emulator.create_versioned_bucket(&self.aws.state_bucket)?;
        }
        project::lay(self, checkout)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("writing the lab's description")?;
        let (draft, record) = (folder.join("lab.json.new"), folder.join("lab.json"));
        fs::write(&draft, text).with_context(|| format!("writing {}", draft.display()))?;
        fs::rename(&draft, &record).with_context(|| format!("writing {}", record.display()))
    }
}

impl PrivateLab {
    /// Starts a cluster with Argo CD in an empty folder; it ends with this value.
    pub fn add_cluster_beside(&mut self, home: &Path) -> Result<()> {
        let programs = Programs::find(&tools_of_lab()?.moto, Extent::All)?;
        clear(home)?;
        let cluster = Cluster::start(&programs, &self.lab.aws, home)?;
        let kubernetes = &cluster.kubernetes;
        let (endpoint, ca) = (kubernetes.endpoint.clone(), kubernetes.ca.clone());
        self.lab.cluster = Some(cluster);
        self.lab.emulator().name_api_server(&endpoint, &ca)?;
        let folder = self.lab.project.parent().context("the lab's folder")?;
        self.lab.write(folder)
    }
}

impl Drop for PrivateLab {
    fn drop(&mut self) {
        self.lab.stop_beside();
    }
}

impl Deref for PrivateLab {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
    }
}

/// The tools of the lab, found.
struct Tools {
    terraform: Found,
    providers: Found,
    moto: Found,
}

fn tools_of_lab() -> Result<Tools> {
    Ok(Tools {
        terraform: Tool::Terraform.provide()?,
        providers: Tool::Mirror.provide()?,
        moto: Tool::Moto.provide()?,
    })
}

/// Empties the lab's folder: what an emulator held is gone with it, and so must be what knew of it.
fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}
