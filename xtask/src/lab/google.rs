//! Google Cloud in the lab: a project with somebody who may work in it, a place for the state, and the settings that lead
//! there. Google's APIs are stand-ins inside the AWS emulator's process, the objects lie in an emulator of Cloud Storage,
//! and terraform's google provider is a stand-in that says so. What is asked here is asked of them, never of terraform.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Emulator, Gcs, Lab, Process, project};
use crate::place::Checkout;

/// The lab's own project.
pub const GOOGLE_PROJECT: &str = "datamcp-lab-4711";
/// Whom the cluster lets into one namespace (`tests/lab/cluster/access.yaml`).
const DEPLOYER: &str = "deployer@datamcp-lab-4711.iam.gserviceaccount.com";
/// What `infra/gcp/envs/dev` calls the cluster that it makes.
const CLUSTER: &str = "datamcp-dev";
const REGION: &str = "europe-west1";
const LOCATION: &str = "europe-west1-b";

/// A project of Google Cloud as the lab plays it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Google {
    /// Where the stand-ins for Google's APIs answer.
    pub endpoint: String,
    /// Where the emulator of Cloud Storage listens, `host:port`.
    pub storage: String,
    /// The project's id.
    pub project_id: String,
    /// The service account that a person of this project may act as.
    pub deployer: String,
    /// The bucket for Terraform's state. It is not there before somebody makes it.
    pub state_bucket: String,
    /// The cluster that `infra/gcp` makes. It is not there before that is applied.
    pub cluster: String,
    /// Its zone.
    pub location: String,
    /// The person's credentials file.
    pub credentials: PathBuf,
    /// The emulator of Cloud Storage, where it outlives who started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

impl Google {
    /// Makes a project of this id known, with a person who may act as the deployer and the name of a bucket that is free.
    /// Secrets in the person's credentials file begin with `mark`.
    pub fn furnish(
        lab: &Lab,
        gcs: &Gcs,
        project_id: &str,
        mark: &str,
        credentials: &Path,
    ) -> Result<Self> {
        let emulator = lab.emulator();
        let google = Self {
            endpoint: format!("{}/_google", lab.aws.endpoint),
            storage: gcs.host(),
            project_id: project_id.to_owned(),
            deployer: DEPLOYER.to_owned(),
            state_bucket: format!("{project_id}-tfstate"),
            cluster: CLUSTER.to_owned(),
            location: LOCATION.to_owned(),
            credentials: credentials.to_path_buf(),
            process: None,
        };
        let person = format!("{project_id}@example.com");
        let refresh = format!("{mark}-{project_id}");
        for said in [
            json!({ "person": person, "refresh_token": refresh }),
            json!({ "project": project_id, "members": [person, DEPLOYER] }),
            json!({ "account": DEPLOYER, "also": [person] }),
        ] {
            emulator.control("google", &said)?;
        }
        let bucket =
            json!({ "bucket": google.state_bucket, "project": project_id, "upstream": gcs.host() });
        emulator.control("google_storage", &bucket)?;
        let document = json!({
            "type": "authorized_user", "client_id": "id", "client_secret": format!("{mark}-secret"),
            "refresh_token": refresh,
        });
        fs::write(credentials, document.to_string())
            .with_context(|| format!("writing {}", credentials.display()))?;
        Ok(google)
    }

    /// The text of `[gcp]` and `[environments.gcp.dev]`; `more` are further keys of the environment.
    pub fn settings(&self, more: &str) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        format!(
            r#"[gcp]
endpoint_url = {endpoint}   # lab only
storage_emulator = {storage}

[environments.gcp.dev]
tier = "dev"
project_id = {project}
region = "{REGION}"
state = {{ backend = "gcs", bucket = {bucket}, prefix = "dev" }}
credentials = {{ source = "file", path = {credentials} }}
impersonate = [{deployer}]
cluster = {{ name = {cluster}, location = {location}, namespaces = ["apps"] }}
vars = {{ project_id = {project}, region = "{REGION}", cluster_location = {location} }}
{more}"#,
            endpoint = quoted(&self.endpoint),
            storage = quoted(&self.storage),
            project = quoted(&self.project_id),
            bucket = quoted(&self.state_bucket),
            credentials = quoted(&self.credentials.display().to_string()),
            deployer = quoted(&self.deployer),
            cluster = quoted(&self.cluster),
            location = quoted(&self.location),
        )
    }

    /// Lays `infra/gcp` into a project's folder, with the lock file of the lab's stand-in for the google provider.
    pub fn lay(lab: &Lab, checkout: &Checkout, folder: &Path) -> Result<()> {
        let to = folder.join("infra/gcp");
        project::copy_tree(&checkout.top().join("infra/gcp"), &to)?;
        let lock = to.join("envs/dev/.terraform.lock.hcl");
        fs::copy(&lab.terraform.google_lock, &lock)
            .map(drop)
            .with_context(|| format!("writing {}", lock.display()))
    }

    /// The emulator of Cloud Storage.
    pub fn gcs(&self) -> Gcs {
        Gcs::at(&self.storage)
    }

    /// The bucket of the state as Google would show it; nothing when there is none.
    pub fn bucket(&self, emulator: &Emulator) -> Result<Option<Value>> {
        let asked = json!({ "bucket": self.state_bucket });
        let told = emulator.control("google_storage", &asked)?;
        Ok(told.get("bucket").filter(|bucket| bucket.is_object()).cloned())
    }

    /// The cluster as Google would show it; nothing when there is none.
    pub fn cluster(&self, emulator: &Emulator) -> Result<Option<Value>> {
        let told = emulator.control("google", &json!({ "clusters": self.project_id }))?;
        let all = told.get("clusters").and_then(Value::as_array).into_iter().flatten();
        let named = |cluster: &&Value| cluster.get("name") == Some(&json!(self.cluster));
        Ok(all.filter(|cluster| cluster.is_object()).find(named).cloned())
    }

    /// What the stand-in provider told the lab that it made and did not destroy, as `TYPE NAME`.
    pub fn made(&self, emulator: &Emulator) -> Result<Vec<String>> {
        let told = emulator.control("google_made", &json!({ "project": self.project_id }))?;
        let made = told.get("made").and_then(Value::as_array).into_iter().flatten();
        Ok(made.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Types of what Terraform's state in the bucket holds; nothing while there is no state.
    pub fn in_state(&self) -> Result<Vec<String>> {
        let text = self.gcs().object(&self.state_bucket, "dev/default.tfstate")?;
        let Some(text) = text else { return Ok(Vec::new()) };
        let state: Value = serde_json::from_str(&text).context("reading the state")?;
        let all = state.get("resources").and_then(Value::as_array).into_iter().flatten();
        let types = all.filter(|r| r.get("mode") == Some(&json!("managed")));
        Ok(types.filter_map(|r| r.get("type")?.as_str()).map(str::to_owned).collect())
    }
}
