//! What terraform is told about the place of the state: configuration decides where it is, the code only names the kind.

use serde_json::{Value, json};

use crate::error::{Error, ErrorCode, Result};
use crate::model::{Backend, Cloud, Environment};
use crate::port::Secrets;
use crate::secret::Secret;

/// The values of the backend block: the content of the file for `init -backend-config`, where the kind takes one.
pub(super) fn render(environment: &Environment) -> Value {
    match &environment.backend {
        Backend::Local { path } => json!({
            "path": path,
            "workspace_dir": path.with_extension("workspaces"),
        }),
        Backend::S3 { bucket, key, region, lock_table, kms_key } => {
            let mut values = json!({
                "bucket": bucket,
                "key": key,
                "region": region,
                "encrypt": true,
                "use_lockfile": true,
                // Terraform asks by itself whose keys it was given: state is never written as another account.
                "allowed_account_ids": [environment.account],
            });
            let Some(map) = values.as_object_mut() else { return values };
            map.extend(lock_table.iter().map(|t| ("dynamodb_table".to_owned(), json!(t))));
            map.extend(kms_key.iter().map(|k| ("kms_key_id".to_owned(), json!(k))));
            if let Some(endpoint) = &environment.endpoint_url {
                let emulator = json!({
                    "use_path_style": true,
                    "skip_metadata_api_check": true,
                    "skip_region_validation": true,
                    "skip_s3_checksum": true,
                    "endpoints": { "s3": endpoint, "sts": endpoint, "iam": endpoint, "dynamodb": endpoint },
                });
                map.extend(emulator.as_object().cloned().unwrap_or_default());
            }
            values
        }
        Backend::Gcs { bucket, prefix, emulator, .. } => {
            let mut values = json!({ "bucket": bucket, "prefix": prefix });
            // Named as a place and not as an emulator, to which no token would be shown.
            let place = emulator.as_ref().filter(|_| environment.key.cloud == Cloud::Gcp);
            if let (Some(host), Some(map)) = (place, values.as_object_mut()) {
                let url = format!("http://{host}/storage/v1/");
                map.insert("storage_custom_endpoint".to_owned(), json!(url));
            }
            values
        }
        Backend::Cloud { hostname, organization, workspace, .. } => {
            json!({ "hostname": hostname, "organization": organization, "workspace": workspace })
        }
    }
}

/// Whether `init` takes the values from a file. A `cloud` block takes them from the environment, and no `-reconfigure`.
pub(super) fn by_file(backend: &Backend) -> bool {
    !matches!(backend, Backend::Cloud { .. })
}

/// The environment variables that the kind takes; none of them is a secret.
pub(super) fn variables(environment: &Environment) -> Vec<(String, String)> {
    let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    match &environment.backend {
        Backend::Gcs { credentials, emulator, .. } => {
            let emulator = emulator.as_ref().filter(|_| environment.key.cloud != Cloud::Gcp);
            let path = credentials.as_ref().map(|p| p.to_string_lossy());
            let path = path.map(|p| owned("GOOGLE_BACKEND_CREDENTIALS", &p));
            path.into_iter()
                .chain(emulator.map(|host| owned("STORAGE_EMULATOR_HOST", host)))
                .collect()
        }
        Backend::Cloud { hostname, organization, workspace, .. } => vec![
            owned("TF_CLOUD_HOSTNAME", hostname),
            owned("TF_CLOUD_ORGANIZATION", organization),
            owned("TF_WORKSPACE", workspace),
            // Whatever the workspace says: plan and apply are carried out here, where they are guarded.
            owned("TF_FORCE_LOCAL_BACKEND", "1"),
        ],
        Backend::S3 { .. } | Backend::Local { .. } => Vec::new(),
    }
}

/// Host and token that Terraform's own configuration file has to hold.
pub(super) async fn token(
    backend: &Backend,
    secrets: &dyn Secrets,
) -> Result<Option<(String, Secret)>> {
    let Backend::Cloud { hostname, token, .. } = backend else { return Ok(None) };
    let found = secrets.fetch(token).await.map_err(|e| e.field("state.token"))?;
    let found = found.map(|found| Secret::new(found.value.expose().trim()));
    let found = found.filter(|t| {
        let text = t.expose();
        !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
    });
    match found {
        Some(token) => Ok(Some((hostname.clone(), token))),
        None => Err(Error::new(
            ErrorCode::UpstreamDenied,
            format!("finding the token for {hostname}: {token} holds none"),
        )
        .field("state.token")
        .next(
            "make a token in HCP Terraform and put it where state.token says, with nothing else",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretRef;
    use crate::port::secrets::Told;

    fn cloud(token: SecretRef) -> Backend {
        let (hostname, organization) = ("tfe.example.com:8443".into(), "acme".into());
        Backend::Cloud { hostname, organization, workspace: "dev".into(), token }
    }

    #[tokio::test]
    async fn promise_7_a_token_goes_into_no_variable_and_no_fingerprint() {
        let secrets = Told::one("TOKEN", "abc.atlasv1.def");
        let backend = cloud(SecretRef::Env("TOKEN".into()));
        let (host, token) = token(&backend, &*secrets).await.unwrap().unwrap();
        assert_eq!((host.as_str(), token.expose()), ("tfe.example.com:8443", "abc.atlasv1.def"));
        let environment = super::super::tests::environment("/t".as_ref(), "r", backend.clone());
        let all = format!("{:?} {:?} {secrets:?}", variables(&environment), backend);
        assert!(!all.contains("atlasv1"), "{all}");
    }

    #[test]
    fn security_19_a_state_in_s3_takes_the_keys_of_the_environments_account_alone() {
        let s3 = Backend::S3 {
            bucket: "b".into(),
            key: "k".into(),
            region: "eu-west-1".into(),
            lock_table: None,
            kms_key: None,
        };
        let mut environment = super::super::tests::environment("/t".as_ref(), "r", s3);
        for endpoint in [None, Some("http://127.0.0.1:5000".to_owned())] {
            environment.endpoint_url = endpoint;
            let values = render(&environment);
            assert_eq!(values["allowed_account_ids"], json!([environment.account]));
            for skipped in ["skip_requesting_account_id", "skip_credentials_validation"] {
                assert!(values.get(skipped).is_none(), "{skipped}: it would not ask");
            }
        }
    }

    #[test]
    fn a_token_is_shown_to_what_stands_in_for_cloud_storage_in_environments_of_google() {
        let gcs = Backend::Gcs {
            bucket: "b".into(),
            prefix: "p".into(),
            credentials: None,
            emulator: Some("127.0.0.1:4443".into()),
            terms: Box::default(),
        };
        let mut environment = super::super::tests::environment("/t".as_ref(), "r", gcs);
        assert_eq!(variables(&environment).len(), 1, "an emulator, to which nobody signs in");
        environment.key.cloud = Cloud::Gcp;
        assert_eq!(variables(&environment), []);
        let values = render(&environment);
        assert_eq!(values["storage_custom_endpoint"], "http://127.0.0.1:4443/storage/v1/");
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test lays out its files")]
    async fn a_token_that_is_not_there_is_named_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "two words\n").unwrap();
        for source in [SecretRef::Env("NONE".into()), SecretRef::File(file)] {
            let error = token(&cloud(source.clone()), &Told::default()).await.unwrap_err();
            assert!(error.message.contains(&source.to_string()), "{error}");
            assert!(!error.message.contains("two words"));
        }
    }
}
