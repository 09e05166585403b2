//! Acting as a service account: whoever may make tokens for it asks for one (IAM Service Account Credentials API,
//! "generateAccessToken"). Those on the way each may make tokens for the next.

use serde_json::{Value, json};

use super::{Found, Principal, SCOPE, Search};
use crate::adapter::gcp::call::{Body, Call};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

pub(super) async fn token(
    search: &Search<'_>,
    by: Found,
    target: &str,
    through: &[String],
) -> Result<Found> {
    let doing = format!("{}: acting as {target}", search.doing);
    let delegates: Vec<String> =
        through.iter().map(|account| format!("projects/-/serviceAccounts/{account}")).collect();
    let mut body = json!({ "scope": [SCOPE], "lifetime": "3600s" });
    if let (false, Some(map)) = (delegates.is_empty(), body.as_object_mut()) {
        map.insert("delegates".into(), json!(delegates));
    }
    let path = format!("/v1/projects/-/serviceAccounts/{target}:generateAccessToken");
    let url = search.url("iamcredentials.googleapis.com", &path);
    let mut call = Call::post(&doing, url, Body::Json(&body));
    call.bearer = Some(&by.token);
    if let Some(project) = &by.quota_project {
        call.headers.push(("x-goog-user-project", project.clone()));
    }
    let answer = search.web.ask(&call).await.map_err(|error| match error.code {
        ErrorCode::UpstreamDenied if error.details.contains_key("permission") => error.next(
            "have roles/iam.serviceAccountTokenCreator granted on it to whoever stands before it in the chain",
        ),
        _ => error,
    })?;
    let value = &answer.value;
    let token = value.get("accessToken").and_then(Value::as_str).filter(|t| !t.is_empty());
    let end = value.get("expireTime").and_then(Value::as_str).and_then(|at| at.parse().ok());
    let (Some(token), Some(expires)) = (token, end) else {
        let why = format!("{doing}: the answer holds no token with an end");
        return Err(Error::new(ErrorCode::UpstreamFailed, why));
    };
    Ok(Found {
        token: Secret::new(token),
        expires,
        principal: Principal::Account(target.to_owned()),
        source: format!("service account {target} by {}", by.source),
        advice: by.advice,
        quota_project: by.quota_project,
    })
}
