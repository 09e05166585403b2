//! Every answer that is not the one hoped for has a meaning of its own.
#![expect(clippy::disallowed_methods, reason = "a test writes the files that it needs")]

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use super::stand_in::{Reply, StandIn, argocd, permit_free, place, recorded, token, usual};
use super::*;
use crate::adapter::argocd::client::{is_absent, is_lost};

async fn error(reply: Reply) -> Error {
    let server = StandIn::start(vec![reply]);
    let place = place(&server.url, "default");
    permit_free(&usual(), &place, Method::Post, "/x").await.unwrap_err()
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (name, code, part) in [
        ("no-token", ErrorCode::UpstreamDenied, "does not take the token"),
        ("bad-token", ErrorCode::UpstreamDenied, "does not take the token"),
        ("unknown-app-get", ErrorCode::UpstreamDenied, "not found or not permitted"),
        ("sync-reader-forbidden", ErrorCode::UpstreamDenied, "not found or not permitted"),
        ("sync-denied-by-window", ErrorCode::UpstreamDenied, "sync window"),
        ("sync-while-syncing", ErrorCode::LockHeld, "another operation"),
        ("sync-bad-revision", ErrorCode::InvalidRequest, "no such revision"),
        ("app-create-again-different", ErrorCode::InvalidRequest, "existing application spec"),
        ("app-create-forbidden-destination", ErrorCode::InvalidRequest, "do not match any"),
        ("app-create-bad-path", ErrorCode::InvalidRequest, "app path does not exist"),
        ("no-content-type", ErrorCode::UpstreamFailed, "415"),
    ] {
        let error = error(recorded(name)).await;
        assert_eq!(error.code, code, "{name}: {error:?}");
        assert!(error.message.contains(part), "{name}: {error:?}");
        assert!(!is_lost(&error), "{name}: the server has said no");
    }
    assert!(is_absent(&error(recorded("unknown-app-get-project")).await));
}

#[tokio::test]
async fn fault_49_and_security_18_a_redirect_is_not_followed() {
    let other = StandIn::start(vec![recorded("version")]);
    let server = StandIn::start(vec![Reply::redirect(&format!("{}/api/version", other.url))]);
    let place = place(&server.url, "default");
    let error = usual().find(&place, "x", false).await.unwrap_err();
    assert!(error.message.contains("leads elsewhere"), "{error}");
    assert!(error.given.unwrap().starts_with(&other.url));
    assert_eq!(other.asked(), [""; 0], "the token was sent on");
}

#[tokio::test]
async fn fault_52_a_page_in_place_of_an_answer_is_told_in_its_first_200_characters() {
    let page = format!("<html>sign in{}</html>", "x".repeat(1000));
    for status in [200, 503] {
        let error = error(Reply::of(status, "text/html", &page)).await;
        assert_eq!(error.code, ErrorCode::UpstreamFailed);
        let body = error.details["body"].as_str().unwrap();
        assert!(body.starts_with("<html>sign in") && body.len() == 200, "{body}");
        assert!(is_lost(&error), "whoever answered, it was not Argo CD");
    }
}

#[tokio::test]
async fn fault_51_what_was_cut_off_is_not_taken_for_a_refusal() {
    assert!(is_lost(&error(Reply::cut()).await));
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
    let server = StandIn::start(vec![recorded("version")]);
    let place = place(&server.url, "default");
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
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn promise_7_what_an_answer_repeats_of_the_token_is_masked() {
    let token = token(Some(4_000_000_000));
    let body = json!({ "code": 3, "message": format!("bad token {token}") }).to_string();
    let error = error(Reply::json(400, &body)).await;
    assert!(!format!("{error:?}").contains(&token), "{error:?}");
}

#[tokio::test]
async fn an_application_of_another_project_is_not_ours() {
    let server = StandIn::start(vec![recorded("app-get-healthy")]);
    let error = usual().find(&place(&server.url, "narrow"), "demo", false).await;
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
