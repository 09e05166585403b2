//! Asks what this identity may do, before anything is done.

use serde_json::{Value, json};

use super::super::call::{Again, Body, Call, url};
use super::{Bucket, needs, object};
use crate::error::{Error, ErrorCode, Result};
use crate::port::Setting;

const MAKE: &[&str] = &["storage.buckets.create", "storage.buckets.get"];
/// What terraform's backend does with objects: it lists workspaces, reads and writes states, makes locks and takes them away.
/// Writing over an object is deleting it, too (Cloud Storage, "IAM permissions for JSON methods", `objects.insert`).
const USE: &[&str] = &[
    "storage.objects.list",
    "storage.objects.get",
    "storage.objects.create",
    "storage.objects.delete",
];
const READ: &[&str] = &["storage.objects.list", "storage.objects.get"];
const UPDATE: &str = "storage.buckets.update";
/// Who makes a bucket public or takes that away says who may read it (Cloud Storage, "IAM permissions for JSON methods").
const POLICY: &str = "storage.buckets.setIamPolicy";

/// What is missing to make the bucket.
pub(super) async fn missing_to_make(bucket: &Bucket<'_>) -> Result<Vec<&'static str>> {
    missing_of_project(bucket, MAKE).await
}

/// What is missing to mend all of its settings that are not as they should be.
pub(super) async fn missing_to_mend(
    bucket: &Bucket<'_>,
    settings: &[Setting],
) -> Result<Vec<&'static str>> {
    let public =
        settings.iter().any(|s| s.action.is_some() && s.name == "public_access_prevention");
    let wanted: &[&str] = if public { &[UPDATE, POLICY] } else { &[UPDATE] };
    Ok(missing_of_bucket(bucket, wanted).await?.unwrap_or_else(|| wanted.to_vec()))
}

/// What is missing for terraform's backend to read the states below a folder, or to write them and their locks. A bucket that
/// is not there lacks nothing: it is told otherwise.
pub(super) async fn missing_to_use(
    bucket: &Bucket<'_>,
    folder: &str,
    write: bool,
) -> Result<Vec<&'static str>> {
    let wanted = if write { USE } else { READ };
    let missing = missing_of_bucket(bucket, wanted).await?.unwrap_or_default();
    // A grant with a condition on the names of objects is not seen on the bucket: who may look at a state has one.
    if missing.len() == wanted.len() && object::may_look(bucket, folder).await? {
        return Ok(Vec::new());
    }
    Ok(missing)
}

/// Which of these the identity does not have on the bucket; none where there is no bucket.
async fn missing_of_bucket(
    bucket: &Bucket<'_>,
    wanted: &[&'static str],
) -> Result<Option<Vec<&'static str>>> {
    let query: Vec<(&str, &str)> = wanted.iter().map(|w| ("permissions", *w)).collect();
    // The question itself needs no permission.
    let doing = needs("asking for the permissions", UPDATE);
    let url = bucket.url(&[bucket.name, "iam", "testPermissions"], &query)?;
    let answer = bucket.ask(doing, url).await?;
    Ok(answer.map(|answer| without(wanted, &answer)))
}

/// Which of these the identity does not have in the project.
pub(super) async fn missing_of_project(
    bucket: &Bucket<'_>,
    wanted: &[&'static str],
) -> Result<Vec<&'static str>> {
    let environment = bucket.environment;
    let doing = format!("asking for the permissions in project {}", environment.account);
    let host = "cloudresourcemanager.googleapis.com";
    let path = format!("/v3/projects/{}:testIamPermissions", environment.account);
    let body = json!({ "permissions": wanted });
    let url = url(environment.endpoint_url.as_deref(), host, &path);
    let call = Call { again: Again::Question, ..Call::post(&doing, url, Body::Json(&body)) };
    let answer = bucket.identity.send(environment, &call).await?.value;
    Ok(without(wanted, &answer))
}

fn without(wanted: &[&'static str], answer: &Value) -> Vec<&'static str> {
    let has = answer.get("permissions").and_then(Value::as_array);
    let has: Vec<&str> = has.into_iter().flatten().filter_map(Value::as_str).collect();
    wanted.iter().copied().filter(|wanted| !has.contains(wanted)).collect()
}

/// The refusal that names what is missing.
pub(super) fn refuse(bucket: &Bucket<'_>, doing: &str, missing: &str) -> Error {
    let why = format!("{doing} of gs://{}: this identity has no {missing}", bucket.name);
    Error::new(ErrorCode::UpstreamDenied, why).detail("permission", missing).next(format!(
        "have {missing} granted to this identity in project {}",
        bucket.environment.account
    ))
}

/// Refuses where something is missing.
pub(super) fn all_of(bucket: &Bucket<'_>, doing: &str, missing: &[&str]) -> Result<()> {
    if missing.is_empty() { Ok(()) } else { Err(refuse(bucket, doing, &missing.join(", "))) }
}
