//! Makes the bucket of a state, or mends one setting of it.

use serde_json::{Map, Value, json};

use super::super::call::{Body, Verb, is_otherwise, status};
use super::look::{find, settings};
use super::rules::{SETTINGS, change};
use super::{Bucket, needs, permission, text};
use crate::error::{Error, ErrorCode, Result};

/// How often a bucket that somebody else changes at the same time is looked at again.
const TRIES: u32 = 3;

/// Makes one setting. What is as it should be is left alone.
pub(super) async fn set(bucket: &Bucket<'_>, setting: &str) -> Result<()> {
    for _ in 0..TRIES {
        match (setting, find(bucket).await?) {
            ("bucket", Some(_)) => return Ok(()),
            ("bucket", None) => return create(bucket).await,
            (_, Some(found)) => match mend(bucket, setting, &found).await {
                Err(error) if is_otherwise(&error) => {}
                other => return other,
            },
            (_, None) => {
                let why = format!("setting {setting} of gs://{}: the bucket is gone", bucket.name);
                return Err(Error::new(ErrorCode::UpstreamFailed, why));
            }
        }
    }
    let why = format!(
        "setting {setting} of gs://{}: somebody else keeps changing the bucket",
        bucket.name
    );
    Err(Error::new(ErrorCode::UpstreamFailed, why).next("see who does, then try again"))
}

/// Made with all of its settings at once: there is no moment at which it is there without them.
async fn create(bucket: &Bucket<'_>) -> Result<()> {
    permission::all_of(bucket, "making", &permission::missing_to_make(bucket).await?)?;
    let mut whole = Map::new();
    for setting in SETTINGS {
        join(&mut whole, change(bucket.terms, setting, &Value::Null));
    }
    whole.insert("name".to_owned(), json!(bucket.name));
    whole.insert("location".to_owned(), json!(bucket.location().to_uppercase()));
    let url = bucket.url(&[], &[("project", &bucket.environment.account)])?;
    let doing = needs("making", "storage.buckets.create");
    let asked = bucket.send(doing, url, Verb::Post, Body::Json(&Value::Object(whole))).await;
    match asked.map_err(|error| of_key(bucket, error)) {
        Ok(_) => Ok(()),
        // The name is taken: by an earlier call of ours whose answer was lost, or by somebody else.
        Err(error) if status(&error) == Some(409) => match find(bucket).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(error
                .field("state.bucket")
                .given(bucket.name)
                .next("a bucket of this name is being made or deleted: try again in a minute")),
            Err(why) => Err(why),
        },
        Err(error) => Err(error),
    }
}

/// Puts one object into another, folder by folder.
fn join(whole: &mut Map<String, Value>, part: Value) {
    let Value::Object(part) = part else { return };
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(inner)), value @ Value::Object(_)) => join(inner, value),
            (_, value) => drop(whole.insert(key, value)),
        }
    }
}

async fn mend(bucket: &Bucket<'_>, setting: &str, found: &Value) -> Result<()> {
    let all = settings(bucket, Some(found));
    if !all.iter().any(|s| s.name == setting && s.action.is_some()) {
        return Ok(());
    }
    // For all that is left to do, so that nothing is done by halves.
    permission::all_of(bucket, "changing", &permission::missing_to_mend(bucket, &all).await?)?;
    let change = change(bucket.terms, setting, found);
    let seen = text(found, "/metageneration");
    let url = bucket.url(&[bucket.name], &[("ifMetagenerationMatch", seen)])?;
    let doing = match setting {
        "public_access_prevention" => {
            needs("preventing public access", "storage.buckets.setIamPolicy")
        }
        _ => needs("changing", "storage.buckets.update"),
    };
    let asked = bucket.send(doing, url, Verb::Patch, Body::Json(&change)).await;
    asked.map(drop).map_err(|error| of_key(bucket, error))
}

/// Who encrypts is the project's agent of Cloud Storage, not the identity.
fn of_key(bucket: &Bucket<'_>, mut error: Error) -> Error {
    let about_key = error.message.contains("KMS") || error.message.contains("cryptoKey");
    match &bucket.terms.kms_key {
        Some(key) if about_key => {
            // What the agent lacks is no permission of the identity's.
            error.details.remove("permission");
            error.field("state.kms_key").given(key).next(format!(
                "have roles/cloudkms.cryptoKeyEncrypterDecrypter on {key} granted to the service agent of Cloud Storage of {}",
                bucket.environment.account
            ))
        }
        _ => error,
    }
}
