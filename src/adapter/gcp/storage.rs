//! The bucket of a Terraform state in Cloud Storage, by its JSON API. It is made whole by one call; what somebody changed
//! since is mended setting by setting, each under the condition that the bucket is as it was seen. A bucket of another
//! project is never touched.

mod look;
mod make;
mod object;
mod permission;
mod rules;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Mutex;

use super::GoogleIdentity;
use super::call::{Again, Answer, Body, Call, Verb, status, url};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Backend, Environment, GcsTerms};
use crate::permit::Permit;
use crate::port::{Findings, Job, LockObject, ObjectVersion, OwnOrphan, StateBackend};

const HOST: &str = "storage.googleapis.com";

/// Buckets of states by the JSON API.
#[derive(Debug)]
pub struct GoogleStorage {
    identity: Arc<GoogleIdentity>,
    /// Numbers of projects, by stand-in and id: a project keeps its own for ever.
    numbers: Mutex<HashMap<String, String>>,
}

/// One bucket, and the project that it has to belong to.
struct Bucket<'a> {
    identity: &'a GoogleIdentity,
    numbers: &'a Mutex<HashMap<String, String>>,
    environment: &'a Environment,
    name: &'a str,
    terms: &'a GcsTerms,
}

/// A call: what it does, for messages, and the permission that it needs.
#[derive(Debug, Clone, Copy)]
struct Doing {
    what: &'static str,
    permission: &'static str,
}

const fn needs(what: &'static str, permission: &'static str) -> Doing {
    Doing { what, permission }
}

impl GoogleStorage {
    /// Buckets as this identity reaches them.
    pub fn new(identity: Arc<GoogleIdentity>) -> Self {
        Self { identity, numbers: Mutex::default() }
    }

    fn bucket<'a>(&'a self, environment: &'a Environment) -> Result<Bucket<'a>> {
        let Backend::Gcs { bucket, terms, emulator, .. } = &environment.backend else {
            let doing = "reaching the state bucket";
            return Err(Error::internal(doing, "the state is not in Cloud Storage"));
        };
        if let (Some(host), None) = (emulator, &environment.endpoint_url) {
            let why = format!(
                "reaching gs://{bucket}: an emulator stands in for the state alone, and Google itself would be asked for the rest"
            );
            return Err(Error::new(ErrorCode::InvalidRequest, why)
                .field("gcp.storage_emulator")
                .given(host)
                .next("set [gcp] endpoint_url to a stand-in for Google's APIs, too, or remove storage_emulator"));
        }
        Ok(Bucket {
            identity: &self.identity,
            numbers: &self.numbers,
            environment,
            name: bucket,
            terms,
        })
    }
}

impl Bucket<'_> {
    /// Where it should be.
    fn location(&self) -> &str {
        self.terms.location.as_deref().unwrap_or(&self.environment.region)
    }

    /// A URL of the JSON API: its folders are written out, so that a name with a `/` stays one.
    fn url(&self, folders: &[&str], query: &[(&str, &str)]) -> Result<String> {
        let base = url(self.environment.endpoint_url.as_deref(), HOST, "/storage/v1/b");
        let doing = "building a URL of Cloud Storage";
        let mut url = reqwest::Url::parse(&base).map_err(|e| Error::internal(doing, e))?;
        url.path_segments_mut()
            .map_err(|()| Error::internal(doing, "it has no folders"))?
            .extend(folders);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url.into())
    }

    /// Sends a request; a refusal names the permission.
    async fn send(&self, doing: Doing, url: String, verb: Verb, body: Body<'_>) -> Result<Answer> {
        let again = if verb == Verb::Get { Again::Question } else { Again::Harmless };
        let text = format!("{} of gs://{}", doing.what, self.name);
        let call = Call { verb, body, again, ..Call::get(&text, url) };
        self.identity.send(self.environment, &call).await.map_err(|error| denied(error, doing))
    }

    /// What the API says about something of this bucket, as JSON; `None` where it is not there.
    async fn ask(&self, doing: Doing, url: String) -> Result<Option<Value>> {
        present(self.send(doing, url, Verb::Get, Body::Nothing).await.map(|answer| answer.value))
    }
}

fn present<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if super::call::is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A refusal with the permission that the call takes: Cloud Storage itself names it in a sentence at most.
fn denied(error: Error, doing: Doing) -> Error {
    if status(&error) != Some(403) {
        return error;
    }
    let permission = doing.permission;
    error
        .detail("permission", permission)
        .next(format!("have {permission} granted to this identity on this bucket"))
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[async_trait]
impl StateBackend for GoogleStorage {
    async fn observe(&self, environment: &Environment, _session: &str) -> Result<Findings> {
        look::observe(&self.bucket(environment)?).await
    }

    async fn set(
        &self,
        _permit: &Permit,
        environment: &Environment,
        _session: &str,
        setting: &str,
    ) -> Result<()> {
        make::set(&self.bucket(environment)?, setting).await
    }

    async fn newest(&self, job: &Job) -> Result<Option<String>> {
        match object_name(job, "tfstate") {
            Some(name) => object::newest(&self.bucket(&job.environment)?, &name).await,
            None => Ok(None),
        }
    }

    async fn written(&self, job: &Job, since: Option<&str>) -> Result<Vec<ObjectVersion>> {
        match object_name(job, "tfstate") {
            Some(name) => object::written(&self.bucket(&job.environment)?, &name, since).await,
            None => Ok(Vec::new()),
        }
    }

    async fn lock(&self, job: &Job) -> Result<Option<LockObject>> {
        match object_name(job, "tflock") {
            Some(name) => object::lock(&self.bucket(&job.environment)?, &name).await,
            None => Ok(None),
        }
    }

    async fn unlock(&self, job: &Job, orphan: OwnOrphan<'_>) -> Result<bool> {
        match object_name(job, "tflock") {
            Some(name) => object::unlock(&self.bucket(&job.environment)?, &name, &orphan).await,
            None => Ok(false),
        }
    }

    async fn lacks(&self, environment: &Environment, write: bool) -> Result<Vec<&'static str>> {
        match &environment.backend {
            // Terraform uses the run's identity there, unless settings give the backend a file of its own.
            Backend::Gcs { credentials: None, prefix, .. } => {
                permission::missing_to_use(&self.bucket(environment)?, prefix, write).await
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Name of the object of a job's workspace; none when its state is not in Cloud Storage.
fn object_name(job: &Job, kind: &str) -> Option<String> {
    match &job.environment.backend {
        Backend::Gcs { prefix, .. } => Some(format!("{prefix}/{}.{kind}", job.workspace)),
        Backend::S3 { .. } | Backend::Cloud { .. } | Backend::Local { .. } => None,
    }
}
