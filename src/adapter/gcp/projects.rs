//! Projects: Resource Manager v3, Cloud Billing v1, Service Usage v1; what they have beside themselves is in
//! `extras`. No call that makes something is sent twice.

mod extras;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::GoogleIdentity;
use super::call::{Again, Body, Call, Verb, is_absent, is_unanswered, status, url};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;
use crate::permit::Permit;
use crate::port::Answered;
use crate::port::projects::{
    BillingAccount, Extra, Failure, Having, Office, OperationProgress, ProjectFacts, ProjectOrder,
    ProjectParent, Projects, Resource,
};

const RESOURCES: &str = "cloudresourcemanager.googleapis.com";
const BILLING: &str = "cloudbilling.googleapis.com";
const SERVICES: &str = "serviceusage.googleapis.com";
/// Most services of one question (Service Usage reference, `services.batchGet`).
const ASKED_AT_ONCE: usize = 30;

/// Projects by Google's REST APIs.
#[derive(Debug)]
pub struct GoogleProjects {
    identity: Arc<GoogleIdentity>,
}

impl GoogleProjects {
    /// Projects as this identity sees them.
    pub fn new(identity: Arc<GoogleIdentity>) -> Self {
        Self { identity }
    }

    async fn ask(&self, at: &Environment, doing: &str, host: &str, path: &str) -> Result<Value> {
        self.identity.ask(at, doing, host, path).await
    }

    /// Sends something, once.
    async fn send(
        &self,
        at: &Environment,
        doing: &str,
        (verb, host, path): (Verb, &str, &str),
        body: Option<&Value>,
    ) -> Result<Value> {
        let url = url(at.endpoint_url.as_deref(), host, path);
        let body = body.map_or(Body::Nothing, Body::Json);
        let call = Call { verb, ..Call::post(doing, url, body) };
        Ok(self.identity.send(at, &call).await?.value)
    }

