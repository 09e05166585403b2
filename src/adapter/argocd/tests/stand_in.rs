//! Argo CD as its recordings answer, and clients for it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use xtask::stubs::{Exchange, Stubs, named, root};

use crate::adapter::argocd::client::Method;
use crate::adapter::argocd::{ArgoCd, Settings};
use crate::clock::SystemClock;
use crate::error::Result;
use crate::model::{ArgoProject, SecretRef};

/// One that answers by these mappings; each has to be asked for.
pub(super) fn playing(names: &[&str]) -> Stubs {
    Stubs::start(names).unwrap()
}

/// One that answers this request so, and knows no other.
pub(super) fn saying(method: &str, path: &str, response: &Value) -> Stubs {
    let (stubs, mut response) = (playing(&[]), response.clone());
    if response["headers"].is_null() {
        response["headers"] = json!({ "Content-Type": "application/json" });
    }
    let request = json!({ "method": method, "urlPath": path });
    stubs.add(json!({ "request": request, "response": response })).unwrap();
    stubs
}

/// What a recorded request is and what it was answered.
pub(super) fn recorded(name: &str) -> (Exchange, Value) {
    let (_, mapping) = named(&root(), name).unwrap().remove(0);
    let exchange = Exchange::of(&mapping).unwrap();
    (exchange, mapping.response.json_body.unwrap_or_default())
}

/// Asks what was asked when it was recorded, with nothing of the straight path before it.
pub(super) async fn asked_again(argocd: &ArgoCd, stubs: &Stubs, name: &str) -> Result<Value> {
    let (exchange, _) = recorded(name);
    let method = match exchange.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        _ => Method::Delete,
    };
    let body = exchange.body.map(|body| serde_json::from_str(&body).unwrap());
    let place = place(stubs.url(), "default");
    argocd.client.ask(&place, "asking", method, &exchange.target, body.as_ref()).await
}

/// One that has a token that lasts.
pub(super) fn usual() -> ArgoCd {
    argocd(&token(Some(4_000_000_000)))
}

/// One that has this token.
pub(super) fn argocd(token: &str) -> ArgoCd {
    let secrets = crate::port::secrets::Told::one("TOKEN", token);
    ArgoCd::new(Settings { secrets }, Arc::new(SystemClock))
}

/// A token that ends then.
pub(super) fn token(ends: Option<i64>) -> String {
    let claims = json!({ "iss": "argocd", "sub": "proj:default:x", "exp": ends });
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

pub(super) fn place(url: &str, project: &str) -> ArgoProject {
    ArgoProject {
        server: "main".into(),
        url: url.into(),
        token: SecretRef::Env("TOKEN".into()),
        ca: None,
        project: project.into(),
        destination: "https://kubernetes.default.svc".into(),
        repos: vec![],
    }
}
