//! A server on this machine that gives the answers it was told, and remembers what it was asked.
#![expect(clippy::disallowed_methods, reason = "a test reads the recorded answers")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::adapter::argocd::client::Method;
use crate::adapter::argocd::{ArgoCd, Settings};
use crate::clock::SystemClock;
use crate::error::Result;
use crate::model::{ArgoProject, SecretRef};

/// What it answers.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) more: String,
    pub(super) body: String,
    /// Nothing: the connection is closed once the request was read.
    pub(super) cut: bool,
}

impl Reply {
    pub(super) fn json(status: u16, body: &str) -> Self {
        Self::of(status, "application/json", body)
    }

    pub(super) fn of(status: u16, kind: &str, body: &str) -> Self {
        let (kind, body) = (kind.to_owned(), body.to_owned());
        Self { status, kind, more: String::new(), body, cut: false }
    }

    pub(super) fn cut() -> Self {
        Self { cut: true, ..Self::of(200, "", "") }
    }

    pub(super) fn redirect(to: &str) -> Self {
        Self { more: format!("Location: {to}\r\n"), ..Self::of(302, "text/html", "moved") }
    }
}

/// A recorded answer.
pub(super) fn recorded(name: &str) -> Reply {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/argocd/{name}.json"));
    let pair: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let answer = &pair["response"];
    let body = match &answer["body"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
    Reply::of(status, answer["content_type"].as_str().unwrap(), &body)
}

pub(super) struct StandIn {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    /// One that gives these answers, one after the other.
    pub(super) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        std::thread::spawn(move || {
            for reply in replies {
                let Ok((mut stream, _)) = listener.accept() else { return };
                told.lock().unwrap().push(request(&mut stream));
                if !reply.cut {
                    answer(&mut stream, &reply);
                }
            }
        });
        Self { url, asked }
    }

    /// Everything that it was asked.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
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

/// A request without what the straight path would give it.
pub(super) async fn permit_free(
    argocd: &ArgoCd,
    place: &ArgoProject,
    method: Method,
    path: &str,
) -> Result<Value> {
    argocd.client.ask(place, "asking", method, path, None).await
}

/// The head of a request, and its body.
fn request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.and_then(|l| l.lines().next()?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer).unwrap_or(0) {
            0 => return text,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn answer(stream: &mut TcpStream, reply: &Reply) {
    let Reply { status, kind, more, body, .. } = reply;
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    drop(stream.write_all(format!("{head}{body}").as_bytes()));
}
