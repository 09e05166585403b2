//! Secrets of Google's Secret Manager.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::GoogleIdentity;
use super::call::is_absent;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Environment, SecretRef};
use crate::port::{CloudSecrets, Fetched};
use crate::secret::Secret;

const HOST: &str = "secretmanager.googleapis.com";
const PERMISSION: &str = "secretmanager.versions.access";

/// Secrets, as an identity may read them.
#[derive(Debug)]
pub struct GoogleSecrets {
    identity: Arc<GoogleIdentity>,
}

impl GoogleSecrets {
    /// By this identity.
    pub fn new(identity: Arc<GoogleIdentity>) -> Self {
        Self { identity }
    }
}

#[async_trait]
impl CloudSecrets for GoogleSecrets {
    async fn whole(&self, environment: &Environment, reference: &SecretRef) -> Result<Fetched> {
        let doing = format!("fetching {reference}");
        let SecretRef::Gcp(secret) = reference else {
            return Err(Error::internal(&doing, "it is not in Google Cloud"));
        };
        let version = secret.version.as_deref().unwrap_or("latest");
        let path = format!(
            "/v1/projects/{}/secrets/{}/versions/{version}:access",
            secret.account, secret.name
        );
        let asked = self.identity.ask(environment, &doing, HOST, &path).await;
        read(&doing, &asked.map_err(refused)?)
    }
}

/// What a refusal means for a secret.
fn refused(error: Error) -> Error {
    let status = error.details.get("http_status").and_then(Value::as_u64);
    let reason = error.details.get("reason").and_then(Value::as_str).unwrap_or_default();
    match (status, reason) {
        (Some(403), reason) if reason != "SERVICE_DISABLED" => error
            .detail("permission", PERMISSION)
            .next(format!("have {PERMISSION} on this secret granted to this identity (roles/secretmanager.secretAccessor)")),
        (Some(400), "FAILED_PRECONDITION") => {
            error.next("this version is disabled or destroyed: enable it, or refer to another")
        }
        _ if is_absent(&error) => {
            error.next("check project, name and version of the reference")
        }
        _ => error,
    }
}

/// The value in an answer. Nothing of an answer is quoted: it is the secret.
fn read(doing: &str, told: &Value) -> Result<Fetched> {
    let text = |at: &str| told.pointer(at).and_then(Value::as_str);
    let broken = |why: &str| {
        Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {why}")).next("try again")
    };
    let data = text("/payload/data").ok_or_else(|| broken("the answer holds no payload"))?;
    let bytes = STANDARD.decode(data).map_err(|_| broken("the payload is not base64"))?;
    // Secret Manager reference, "SecretPayload": dataCrc32c, an int64 as a text.
    let sum = text("/payload/dataCrc32c").map(str::parse::<u32>);
    if sum.is_some_and(|sum| sum != Ok(crc32c(&bytes))) {
        return Err(broken("the payload does not match its checksum"));
    }
    let value = String::from_utf8(bytes).map_err(|_| {
        Error::new(
            ErrorCode::InvalidRequest,
            format!("{doing}: it holds bytes, and a text is wanted"),
        )
        .next("store it as a text in UTF-8")
    })?;
    let version = text("/name").and_then(|name| name.rsplit('/').next());
    Ok(Fetched { value: Secret::new(value), version: version.map(str::to_owned) })
}

/// CRC-32C (RFC 3720, appendix B.4), bit by bit: secrets are short.
fn crc32c(bytes: &[u8]) -> u32 {
    const REVERSED: u32 = 0x82f6_3b78;
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { (sum >> 1) ^ REVERSED } else { sum >> 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(bytes: &[u8], sum: u32) -> Value {
        json!({
            "name": "projects/42/secrets/db/versions/3",
            "payload": { "data": STANDARD.encode(bytes), "dataCrc32c": sum.to_string() },
        })
    }

    #[test]
    fn the_checksum_is_that_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn a_payload_is_checked_and_never_quoted() {
        let whole = told(b"hunter22", crc32c(b"hunter22"));
        let found = read("fetching", &whole).unwrap();
        assert_eq!((found.value.expose(), found.version.as_deref()), ("hunter22", Some("3")));
        for (bad, why) in [
            (told(b"hunter22", 1), "checksum"),
            (told(&[0xff, 0xfe], crc32c(&[0xff, 0xfe])), "holds bytes"),
            (json!({ "payload": { "data": "hunter22!" } }), "not base64"),
            (json!({}), "no payload"),
        ] {
            let error = read("fetching", &bad).unwrap_err();
            assert!(error.message.contains(why), "{error}");
            assert!(!format!("{error:?}").contains("hunter22"));
        }
    }
}
