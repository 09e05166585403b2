//! Secrets of Secret Manager: versions, and what refusals mean.

use std::sync::Arc;

use serde_json::{Value, json};

use super::stand_in::StandIn;
use super::*;
use crate::adapter::gcp::GoogleSecrets;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{CloudSecret, SecretRef};
use crate::port::{CloudSecrets, Fetched};

struct Site {
    stand_in: StandIn,
    _folder: tempfile::TempDir,
    environment: Environment,
    secrets: GoogleSecrets,
}

fn site() -> Site {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    let environment = environment(&stand_in, file(&user(&folder)));
    let secrets = GoogleSecrets::new(Arc::new(identity(&[])));
    Site { stand_in, _folder: folder, environment, secrets }
}

impl Site {
    async fn fetch(&self, version: Option<&str>) -> Result<Fetched> {
        let reference = SecretRef::Gcp(CloudSecret {
            environment: self.environment.key.clone(),
            account: PROJECT.into(),
            region: None,
            name: "db".into(),
            key: None,
            version: version.map(str::to_owned),
        });
        self.secrets.whole(&self.environment, &reference).await
    }

    async fn refused(&self, status: u16, value: Value) -> Error {
        self.stand_in.says("/versions/latest:access", status, value);
        let error = self.fetch(None).await.unwrap_err();
        assert!(error.message.contains("projects/acme-dev-4711/secrets/db"), "{error}");
        error
    }
}

/// As `AccessSecretVersion` answers. The sum is that of the text by RFC 3720.
fn version(number: u32) -> Value {
    json!({
        "name": format!("projects/42/secrets/db/versions/{number}"),
        "payload": { "data": "MTIzNDU2Nzg5", "dataCrc32c": 0xe306_9283_u32.to_string() },
    })
}

fn error(code: u16, status: &str, said: &str) -> Value {
    json!({ "error": { "code": code, "status": status, "message": said } })
}

#[tokio::test]
async fn the_newest_version_or_the_one_that_is_named_is_fetched() {
    let site = site();
    site.stand_in.says("/versions/latest:access", 200, version(7));
    site.stand_in.says("/versions/3:access", 200, version(3));
    for (asked, told) in [(None, "7"), (Some("3"), "3")] {
        let found = site.fetch(asked).await.unwrap();
        assert_eq!((found.value.expose(), found.version.as_deref()), ("123456789", Some(told)));
        assert!(!format!("{found:?}").contains("123456789"));
    }
}

#[tokio::test]
async fn refusals_of_secret_manager_are_told_by_what_to_do() {
    let site = site();
    let denied = site.refused(403, error(403, "PERMISSION_DENIED", "denied")).await;
    assert_eq!(denied.code, ErrorCode::UpstreamDenied);
    assert_eq!(denied.details["permission"], "secretmanager.versions.access");
    let absent = site.refused(404, error(404, "NOT_FOUND", "Secret not found")).await;
    assert_eq!(absent.code, ErrorCode::InvalidRequest);
    assert!(absent.next.unwrap().contains("project, name and version"));
    let said = "Secret Version [3] is in DISABLED state.";
    let disabled = site.refused(400, error(400, "FAILED_PRECONDITION", said)).await;
    assert!(disabled.message.contains("DISABLED"), "{disabled}");
    assert!(disabled.next.unwrap().contains("disabled or destroyed"));
    let mut broken = version(7);
    broken["payload"]["dataCrc32c"] = "1".into();
    let broken = site.refused(200, broken).await;
    assert!(broken.message.contains("checksum") && !broken.message.contains("123456789"));
}
