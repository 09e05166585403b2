//! HTTPS with JSON to the lab's own servers: the API server, by a client certificate, and Argo CD, by a token.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::{Agent, RequestBuilder};

use super::authority::Signed;

/// One server; only the lab's authority is trusted.
#[derive(Debug, Clone)]
pub struct Api {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

/// What an object says of its place.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    api_version: String,
    kind: String,
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
}

impl Api {
    pub(super) fn new(endpoint: &str, authority: &Path, client: Option<&Signed>) -> Result<Self> {
        let root = fs::read(authority).context("reading the lab's authority")?;
        let root = Certificate::from_pem(&root).context("reading the lab's authority")?;
        let client = client.map(identity).transpose()?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[root]))
            .client_cert(client)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Self { agent, endpoint: endpoint.to_owned(), token: None })
    }

    /// The same server, asked with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// An answer's JSON; nothing when there is no such thing.
    pub fn get(&self, path: &str) -> Result<Option<Value>> {
        let request = self.authorized(self.agent.get(self.url(path)));
        let mut answer = request.call().with_context(|| format!("GET {path}"))?;
        if answer.status() == 404 {
            return Ok(None);
        }
        read(&mut answer, &format!("GET {path}")).map(Some)
    }

    /// Sends JSON; returns the answer's.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.authorized(self.agent.post(self.url(path)));
        let what = format!("POST {path}");
        let request = request.header("Content-Type", "application/json");
        let mut answer = request.send(body.to_string()).context(what.clone())?;
        read(&mut answer, &what)
    }

    /// Asks what a request says, by its path; returns status, kind and text of the answer.
    pub(crate) fn ask(
        &self,
        mut request: ureq::http::Request<String>,
        with_token: bool,
    ) -> Result<(u16, String, String)> {
        *request.uri_mut() = self.url(&request.uri().to_string()).parse().context("a url")?;
        if let (Some(token), true) = (&self.token, with_token) {
            let bearer = format!("Bearer {token}").parse().context("the token in a header")?;
            request.headers_mut().insert("Authorization", bearer);
        }
        let mut answer = self.agent.run(request).context("asking")?;
        let kind = answer.headers().get("Content-Type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let text = answer.body_mut().read_to_string().context("reading the answer")?;
        Ok((answer.status().as_u16(), kind, text))
    }

    /// Applies the objects of a YAML text, server-side, one after the other.
    pub fn apply(&self, manifest: &str) -> Result<()> {
        self.send_all(manifest, "fieldManager=lab&force=true")
    }

    /// Has the server say whether it would take the objects of a YAML text: unknown fields are errors, nothing is stored.
    pub fn check(&self, manifest: &str) -> Result<()> {
        self.send_all(manifest, "fieldManager=lab&force=true&dryRun=All&fieldValidation=Strict")
    }

    fn send_all(&self, manifest: &str, how: &str) -> Result<()> {
        for text in manifest.split("\n---\n").filter(|text| !text.trim().is_empty()) {
            let object: Object = serde_saphyr::from_str(text).context("reading a manifest")?;
            let path = format!("{}?{how}", object.path());
            let mut answer = self
                .authorized(self.agent.patch(self.url(&path)))
                .header("Content-Type", "application/apply-patch+yaml")
                .send(text)
                .with_context(|| format!("applying {path}"))?;
            read(&mut answer, &format!("applying {path}"))?;
        }
        Ok(())
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint)
    }
}

impl Object {
    /// Where the API has it.
    fn path(&self) -> String {
        let group = if self.api_version.contains('/') { "apis" } else { "api" };
        let kind = self.kind.to_lowercase();
        let plural = match kind.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None if kind.ends_with('s') => format!("{kind}es"),
            None => format!("{kind}s"),
        };
        let place = match &self.metadata.namespace {
            Some(namespace) => format!("namespaces/{namespace}/{plural}"),
            None => plural,
        };
        format!("/{group}/{}/{place}/{}", self.api_version, self.metadata.name)
    }
}

fn identity(client: &Signed) -> Result<ClientCert> {
    let certificate = fs::read(&client.certificate).context("reading a client's certificate")?;
    let key = fs::read(&client.key).context("reading a client's key")?;
    let certificate = Certificate::from_pem(&certificate).context("a client's certificate")?;
    let key = PrivateKey::from_pem(&key).context("a client's key")?;
    Ok(ClientCert::new_with_certs(&[certificate], key))
}

fn read(answer: &mut ureq::http::Response<ureq::Body>, what: &str) -> Result<Value> {
    let text = answer
        .body_mut()
        .read_to_string()
        .with_context(|| format!("reading the answer of {what}"))?;
    if !answer.status().is_success() {
        bail!("{what}: status {}: {}", answer.status(), text.chars().take(400).collect::<String>());
    }
    // Health checks answer with a word.
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_found_by_kind() {
        let path = |text| serde_saphyr::from_str::<Object>(text).unwrap().path();
        assert_eq!(
            path("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}}"),
            "/api/v1/namespaces/b/secrets/a"
        );
        assert_eq!(
            path("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}}"),
            "/apis/networking.k8s.io/v1/networkpolicies/a"
        );
    }
}
