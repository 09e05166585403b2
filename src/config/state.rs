//! The `state` setting of an environment: every check of it that needs no I/O.

mod gcs;

use std::path::Path;

use super::raw::{Raw, State};
use super::reference;
use super::valid::{check_region, named};
use crate::error::{Error, Result};
use crate::model::{Backend, name};

/// Host of HCP Terraform.
const CLOUD: &str = "app.terraform.io";

/// The backend that a `state` setting means. `field` names the environment's keys, `owner` is the environment.
pub(super) fn backend(
    state: &State,
    raw: &Raw,
    root: &Path,
    owner: reference::Owner<'_>,
    field: impl Fn(&str) -> String,
) -> Result<Backend> {
    let wrong = |key: &'static str| {
        let field = field(key);
        move |given: &str, bad: &name::BadName| named(&field, given, bad)
    };
    Ok(match state {
        State::S3 { bucket, key, region: own, lock_table, kms_key } => {
            name::s3_bucket(bucket).map_err(|bad| wrong("state.bucket")(bucket, &bad))?;
            let region = own.clone().unwrap_or_else(|| owner.region.to_owned());
            check_region(&field("state.region"), &region)?;
            if key.is_empty() || key.starts_with('/') || key.chars().any(char::is_control) {
                return Err(Error::invalid(field("state.key"), key, "is not an object key")
                    .allowed("a path without a leading /"));
            }
            if let Some(table) = lock_table {
                name::dynamodb_table(table)
                    .map_err(|bad| wrong("state.lock_table")(table, &bad))?;
            }
            if let Some(arn) = kms_key {
                name::kms_key(arn).map_err(|bad| wrong("state.kms_key")(arn, &bad))?;
            }
            let (bucket, key) = (bucket.clone(), key.clone());
            let (lock_table, kms_key) = (lock_table.clone(), kms_key.clone());
            Backend::S3 { bucket, key, region, lock_table, kms_key }
        }
        State::Gcs { .. } => gcs::backend(state, raw, root, owner.region, &field)?,
        State::Cloud { organization, workspace, hostname, token } => {
            name::cloud(organization)
                .map_err(|bad| wrong("state.organization")(organization, &bad))?;
            name::cloud(workspace).map_err(|bad| wrong("state.workspace")(workspace, &bad))?;
            let hostname = hostname.clone().unwrap_or_else(|| CLOUD.to_owned());
            name::host(&hostname).map_err(|bad| wrong("state.hostname")(&hostname, &bad))?;
            Backend::Cloud {
                hostname,
                organization: organization.clone(),
                workspace: workspace.clone(),
                token: reference::secret(&field("state.token"), token, root, owner)?,
            }
        }
        State::Local { path } => Backend::Local { path: root.join(path) },
    })
}