    async fn operation(
        &self,
        at: &Environment,
        doing: &str,
        host: &str,
        path: &str,
    ) -> Result<OperationProgress> {
        match self.ask(at, doing, host, path).await {
            Ok(value) => Ok(progress(&value)),
            Err(error) if is_absent(&error) => Ok(OperationProgress::Forgotten),
            Err(error) => Err(error),
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// How far an operation is (`google.longrunning.Operation`).
fn progress(operation: &Value) -> OperationProgress {
    if operation.get("done").and_then(Value::as_bool) != Some(true) {
        return OperationProgress::Going;
    }
    let Some(error) = operation.get("error") else { return OperationProgress::Done };
    let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let mut reasons = details.filter_map(|d| d.get("reason").and_then(Value::as_str));
    OperationProgress::Failed(Failure {
        code: word(error.get("code").and_then(Value::as_i64).unwrap_or_default()),
        reason: reasons.next().map(str::to_owned),
        message: text(error, "message").to_owned(),
    })
}

/// Names of codes (`google.rpc.Code`).
fn word(code: i64) -> String {
    let known = match code {
        3 => "INVALID_ARGUMENT",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        _ => return format!("code {code}"),
    };
    known.to_owned()
}

/// Whether nobody knows if a call was carried out: Google failed, or what came is no answer of Google's.
fn is_lost(error: &Error) -> bool {
    status(error).is_some_and(|status| !(300..500).contains(&status)) || is_unanswered(error)
}

#[async_trait]
impl Projects for GoogleProjects {
    async fn parent(&self, at: &Environment, name: &str) -> Result<ProjectParent> {
        let doing = format!("asking for {name}");
        let found = self.ask(at, &doing, RESOURCES, &format!("/v3/{name}")).await?;
        let parent = text(&found, "parent");
        Ok(ProjectParent {
            name: text(&found, "name").to_owned(),
            display_name: text(&found, "displayName").to_owned(),
            state: text(&found, "state").to_owned(),
            parent: (!parent.is_empty()).then(|| parent.to_owned()),
        })
    }

    async fn project(&self, at: &Environment, id: &str) -> Result<Option<ProjectFacts>> {
        let doing = format!("asking for project {id}");
        let found = match self.ask(at, &doing, RESOURCES, &format!("/v3/projects/{id}")).await {
            Ok(found) => found,
            Err(error) if matches!(status(&error), Some(403 | 404)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(ProjectFacts {
            number: text(&found, "name").trim_start_matches("projects/").to_owned(),
            id: text(&found, "projectId").to_owned(),
            parent: text(&found, "parent").to_owned(),
            state: text(&found, "state").to_owned(),
            labels: texts(found.get("labels")),
        }))
    }

    async fn billing_account(&self, at: &Environment, id: &str) -> Result<BillingAccount> {
        let doing = format!("asking for billing account {id}");
        let path = format!("/v1/billingAccounts/{id}");
        let found = self.ask(at, &doing, BILLING, &path).await.map_err(|error| {
            let error = error.field("billing_account").given(id);
            if is_absent(&error) {
                error.next("see that it is its id, not its name")
            } else {
                error
            }
        })?;
        Ok(BillingAccount {
            display_name: text(&found, "displayName").to_owned(),
            open: found.get("open").and_then(Value::as_bool) == Some(true),
            currency: Some(text(&found, "currencyCode").to_owned()).filter(|code| !code.is_empty()),
        })
    }

    async fn missing(
        &self,
        at: &Environment,
        resource: Resource<'_>,
        wanted: &[&'static str],
    ) -> Result<Vec<&'static str>> {
        let (host, path) = match resource {
            Resource::Parent(name) => (RESOURCES, format!("/v3/{name}")),
            Resource::Project(id) => (RESOURCES, format!("/v3/projects/{id}")),
            Resource::Billing(id) => (BILLING, format!("/v1/billingAccounts/{id}")),
        };
        let doing = "asking for the permissions of this identity";
        let url = url(at.endpoint_url.as_deref(), host, &format!("{path}:testIamPermissions"));
        let body = json!({ "permissions": wanted });
        // It asks only, though it is sent.
        let call = Call { again: Again::Question, ..Call::post(doing, url, Body::Json(&body)) };
        let answer = self.identity.send(at, &call).await?.value;
        let has = answer.get("permissions").and_then(Value::as_array);
        let has: Vec<&str> = has.into_iter().flatten().filter_map(Value::as_str).collect();
        Ok(wanted.iter().copied().filter(|wanted| !has.contains(wanted)).collect())
    }

    async fn billed_to(&self, at: &Environment, project: &str) -> Result<Option<String>> {
        let doing = format!("asking what project {project} is billed to");
        let path = format!("/v1/projects/{project}/billingInfo");
        let found = self.ask(at, &doing, BILLING, &path).await?;
        let on = found.get("billingEnabled").and_then(Value::as_bool) == Some(true);
        let account = text(&found, "billingAccountName").trim_start_matches("billingAccounts/");
        Ok((on && !account.is_empty()).then(|| account.to_owned()))
    }

    async fn off(&self, at: &Environment, project: &str, apis: &[String]) -> Result<Vec<String>> {
        let doing = format!("asking which APIs are on in project {project}");
        let mut on = Vec::new();
        for some in apis.chunks(ASKED_AT_ONCE) {
            let names = some.iter().map(|api| format!("names=projects/{project}/services/{api}"));
            let names: Vec<String> = names.collect();
            let path = format!("/v1/projects/{project}/services:batchGet?{}", names.join("&"));
            let found = self.ask(at, &doing, SERVICES, &path).await?;
            let services = found.get("services").and_then(Value::as_array);
            let services = services.into_iter().flatten();
            let enabled = services.filter(|service| text(service, "state") == "ENABLED");
            on.extend(enabled.filter_map(|s| Some(text(s, "name").rsplit_once('/')?.1.to_owned())));
        }
        Ok(apis.iter().filter(|api| !on.contains(api)).cloned().collect())
    }

    async fn has(
        &self,
        at: &Environment,
        project: &ProjectFacts,
        billing_account: &str,
        extra: &Extra,
    ) -> Result<Having> {
        let so = match extra {
            Extra::NoDefaultNetwork => self.is_without_network(at, project).await?,
            Extra::NoDefaultAccount => self.is_without_account(at, project).await?,
            Extra::Lien => self.has_lien(at, project).await?,
            Extra::Budget(wanted) => {
                let found = self.budget(at, project, billing_account).await?;
                return Ok(extras::having(wanted, found.as_ref()));
            }
        };
        Ok(if so { Having::Wanted } else { Having::Nothing })
    }

    async fn create(
        &self,
        _permit: &Permit,
        at: &Environment,
        order: &ProjectOrder,
    ) -> Result<Answered<String>> {
        let doing = format!("making project {}", order.id);
        let body = json!({
            "projectId": order.id,
            "displayName": order.id,
            "parent": order.parent,
            "labels": order.labels,
        });
        match self.send(at, &doing, (Verb::Post, RESOURCES, "/v3/projects"), Some(&body)).await {
            Ok(operation) => Ok(Answered::Taken(text(&operation, "name").to_owned())),
            Err(error) if error.details.get("reason") == Some(&"RATE_LIMIT_EXCEEDED".into()) => {
                Ok(Answered::Later { error, long: false })
            }
            Err(error) if is_lost(&error) => Ok(Answered::Lost(error)),
            Err(error) => Err(error),
        }
    }

    async fn progress(
        &self,
        at: &Environment,
        office: Office,
        operation: &str,
    ) -> Result<OperationProgress> {
        let (host, version) = match office {
            Office::Projects => (RESOURCES, "v3"),
            Office::Services => (SERVICES, "v1"),
        };
        let doing = format!("following {operation}");
        self.operation(at, &doing, host, &format!("/{version}/{operation}")).await
    }

    async fn label(
        &self,
        _permit: &Permit,
        at: &Environment,
        project: &ProjectFacts,
        labels: &BTreeMap<String, String>,
    ) -> Result<()> {
        let doing = format!("labelling project {}", project.id);
        let mut all = project.labels.clone();
        all.extend(labels.clone());
        let path = format!("/v3/projects/{}?updateMask=labels", project.id);
        let body = json!({ "labels": all });
        let started = self.send(at, &doing, (Verb::Patch, RESOURCES, &path), Some(&body)).await?;
        let name = text(&started, "name").to_owned();
        self.ended(at, &doing, (RESOURCES, &format!("/v3/{name}")), started).await
    }

    async fn bill(
        &self,
        _permit: &Permit,
        at: &Environment,
        project: &str,
        account: &str,
    ) -> Result<()> {
        let doing = format!("having project {project} billed to {account}");
        let body = json!({ "billingAccountName": format!("billingAccounts/{account}") });
        let path = format!("/v1/projects/{project}/billingInfo");
        self.send(at, &doing, (Verb::Put, BILLING, &path), Some(&body)).await.map(drop)
    }

    async fn enable(
        &self,
        _permit: &Permit,
        at: &Environment,
        project: &str,
        apis: &[String],
    ) -> Result<Option<String>> {
        let doing = format!("switching APIs on in project {project}");
        let path = format!("/v1/projects/{project}/services:batchEnable");
        let body = json!({ "serviceIds": apis });
        let started = self.send(at, &doing, (Verb::Post, SERVICES, &path), Some(&body)).await?;
        match progress(&started) {
            OperationProgress::Going => Ok(Some(text(&started, "name").to_owned())),
            OperationProgress::Failed(failure) => {
                Err(Error::new(ErrorCode::UpstreamFailed, format!("{doing}: {}", failure.message))
                    .detail("reason", failure.reason.unwrap_or(failure.code)))
            }
            OperationProgress::Done | OperationProgress::Forgotten => Ok(None),
        }
    }

    async fn give(
        &self,
        _permit: &Permit,
        at: &Environment,
        project: &ProjectFacts,
        billing_account: &str,
        extra: &Extra,
    ) -> Result<()> {
        match extra {
            Extra::NoDefaultNetwork => self.delete_network(at, project).await,
            Extra::NoDefaultAccount => self.disable_account(at, project).await,
            Extra::Lien => self.add_lien(at, project).await,
            Extra::Budget(budget) => self.set_budget(at, project, billing_account, budget).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_51_a_call_is_lost_where_nobody_knows_whether_google_has_carried_it_out() {
        let plain = || Error::new(ErrorCode::UpstreamFailed, "making a project");
        let at = |status: u16| plain().detail("http_status", status);
        for status in [200, 500, 503] {
            assert!(is_lost(&at(status)), "{status}");
        }
        for status in [400, 401, 403, 409, 429] {
            assert!(!is_lost(&at(status)), "{status}");
        }
        assert!(is_lost(&plain().detail("unanswered", true)), "the connection was cut");
        assert!(!is_lost(&plain().detail("unreached", true)), "nothing went out");
        assert!(!is_lost(&plain()));
    }
}
