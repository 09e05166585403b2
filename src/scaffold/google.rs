//! The answers for a project of Google Cloud, and the settings that they make.

use std::path::Path;

use super::{filled, named, project_name, quoted};
use crate::error::Result;
use crate::model::name::{self, nearest};
use crate::model::region;

/// The settings, with places for the answers.
const SETTINGS: &str = include_str!("google.toml");
/// Longest name of a project: infra/gcp makes names of service accounts from it.
const NAME: usize = 19;

/// What a person answered, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoogleAnswers {
    /// Name of the project of datamcp.
    pub name: String,
    /// Id of the project of Google Cloud.
    pub project_id: String,
    /// Region.
    pub region: String,
    /// Bucket for the state; left out, one is named after both projects.
    pub bucket: Option<String>,
    /// Service account to act as.
    pub impersonate: Option<String>,
    /// The user that will run datamcp.
    pub os_user: String,
}

impl GoogleAnswers {
    /// Checks every answer.
    pub fn check(&self) -> Result<()> {
        project_name(&self.name, NAME)?;
        name::gcp_project(&self.project_id)
            .map_err(|bad| named("project_id", &self.project_id, &bad))?;
        name::gcp_region(&self.region).map_err(|bad| {
            let error = named("region", &self.region, &bad);
            match nearest(&self.region, region::GOOGLE) {
                Some(near) => error.next(format!("did you mean {near}")),
                None => error,
            }
        })?;
        if let Some(email) = &self.impersonate {
            name::service_account(email).map_err(|bad| named("impersonate", email, &bad))?;
        }
        let bucket = self.state_bucket();
        name::gcs_bucket(&bucket).map_err(|bad| named("bucket", &bucket, &bad))
    }

    /// The bucket for the state. Names of buckets are the whole world's, so the project's id is part of it.
    pub fn state_bucket(&self) -> String {
        let default = || format!("{}-dev-tfstate-{}", self.name, self.project_id);
        self.bucket.clone().unwrap_or_else(default)
    }

    /// The settings.
    pub fn settings(&self) -> String {
        let impersonate = match &self.impersonate {
            Some(email) => format!("impersonate = [{}]", quoted(email)),
            None => {
                "# impersonate = [\"deployer@acme-dev-4711.iam.gserviceaccount.com\"]".to_owned()
            }
        };
        let places = [
            ("{{name}}", quoted(&self.name)),
            ("{{project_id}}", quoted(&self.project_id)),
            ("{{region}}", quoted(&self.region)),
            ("{{impersonate}}", impersonate),
            ("{{bucket}}", quoted(&self.state_bucket())),
            ("{{stack}}", quoted(&format!("{}-dev", self.name))),
            ("{{zone}}", format!("{}-b", self.region)),
            ("{{os_user}}", quoted(&self.os_user)),
        ];
        filled(SETTINGS, &places)
    }
}

/// What has to be done before anything runs, below `folder`: the provider's lock file is not carried by this binary.
pub fn lock_file(folder: &Path) -> String {
    format!(
        "where Terraform's registry can be reached, make the lock file and commit it: `cd {} && terraform init -backend=false \
         && terraform providers lock -platform=linux_amd64`",
        folder.join("infra/gcp/envs/dev").display()
    )
}
