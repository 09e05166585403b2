//! Looks at the bucket of a state: is it there, is it ours, is each setting as it should be.

use serde_json::Value;

use super::super::call::url;
use super::rules::{SETTINGS, notes, seen};
use super::{Bucket, needs, permission, text};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Action;
use crate::port::{Findings, Setting};

/// What is there, and what this identity could not mend.
pub(super) async fn observe(bucket: &Bucket<'_>) -> Result<Findings> {
    let there = find(bucket).await?;
    let settings = settings(bucket, there.as_ref());
    let mut notes = there.as_ref().map(notes).unwrap_or_default();
    let missing = match &there {
        _ if settings.iter().all(|setting| setting.action.is_none()) => Vec::new(),
        None => permission::missing_to_make(bucket).await?,
        Some(_) => permission::missing_to_mend(bucket, &settings).await?,
    };
    if !missing.is_empty() {
        let missing = missing.join(", ");
        notes
            .push(format!("this identity has no {missing}: without it the change will be refused"));
    }
    Ok(Findings { place: format!("gs://{}", bucket.name), settings, notes })
}

/// Every setting of a bucket, of one that is not there as well.
pub(super) fn settings(bucket: &Bucket<'_>, there: Option<&Value>) -> Vec<Setting> {
    let place = format!("there, in {}", bucket.location());
    let first = Setting {
        name: "bucket".to_owned(),
        seen: if there.is_some() { place.clone() } else { "absent".to_owned() },
        wanted: place,
        action: there.is_none().then_some(Action::Create),
    };
    let bare = Value::Null;
    let others = SETTINGS.into_iter().filter_map(|name| {
        let seen = seen(bucket.terms, name, there.unwrap_or(&bare))?;
        let action = match there {
            // Made with the bucket, whatever Google's own default is.
            None => Some(Action::Create),
            Some(_) => (!seen.right).then_some(Action::Update),
        };
        let shown = if there.is_some() { seen.seen } else { None };
        let missing = if there.is_some() { "not set" } else { "absent" };
        let shown = shown.unwrap_or_else(|| missing.to_owned());
        Some(Setting { name: name.to_owned(), seen: shown, wanted: seen.wanted, action })
    });
    std::iter::once(first).chain(others).collect()
}

/// The bucket as the API describes it. One of another project or in another place is an error.
pub(super) async fn find(bucket: &Bucket<'_>) -> Result<Option<Value>> {
    let doing = needs("looking", "storage.buckets.get");
    let asked = bucket.ask(doing, bucket.url(&[bucket.name], &[])?).await;
    let found = match asked {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(error) if super::status(&error) == Some(403) => return Err(closed(bucket, error).await),
        Err(error) => return Err(error),
    };
    let (number, owner) = (project_number(bucket).await?, text(&found, "/projectNumber"));
    if number != owner {
        let why = format!(
            "it belongs to project {owner}, and {} is {number}",
            bucket.environment.account
        );
        return Err(foreign(bucket, &why));
    }
    let (is, wanted) = (text(&found, "/location"), bucket.location());
    if !is.eq_ignore_ascii_case(wanted) {
        let told = if is.contains('-') { is.to_lowercase() } else { is.to_owned() };
        let why =
            format!("looking at gs://{}: it is in {told}, settings say {wanted}", bucket.name);
        return Err(Error::new(ErrorCode::InvalidRequest, why)
            .field("state.location")
            .given(wanted)
            .allowed(told)
            .next("set state.location to the bucket's: a bucket cannot be moved"));
    }
    Ok(Some(found))
}

fn foreign(bucket: &Bucket<'_>, why: &str) -> Error {
    let why = format!("looking at gs://{}: {why}", bucket.name);
    Error::new(ErrorCode::UpstreamDenied, why)
        .field("state.bucket")
        .next("choose a bucket name of your own, or correct project_id")
}

/// A bucket that may not be looked at: who may look at those of the project has met one of somebody else.
async fn closed(bucket: &Bucket<'_>, refused: Error) -> Error {
    const GET: &[&str] = &["storage.buckets.get"];
    match permission::missing_of_project(bucket, GET).await {
        Ok(missing) if missing.is_empty() => {
            let account = &bucket.environment.account;
            foreign(bucket, &format!("it belongs to another project than {account}"))
        }
        Ok(_) => permission::refuse(bucket, "looking", &GET.join(", ")),
        Err(_) => refused,
    }
}

/// The number by which a bucket names its project.
async fn project_number(bucket: &Bucket<'_>) -> Result<String> {
    let account = &bucket.environment.account;
    let doing = format!("asking for the number of project {account}");
    let (host, path) = ("cloudresourcemanager.googleapis.com", format!("/v3/projects/{account}"));
    let place = url(bucket.environment.endpoint_url.as_deref(), host, &path);
    let mut numbers = bucket.numbers.lock().await;
    if let Some(known) = numbers.get(&place) {
        return Ok(known.clone());
    }
    let project = bucket.identity.ask(bucket.environment, &doing, host, &path).await?;
    match text(&project, "/name").strip_prefix("projects/") {
        Some(number) if !number.is_empty() => {
            numbers.insert(place, number.to_owned());
            Ok(number.to_owned())
        }
        _ => Err(Error::new(ErrorCode::UpstreamFailed, format!("{doing}: it has none"))),
    }
}
