//! Whether another terraform of this machine is at work on the same state: one that was started by hand, as our user.

use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;

use super::files;
use crate::exec::{self, Other};
use crate::model::Backend;

#[derive(Default, Deserialize)]
struct Initialised {
    #[serde(default)]
    backend: Configured,
}

#[derive(Default, Deserialize)]
struct Configured {
    #[serde(default)]
    config: Place,
}

#[derive(Default, Deserialize)]
struct Place {
    #[serde(default)]
    bucket: Option<String>,
    #[serde(default)]
    key: Option<String>,
}

/// True also when it cannot be told.
pub(super) fn is_beside(backend: &Backend) -> bool {
    let Backend::S3 { bucket, key, .. } = backend else {
        return true;
    };
    let Some(others) = exec::others(&["terraform", "tofu"]) else {
        return true;
    };
    others.iter().any(|other| works_on(other, bucket, key))
}

/// What a terraform was initialised for stands in its data folder; without one it has no state to lock.
fn works_on(other: &Other, bucket: &str, key: &str) -> bool {
    let folder = other.variable("TF_DATA_DIR").unwrap_or_else(|| OsStr::new(".terraform"));
    let file = other.cwd.join(Path::new(folder)).join("terraform.tfstate");
    if !file.exists() {
        return false;
    }
    let read = files::read(&file).ok().and_then(|b| serde_json::from_slice(&b).ok());
    let Some(Initialised { backend: Configured { config } }) = read else {
        return true;
    };
    config.bucket.as_deref() == Some(bucket) && config.key.as_deref() == Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_27_another_terraform_counts_only_on_the_same_state() {
        let folder = tempfile::tempdir().unwrap();
        let other = |data: Option<&str>| Other {
            cwd: folder.path().into(),
            environment: data.map(|d| ("TF_DATA_DIR".into(), d.into())).into_iter().collect(),
        };
        assert!(!works_on(&other(None), "b", "k"), "not initialised");
        let text = r#"{"version":3,"backend":{"type":"s3","config":{"bucket":"b","key":"k"}}}"#;
        files::make_dir(&folder.path().join("data")).unwrap();
        files::write_private(&folder.path().join("data/terraform.tfstate"), text.as_bytes())
            .unwrap();
        assert!(!works_on(&other(None), "b", "k"), "initialised elsewhere");
        assert!(works_on(&other(Some("data")), "b", "k"));
        assert!(!works_on(&other(Some("data")), "b", "other"));
        files::write_private(&folder.path().join("data/terraform.tfstate"), b"{").unwrap();
        assert!(works_on(&other(Some("data")), "b", "other"), "it cannot be told");
    }
}
