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
    #[serde(default)]
    prefix: Option<String>,
}

/// True also when it cannot be told.
pub(super) fn is_beside(backend: &Backend) -> bool {
    let Some(others) = exec::others(&["terraform", "tofu"]) else {
        return true;
    };
    // One that ends while it is looked at takes its files along, and is beside nobody any more.
    others.iter().any(|other| works_on(other, backend) && other.is_there())
}

/// What a terraform was initialised for stands in its data folder.
fn works_on(other: &Other, backend: &Backend) -> bool {
    let folder = other.variable("TF_DATA_DIR").unwrap_or_else(|| OsStr::new(".terraform"));
    let file = other.cwd.join(Path::new(folder)).join("terraform.tfstate");
    if !file.exists() {
        return match backend {
            // It locks a state while it is initialised, before it says for which.
            Backend::Gcs { bucket, .. } => may_name(other, bucket),
            // Without one it has no state to lock.
            _ => false,
        };
    }
    let read = files::read(&file).ok().and_then(|b| serde_json::from_slice(&b).ok());
    let Some(Initialised { backend: Configured { config } }) = read else {
        return true;
    };
    let same = |is: &Option<String>, wanted: &str| is.as_deref() == Some(wanted);
    match backend {
        Backend::S3 { bucket, key, .. } => same(&config.bucket, bucket) && same(&config.key, key),
        Backend::Gcs { bucket, prefix, .. } => {
            let is = config.prefix.map(|prefix| prefix.trim_matches('/').to_owned());
            same(&config.bucket, bucket) && same(&is, prefix)
        }
        Backend::Cloud { .. } | Backend::Local { .. } => true,
    }
}

/// Whether its module, its arguments or a file that they name speak of the bucket: a backend block takes no variable.
fn may_name(other: &Other, bucket: &str) -> bool {
    let arguments = other.arguments.iter().map(|argument| argument.to_string_lossy());
    let (mut texts, mut files): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for argument in arguments {
        let given = argument.trim_start_matches('-').strip_prefix("backend-config=");
        files.extend(given.filter(|g| !g.contains('=')).map(|file| other.cwd.join(file)));
        texts.push(argument.into_owned());
    }
    let Ok(entries) = files::list(&other.cwd) else { return true };
    let is_module = |path: &Path| {
        let name = path.to_string_lossy();
        name.ends_with(".tf") || name.ends_with(".tf.json")
    };
    files.extend(entries.into_iter().filter(|path| is_module(path)));
    for file in files {
        match files::read(&file) {
            Ok(bytes) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => return true,
        }
    }
    texts.iter().any(|text| text.contains(bucket))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn bar_27_another_terraform_counts_only_on_the_same_state() {
        let folder = tempfile::tempdir().unwrap();
        let other = |data: Option<&str>| Other {
            process: PathBuf::new(),
            cwd: folder.path().into(),
            arguments: Vec::new(),
            environment: data.map(|d| ("TF_DATA_DIR".into(), d.into())).into_iter().collect(),
        };
        let works_on = |other: &Other, bucket: &str, key: &str| {
            let (bucket, key, region) = (bucket.into(), key.into(), String::new());
            super::works_on(
                other,
                &Backend::S3 { bucket, key, region, lock_table: None, kms_key: None },
            )
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

    #[test]
    fn bar_27_another_terraform_in_a_bucket_of_google_counts_while_it_is_initialised_too() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            files::write_private(&folder.path().join(name), text.as_bytes()).unwrap();
        };
        let other = |arguments: &[&str]| Other {
            process: PathBuf::new(),
            cwd: folder.path().into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Vec::new(),
        };
        let gcs = |bucket: &str, prefix: &str| Backend::Gcs {
            bucket: bucket.into(),
            prefix: prefix.into(),
            credentials: None,
            emulator: None,
            terms: Box::default(),
        };
        assert!(!works_on(&other(&["init"]), &gcs("acme", "dev")), "nothing names it");
        assert!(works_on(&other(&["init", "-backend-config=bucket=acme"]), &gcs("acme", "dev")));
        write("values.json", r#"{"bucket":"acme"}"#);
        let by_file = other(&["init", "-backend-config=values.json"]);
        assert!(works_on(&by_file, &gcs("acme", "dev")));
        assert!(!works_on(&by_file, &gcs("other", "dev")));
        let lost = other(&["init", "-backend-config=gone.json"]);
        assert!(works_on(&lost, &gcs("other", "dev")), "it cannot be told");
        write("main.tf", "terraform { backend \"gcs\" { bucket = \"other\" } }");
        assert!(works_on(&other(&["init"]), &gcs("other", "dev")));
        // Initialised, it says for what.
        files::make_dir(&folder.path().join(".terraform")).unwrap();
        write(
            ".terraform/terraform.tfstate",
            r#"{"backend":{"type":"gcs","config":{"bucket":"acme","prefix":"dev/"}}}"#,
        );
        assert!(works_on(&other(&["apply"]), &gcs("acme", "dev")));
        assert!(!works_on(&other(&["apply"]), &gcs("acme", "prod")));
        assert!(!works_on(&other(&["apply"]), &gcs("other", "dev")));
    }
}
