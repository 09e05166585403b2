//! The token of the machine that we are on (Compute Engine, "VM metadata"; the same for GKE and Cloud Run). Both questions
//! together have one limit, and neither is asked again: the server is inside of the machine, or it is not there.

use std::time::Duration;

use serde_json::Value;

use super::{Found, Principal, SCOPE, Search, answered};
use crate::adapter::gcp::call::{Again, Call, is_unreached};
use crate::error::{Error, ErrorCode, Result};

const HOST: &str = "metadata.google.internal";
const ACCOUNT: &str = "/computeMetadata/v1/instance/service-accounts/default/";
/// Longest time for the metadata server, its name and its connection included. The same as on AWS.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn token(search: &Search<'_>) -> Result<Found> {
    let silent = || {
        let limit = LIMIT.as_secs();
        let why =
            format!("{}: asking the metadata server: no answer within {limit} s", search.doing);
        Err(Error::new(ErrorCode::TimedOut, why).detail("unreached", true))
    };
    let found = tokio::time::timeout(LIMIT, found(search)).await.unwrap_or_else(|_| silent());
    found.map_err(|error| {
        if !is_unreached(&error) {
            return error;
        }
        error.next(
            "run on a machine of Google's that has a service account, or name another source in `credentials` of the environment",
        )
    })
}

async fn found(search: &Search<'_>) -> Result<Found> {
    let token = ask(search, &format!("{ACCOUNT}token?scopes={SCOPE}")).await?;
    let (token, expires) = answered(&token, search.doing)?;
    let account = ask(search, &format!("{ACCOUNT}?recursive=true")).await?;
    let email = account.get("email").and_then(Value::as_str).unwrap_or_default();
    Ok(Found {
        token,
        expires,
        principal: Principal::Account(email.to_owned()),
        source: format!("metadata server, service account {email}"),
        advice: Vec::new(),
        quota_project: None,
    })
}

async fn ask(search: &Search<'_>, path: &str) -> Result<Value> {
    let url = match search.base {
        Some(base) => format!("{base}/{HOST}{path}"),
        // The one host of Google that is spoken to in clear: it is inside of the machine.
        None => format!("http://{HOST}{path}"),
    };
    let mut call = Call::get(search.doing, url);
    call.again = Again::Never;
    call.headers.push(("Metadata-Flavor", "Google".to_owned()));
    let answer = search.web.ask(&call).await?;
    if !answer.of_metadata {
        let why = format!("{}: what answers as {HOST} is not Google's", search.doing);
        return Err(Error::new(ErrorCode::UpstreamFailed, why)
            .next("name the source in `credentials` of the environment"));
    }
    Ok(answer.value)
}
