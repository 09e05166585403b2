//! The values for `init -backend-config`: configuration decides where the state is, the code only names the kind.

use serde_json::{Value, json};

use crate::model::{Backend, Environment};

/// The file's content.
pub(super) fn render(environment: &Environment) -> Value {
    match &environment.backend {
        Backend::Local { path } => json!({
            "path": path,
            "workspace_dir": path.with_extension("workspaces"),
        }),
        Backend::S3 { bucket, key, region } => {
            let mut values = json!({
                "bucket": bucket,
                "key": key,
                "region": region,
                "encrypt": true,
                "use_lockfile": true,
            });
            if let (Some(endpoint), Some(map)) = (&environment.endpoint_url, values.as_object_mut())
            {
                let emulator = json!({
                    "use_path_style": true,
                    "skip_credentials_validation": true,
                    "skip_metadata_api_check": true,
                    "skip_region_validation": true,
                    "skip_requesting_account_id": true,
                    "skip_s3_checksum": true,
                    "endpoints": { "s3": endpoint, "sts": endpoint, "iam": endpoint },
                });
                map.extend(emulator.as_object().cloned().unwrap_or_default());
            }
            values
        }
    }
}
