//! Secrets of AWS Secrets Manager: one call, signed by hand.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use serde_json::{Value, json};

use super::AwsIdentity;
use super::signed::{Answer, Call};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{CloudSecret, Environment, SecretRef};
use crate::port::{CloudSecrets, Fetched};
use crate::secret::Secret;

const ACTION: &str = "secretsmanager:GetSecretValue";

/// Secrets, as an identity may read them.
#[derive(Debug)]
pub struct AwsSecrets {
    identity: Arc<AwsIdentity>,
}

impl AwsSecrets {
    /// By this identity.
    pub fn new(identity: Arc<AwsIdentity>) -> Self {
        Self { identity }
    }
}

#[async_trait]
impl CloudSecrets for AwsSecrets {
    async fn whole(&self, environment: &Environment, reference: &SecretRef) -> Result<Fetched> {
        let doing = format!("fetching {reference}");
        let SecretRef::Aws(secret) = reference else {
            return Err(Error::internal(&doing, "it is not in AWS"));
        };
        let session = self.identity.session_of(environment).await;
        let settings = self.identity.settings(environment, &session).await?;
        get(&doing, environment, &settings, secret).await
    }
}

/// Fetches a secret with the keys of these settings.
pub(super) async fn get(
    doing: &str,
    environment: &Environment,
    settings: &SdkConfig,
    secret: &CloudSecret,
) -> Result<Fetched> {
    let mut body = json!({ "SecretId": secret.name });
    if let (Some(map), Some(version)) = (body.as_object_mut(), &secret.version) {
        let kind = if is_version_id(version) { "VersionId" } else { "VersionStage" };
        map.insert(kind.to_owned(), version.as_str().into());
    }
    let call = Call {
        doing,
        service: "secretsmanager",
        region: secret.region.as_deref().unwrap_or(&environment.region),
        path: "/",
        content_type: "application/x-amz-json-1.1",
        target: Some("secretsmanager.GetSecretValue"),
        body: body.to_string(),
    };
    let answer = call.send(environment, settings).await?;
    let told: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    if !answer.is_ok() {
        return Err(refused(doing, &answer, &told));
    }
    read(doing, secret, &told)
}

/// Secrets Manager reference, "GetSecretValue": version ids have 32 to 64 characters; what is shorter is a stage.
fn is_version_id(version: &str) -> bool {
    (32..=64).contains(&version.len())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The value in an answer. Nothing of an answer is quoted: it is the secret.
fn read(doing: &str, secret: &CloudSecret, told: &Value) -> Result<Fetched> {
    let text = |key: &str| told.get(key).and_then(Value::as_str);
    let account = text("ARN").and_then(|arn| arn.split(':').nth(4)).unwrap_or_default();
    if account != secret.account {
        let why = format!("{doing}: it is in account {account}, not in {}", secret.account);
        return Err(Error::new(ErrorCode::WrongIdentity, why)
            .next("check where the environment's credentials come from"));
    }
    let Some(value) = text("SecretString") else {
        let why = format!("{doing}: it holds bytes, and a text is wanted");
        return Err(
            Error::new(ErrorCode::InvalidRequest, why).next("store it as a text (SecretString)")
        );
    };
    Ok(Fetched { value: Secret::new(value), version: text("VersionId").map(str::to_owned) })
}

fn refused(doing: &str, answer: &Answer, told: &Value) -> Error {
    let text = |keys: [&str; 2]| {
        let found = keys.iter().find_map(|key| told.get(*key).and_then(Value::as_str));
        found.unwrap_or_default().chars().take(400).collect::<String>()
    };
    let (code, said) = (text(["__type", "code"]), text(["message", "Message"]));
    let code = code.rsplit('#').next().unwrap_or_default();
    let error = |kind| Error::new(kind, format!("{doing}: {said} ({code})")).detail("aws", code);
    match code {
        "AccessDeniedException" | "AccessDenied" | "UnrecognizedClientException" => {
            error(ErrorCode::UpstreamDenied)
                .detail("action", ACTION)
                .next(format!("allow {ACTION} on this secret for the environment's identity"))
        }
        "DecryptionFailure" => error(ErrorCode::UpstreamDenied)
            .detail("action", "kms:Decrypt")
            .next("allow kms:Decrypt with the secret's key for the environment's identity"),
        "ResourceNotFoundException" => error(ErrorCode::InvalidRequest)
            .next("check name, region and version of the reference, and that it has a value"),
        "InvalidRequestException" => error(ErrorCode::InvalidRequest)
            .next("it is being deleted: restore it, or refer to another"),
        _ if answer.status == 403 => error(ErrorCode::UpstreamDenied).detail("action", ACTION),
        _ => error(ErrorCode::UpstreamFailed).next("try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cloud, EnvironmentKey};

    fn secret() -> CloudSecret {
        CloudSecret {
            environment: EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() },
            account: "123456789012".into(),
            region: None,
            name: "db".into(),
            key: None,
            version: None,
        }
    }

    #[test]
    fn stages_and_version_ids_are_told_apart() {
        assert!(is_version_id("4a1b6f0c-1111-2222-3333-444455556666"));
        for stage in ["AWSCURRENT", "AWSPREVIOUS", "blue"] {
            assert!(!is_version_id(stage), "{stage}");
        }
    }

    #[test]
    fn a_secret_of_another_account_or_in_bytes_is_refused_and_not_quoted() {
        let arn = |account: &str| format!("arn:aws:secretsmanager:eu-west-1:{account}:secret:db-x");
        for (told, why) in [
            (json!({ "ARN": arn("999999999999"), "SecretString": "hunter22" }), "999999999999"),
            (json!({ "ARN": arn("123456789012"), "SecretBinary": "aHVudGVyMjI=" }), "holds bytes"),
        ] {
            let error = read("fetching", &secret(), &told).unwrap_err();
            assert!(error.message.contains(why), "{error}");
            assert!(
                !format!("{error:?}").contains("hunter22")
                    && !format!("{error:?}").contains("aHVu")
            );
        }
        let told =
            json!({ "ARN": arn("123456789012"), "SecretString": "hunter22", "VersionId": "v" });
        let found = read("fetching", &secret(), &told).unwrap();
        assert_eq!((found.value.expose(), found.version.as_deref()), ("hunter22", Some("v")));
    }

    #[test]
    fn a_refusal_names_the_action() {
        for (code, kind, action) in [
            ("AccessDeniedException", ErrorCode::UpstreamDenied, Some(ACTION)),
            ("DecryptionFailure", ErrorCode::UpstreamDenied, Some("kms:Decrypt")),
            ("ResourceNotFoundException", ErrorCode::InvalidRequest, None),
            ("InternalServiceError", ErrorCode::UpstreamFailed, None),
        ] {
            let told = json!({ "__type": code, "message": "no" });
            let answer = Answer { status: 400, text: told.to_string() };
            let error = refused("fetching db", &answer, &told);
            assert_eq!(error.code, kind, "{code}");
            assert_eq!(error.details.get("action").and_then(Value::as_str), action);
        }
    }
}
