//! What HCP Terraform (or Terraform Enterprise) says of a workspace, asked before anything is started with it: whether its
//! runs are carried out here. API reference, "Show Workspace"; the API's path comes from the host's service discovery.
//!
//! Terraform itself is told to work here whatever the workspace says. But a workspace that is set to run there has its
//! runs started by others too, in the browser and by commits: past our lock, our log and the approvals.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use serde::Deserialize;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, http};

use crate::error::{Error, ErrorCode, Result};
use crate::model::Backend;
use crate::secret::Secret;

/// Longest time for an answer.
const LIMIT: Duration = Duration::from_secs(20);
/// The mode in which plan and apply are carried out where terraform is started.
const HERE: &str = "local";

/// What the host says of its services; more is told, and not needed.
#[derive(Deserialize)]
struct Services {
    #[serde(rename = "tfe.v2")]
    api: String,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "execution-mode")]
    execution_mode: String,
}

/// How a workspace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Plan and apply are carried out here.
    Here,
    /// There is no such workspace yet: `init` makes it.
    Absent,
}

/// Refuses a workspace whose runs are carried out elsewhere.
pub(super) async fn standing(
    backend: &Backend,
    signed: Option<&(String, Secret)>,
) -> Result<Standing> {
    let (Backend::Cloud { organization, workspace, .. }, Some((host, token))) = (backend, signed)
    else {
        return Ok(Standing::Here);
    };
    let question = Question {
        host: host.clone(),
        place: format!("{organization}/{workspace}"),
        path: format!("organizations/{organization}/workspaces/{workspace}"),
        token: token.clone(),
    };
    let mode = tokio::task::spawn_blocking(move || question.ask())
        .await
        .map_err(|e| Error::internal("asking HCP Terraform", e))??;
    match mode {
        None => Ok(Standing::Absent),
        Some(mode) if mode == HERE => Ok(Standing::Here),
        Some(mode) => Err(elsewhere(backend, &mode)),
    }
}

fn elsewhere(backend: &Backend, mode: &str) -> Error {
    Error::new(
        ErrorCode::InvalidRequest,
        format!("looking at the workspace of {}: its runs are carried out in HCP Terraform, where others can start them too", backend.identity()),
    )
    .field("state.workspace")
    .given(mode)
    .allowed(HERE)
    .next("set the workspace's execution mode to Local (Settings, General), or name another workspace in state.workspace")
}

struct Question {
    host: String,
    place: String,
    path: String,
    token: Secret,
}

impl Question {
    /// The workspace's execution mode; nothing when there is no such workspace.
    fn ask(&self) -> Result<Option<String>> {
        let agent = agent();
        let origin = format!("https://{}", self.host);
        let services = self.get(&agent, &format!("{origin}/.well-known/terraform.json"), false)?;
        let services: Services = self.read(services)?;
        // A path of this host; the API of another host would be given the token.
        if !services.api.starts_with('/') || services.api.starts_with("//") {
            return Err(self.failed("its API is said to be on another host"));
        }
        let base = services.api.trim_end_matches('/');
        let answer = self.get(&agent, &format!("{origin}{base}/{}", self.path), true)?;
        if answer.status() == http::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer: Answer = self.read(answer)?;
        Ok(Some(answer.data.attributes.execution_mode))
    }

    fn get(&self, agent: &Agent, url: &str, signed: bool) -> Result<http::Response<Body>> {
        let mut request = agent.get(url);
        if signed {
            request = request.header("Authorization", format!("Bearer {}", self.token.expose()));
        }
        request.call().map_err(|error| {
            self.failed(&error.to_string()).next(
                "check the network, state.hostname and the authorities that this machine trusts",
            )
        })
    }

    fn read<T: serde::de::DeserializeOwned>(&self, mut answer: http::Response<Body>) -> Result<T> {
        let status = answer.status();
        if matches!(status.as_u16(), 401 | 403) {
            let what = format!("{}: the token was refused ({status})", self.doing());
            return Err(Error::new(ErrorCode::UpstreamDenied, what).field("state.token").next(
                "make a token that may read the workspace, and put it where state.token says",
            ));
        }
        if !status.is_success() {
            return Err(self.failed(&format!("the answer is {status}")));
        }
        let text = answer.body_mut().read_to_string().map_err(|e| self.failed(&e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| self.failed(&format!("an unexpected answer: {e}")))
    }

    fn doing(&self) -> String {
        format!("looking at workspace {} on {}", self.place, self.host)
    }

    fn failed(&self, why: &str) -> Error {
        Error::new(ErrorCode::UpstreamFailed, format!("{}: {why}", self.doing()))
    }
}

/// TLS by the authorities of this machine; nothing is followed elsewhere with a token.
fn agent() -> Agent {
    let roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    Agent::config_builder()
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(LIMIT))
        .tls_config(tls)
        .build()
        .into()
}
