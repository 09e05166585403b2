//! Every answer that is not the one hoped for has a meaning of its own.
#![expect(clippy::disallowed_methods, reason = "a test writes the files that it needs")]

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use serde_json::Value;
use xtask::stubs::Stubs;

use super::stand_in::{argocd, asked_again, place, playing, saying, token, usual};
use super::*;
use crate::adapter::argocd::client::{Method, is_absent, is_lost};

const SYNC: &str = "/api/v1/applications/demo/sync";

/// What is made of this answer to a request that changes something.
async fn error(response: &Value) -> Error {
    error_of(&saying("POST", SYNC, response)).await
}

async fn error_of(server: &Stubs) -> Error {
    let (place, body) = (place(server.url(), "default"), json!({}));
    usual().client.ask(&place, "asking", Method::Post, SYNC, Some(&body)).await.unwrap_err()
}

#[tokio::test]
async fn refusals_are_told_apart() {
    use ErrorCode::{InvalidRequest, LockHeld, UpstreamDenied, UpstreamFailed};
    for (name, code, part) in [
        ("argocd/refusals/no-token", UpstreamDenied, "does not take the token"),
        ("argocd/refusals/bad-token", UpstreamDenied, "does not take the token"),
        ("argocd/refusals/bad-token-signature", UpstreamDenied, "does not take the token"),
        ("argocd/refusals/unknown-app-get", UpstreamDenied, "not found or not permitted"),
        ("argocd/refusals/app-get-deleted", UpstreamDenied, "not found or not permitted"),
        ("argocd/refusals/unknown-app-sync", UpstreamDenied, "not found or not permitted"),
        ("argocd/refusals/sync-reader-forbidden", UpstreamDenied, "not found or not permitted"),
        ("argocd/refusals/sync-denied-by-window", UpstreamDenied, "sync window"),
        ("argocd/refusals/sync-while-syncing", LockHeld, "another operation"),
        ("argocd/refusals/sync-bad-revision", InvalidRequest, "no such revision"),
        ("argocd/refusals/app-create-again-different", InvalidRequest, "existing application spec"),
        ("argocd/refusals/app-create-forbidden-destination", InvalidRequest, "do not match any"),
        ("argocd/refusals/app-create-unknown-project", InvalidRequest, "no-such-project"),
        ("argocd/refusals/app-create-unknown-cluster", InvalidRequest, "destination"),
        ("argocd/refusals/app-create-bad-path", InvalidRequest, "app path does not exist"),
        (
            "argocd/refusals/terminate-nothing-running",
            InvalidRequest,
            "No operation is in progress",
        ),
        ("argocd/refusals/no-content-type", UpstreamFailed, "415"),
    ] {
        let server = playing(&[name]);
        let error = asked_again(&usual(), &server, name).await.unwrap_err();
        assert_eq!(error.code, code, "{name}: {error:?}");
        assert!(error.message.contains(part), "{name}: {error:?}");
        assert!(!is_lost(&error), "{name}: the server has said no");
    }
    for name in [
        "argocd/refusals/unknown-app-get-project",
        "argocd/refusals/unknown-app-sync-project",
        "argocd/refusals/wrong-project-sync",
        "argocd/refusals/unknown-app-terminate-project",
    ] {
        let server = playing(&[name]);
        let error = asked_again(&usual(), &server, name).await.unwrap_err();
        assert!(is_absent(&error), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn fault_49_and_security_18_a_redirect_is_not_followed() {
    let other = playing(&["argocd/about/version?"]);
    let to = format!("{}/api/version", other.url());
    let moved = json!({ "status": 302, "headers": { "Location": to } });
    let server = saying("GET", "/api/v1/applications/x", &moved);
    let place = place(server.url(), "default");
    let error = usual().find(&place, "x", false).await.unwrap_err();
    assert!(error.message.contains("leads elsewhere"), "{error}");
    assert!(error.given.unwrap().starts_with(other.url()));
    assert!(other.asked().is_empty(), "the token was sent on");
}

#[tokio::test]
async fn fault_52_a_page_in_place_of_an_answer_is_told_in_its_first_200_characters() {
    let page = format!("<html>sign in{}</html>", "x".repeat(1000));
    for status in [200, 503] {
        let headers = json!({ "Content-Type": "text/html" });
        let page = json!({ "status": status, "headers": headers, "body": page });
        let error = error(&page).await;
        assert_eq!(error.code, ErrorCode::UpstreamFailed);
        let body = error.details["body"].as_str().unwrap();
        assert!(body.starts_with("<html>sign in") && body.len() == 200, "{body}");
        assert!(is_lost(&error), "whoever answered, it was not Argo CD");
    }
}

#[tokio::test]
async fn fault_51_what_was_cut_off_is_not_taken_for_a_refusal() {
    for fault in ["argocd/faults/cut", "argocd/faults/no-chunk", "argocd/faults/no-http"] {
        let error = error_of(&playing(&[fault])).await;
        assert!(is_lost(&error), "{fault}: {error:?}");
    }
    // What only comes slowly is no fault.
    let slow = playing(&["argocd/faults/dripping"]);
    usual().version(&place(slow.url(), "default")).await.unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let nobody = place(&url, "default");
    let error = argocd(&token(Some(4_000_000_000))).find(&nobody, "x", false).await.unwrap_err();
    assert!(error.message.contains("is not reached"), "{error}");
    assert!(!is_lost(&error), "nothing was sent");
}

#[tokio::test]
async fn bad_input_87_a_token_that_is_empty_expired_or_endless_is_not_sent() {
    let server = playing(&[]);
    let place = place(server.url(), "default");
    for (bad, why) in [
        (String::new(), "it is empty"),
        ("  \n".to_owned(), "it is empty"),
        ("hunter22".to_owned(), "not a token of Argo CD"),
        ("a.!.c".to_owned(), "not a token of Argo CD"),
        (token(None), "never expires"),
        (token(Some(1_000_000_000)), "has expired at 2001-09-09"),
    ] {
        let error = argocd(&bad).find(&place, "x", false).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::UpstreamDenied, "{error:?}");
        assert!(error.message.contains(why), "{bad}: {error:?}");
        assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn promise_7_what_an_answer_repeats_of_the_token_is_masked() {
    let token = token(Some(4_000_000_000));
    let body = json!({ "code": 3, "message": format!("bad token {token}") });
    let error = error(&json!({ "status": 400, "jsonBody": body })).await;
    assert!(!format!("{error:?}").contains(&token), "{error:?}");
}

#[tokio::test]
async fn an_application_of_another_project_is_not_ours() {
    let server = playing(&["argocd/applications/app-get-healthy"]);
    let error = usual().find(&place(server.url(), "narrow"), "demo", false).await;
    assert_eq!(error.unwrap_err().code, ErrorCode::PolicyDenied);
}

/// A server with a certificate that ended long ago, or that nobody knows. Returns its URL and certificate.
fn tls(name: &str, expired: bool) -> (String, String) {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    if expired {
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2021, 2, 3);
    }
    let certificate = parameters.self_signed(&key).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            drop(connection.complete_io(&mut stream));
            drop(stream.flush());
        }
    });
    (url, certificate.pem())
}

#[tokio::test]
async fn bad_input_86_and_fault_49_certificates_are_always_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (expired, known, part) in [
        (true, true, "has expired at 2021-02-03"),
        (false, false, "is of an authority that is not trusted"),
    ] {
        let (url, pem) = tls("one", expired);
        let (_, another) = tls("another", false);
        let path = folder.path().join(format!("{expired}.pem"));
        std::fs::write(&path, if known { pem } else { another }).unwrap();
        let place = ArgoProject { ca: Some(path), ..place(&url, "default") };
        let argocd = argocd(&token(Some(4_000_000_000)));
        let error = argocd.version(&place).await.unwrap_err();
        assert!(error.message.contains(part) && error.message.contains(&url), "{error:?}");
        let subject = error.details["subject"].as_str().unwrap();
        assert!(subject.contains("CN=one"), "{subject}");
    }
}
