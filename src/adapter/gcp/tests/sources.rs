//! Every source of tokens, the chain behind it, and what is refused.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::PublicKeyData;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use xtask::stubs::{Answer, Server};

use super::stand_in::StandIn;
use super::*;
use crate::error::{Error, ErrorCode};
use crate::port::{ChildCredentials, Identity};

const A: &str = "a@acme-dev-4711.iam.gserviceaccount.com";
const B: &str = "b@acme-dev-4711.iam.gserviceaccount.com";
const GENERATE: &str = ":generateAccessToken";

async fn token(identity: &GoogleIdentity, environment: &Environment) -> Result<String, Error> {
    match identity.credentials(environment, "test").await? {
        ChildCredentials::Google(given) => Ok(given.token.expose().to_owned()),
        ChildCredentials::Aws(_) => panic!("keys of AWS"),
    }
}

#[track_caller]
fn clean(error: &Error) {
    let text = serde_json::to_string(error).unwrap() + &format!("{error:?}");
    assert!(!text.contains(CANARY), "{text}");
}

#[tokio::test]
async fn a_person_who_signed_in() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.plays("gcp/person");
    let environment = environment(&stand_in, file(&user(&folder)));
    let identity = identity(&[]);
    let caller = identity.caller(&environment, "test").await.unwrap();
    assert_eq!((caller.account.as_str(), caller.arn.as_str()), (PROJECT, "user:me@example.com"));
    assert_eq!(token(&identity, &environment).await.unwrap(), "user-token");
    let asked = stand_in.asked();
    let (asked, project) = (&asked[0], &asked[1]);
    assert!(asked.contains("grant_type=refresh_token") && asked.contains("canary-7c1e-refresh"));
    assert!(project.to_lowercase().contains("x-goog-user-project: acme-dev-4711"), "{project}");
    assert!(project.contains("Bearer user-token"), "{project}");
    assert_eq!(stand_in.times("/token"), 1, "a token is kept while it lasts");
    assert!(identity.origin(&environment, "test").await.unwrap().advice.is_empty());
    assert!(!format!("{identity:?}").contains("user-token"));
}

#[tokio::test]
async fn application_default_credentials_are_looked_for_in_the_order_of_google() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    let environment = environment(&stand_in, GoogleAccess::default());
    let path = user(&folder).display().to_string();
    let named = [("GOOGLE_APPLICATION_CREDENTIALS", path.as_str())];
    assert_eq!(token(&identity(&named), &environment).await.unwrap(), "user-token");
    std::fs::create_dir_all(folder.path().join(".config/gcloud")).unwrap();
    let usual = folder.path().join(".config/gcloud/application_default_credentials.json");
    std::fs::rename(&path, usual).unwrap();
    let home = folder.path().display().to_string();
    assert_eq!(token(&identity(&[("HOME", &home)]), &environment).await.unwrap(), "user-token");
    // A file that is named and is not there is the answer: nothing else is tried, no metadata server asked.
    token(&identity(&[named[0], ("HOME", &home)]), &environment).await.unwrap_err();
    let relative = [("GOOGLE_APPLICATION_CREDENTIALS", "user.json")];
    let error = token(&identity(&relative), &environment).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("GOOGLE_APPLICATION_CREDENTIALS"));
    assert_eq!(stand_in.times("computeMetadata"), 0);
    stand_in.plays("gcp/machine");
    assert_eq!(token(&identity(&[("HOME", "/nowhere")]), &environment).await.unwrap(), "machine");
}

#[tokio::test]
async fn fault_44_nothing_probes_a_metadata_address_when_a_file_is_configured() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("absent.json");
    let environment = environment(&stand_in, file(&path));
    let error = identity(&[]).caller(&environment, "test").await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("credentials"));
    assert!(stand_in.asked().is_empty());
}

#[tokio::test]
async fn the_metadata_server() {
    let stand_in = StandIn::start();
    stand_in.plays("gcp/person/project").plays("gcp/machine");
    let access = GoogleAccess { source: GoogleSource::Metadata, ..GoogleAccess::default() };
    let caller = identity(&[]).caller(&environment(&stand_in, access), "test").await.unwrap();
    assert_eq!(caller.arn, format!("serviceAccount:{A}"));
    let asked = stand_in.asked();
    assert!(asked[0].to_lowercase().contains("metadata-flavor: google"), "{asked:?}");
}

/// What a machine's own token takes there, and how that ends.
async fn of_machine(at: &str, variables: &[(&str, &str)], source: GoogleSource) -> Error {
    let stand_in = StandIn::start();
    let access = GoogleAccess { source, ..GoogleAccess::default() };
    let mut environment = environment(&stand_in, access);
    environment.endpoint_url = Some(format!("http://{at}"));
    let started = Instant::now();
    let error = token(&identity(variables), &environment).await.unwrap_err();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "2 s in all, and what a busy machine adds: {took:?}");
    error
}

#[tokio::test]
async fn fault_44_a_metadata_server_that_says_nothing_is_asked_once_and_for_two_seconds() {
    // It takes the connection and is silent.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap().to_string();
    let error = of_machine(&at, &[], GoogleSource::Metadata).await;
    assert_eq!(error.code, ErrorCode::TimedOut, "{error:?}");
    assert!(error.message.ends_with("no answer within 2 s"), "{error:?}");
    assert!(error.next.unwrap().starts_with("run on a machine of Google's"));
    let nowhere = [("HOME", "/nowhere")];
    let error = of_machine(&at, &nowhere, GoogleSource::ApplicationDefault).await;
    assert!(error.message.contains("there are none"), "{error:?}");
    silent.set_nonblocking(true).unwrap();
    let asked = std::iter::from_fn(|| silent.accept().ok()).count();
    assert_eq!(asked, 2, "one attempt each");
}

#[tokio::test]
async fn fault_44_a_metadata_address_that_takes_no_connection_costs_no_more() {
    // Its queue is full and nobody takes from it: who knocks then is not answered at all.
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let at = full.local_addr().unwrap();
    let mut queue = Vec::new();
    let knock = || tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(at));
    while let Ok(waiting) = knock().await {
        queue.push(waiting.unwrap());
    }
    let error = of_machine(&at.to_string(), &[], GoogleSource::Metadata).await;
    assert_eq!(error.code, ErrorCode::TimedOut, "{error:?}");
    assert!(error.message.ends_with("no answer within 2 s"), "{error:?}");
}

#[tokio::test]
async fn fault_44_the_limit_is_for_both_questions_together() {
    let slow = Server::start(|_| {
        let body = json!({ "access_token": "machine", "expires_in": 900, "email": A });
        let answer = Answer::of(200, "application/json", body.to_string());
        Answer { delay: Duration::from_millis(1500), ..answer.header("Metadata-Flavor", "Google") }
    });
    let slow = slow.unwrap();
    let at = slow.url().trim_start_matches("http://").to_owned();
    let error = of_machine(&at, &[], GoogleSource::Metadata).await;
    assert_eq!(error.code, ErrorCode::TimedOut, "{error:?}");
    assert_eq!(slow.asked().len(), 2, "the second one was cut short");
}

/// The statement is verified by its public key, as Google does.
#[tokio::test]
async fn a_static_key_works_and_is_warned_about() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let text = json!({ "type": "service_account", "client_email": A, "private_key": pair.serialize_pem(),
        "private_key_id": "k1", "token_uri": "https://oauth2.googleapis.com/token", "project_id": PROJECT });
    let environment =
        environment(&stand_in, file(&written(&folder, "key.json", &text.to_string())));
    let origin = identity(&[]).origin(&environment, "test").await.unwrap();
    assert!(origin.advice[0].seen.contains("does not end"), "{origin:?}");
    let asked = stand_in.asked().remove(0);
    let statement = asked.split("assertion=").nth(1).unwrap();
    let (signed, signature) = statement.rsplit_once('.').unwrap();
    let known = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let mut known = known.mapping.iter();
    let (_, rsa) = known.find(|(s, _)| *s == rustls::SignatureScheme::RSA_PKCS1_SHA256).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    rsa[0].verify_signature(pair.der_bytes(), signed.as_bytes(), &signature).unwrap();
    let claims = signed.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!(A), &json!("https://oauth2.googleapis.com/token"))
    );
}

#[tokio::test]
async fn files_send_nothing_to_other_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = [
        json!({ "type": "service_account", "client_email": A, "private_key": CANARY, "private_key_id": "k",
            "token_uri": "https://evil.example.com/token" }),
        pool(
            &json!({ "file": "/etc/hostname" }),
            &json!({ "token_url": "https://evil.example.com/v1/token" }),
        ),
        pool(
            &json!({ "file": "/etc/hostname" }),
            &json!({ "token_url": "https://sts.googleapis.com.evil.example.com/v1/token" }),
        ),
        pool(
            &json!({ "file": "/etc/hostname" }),
            &json!({ "service_account_impersonation_url": "https://evil.example.com/x:generateAccessToken" }),
        ),
        pool(&json!({ "url": "http://evil.example.com/token" }), &json!({})),
        pool(&json!({ "url": "https://user:canary-7c1e@example.com/" }), &json!({})),
        pool(&json!({ "environment_id": "aws1" }), &json!({})),
        pool(&json!({}), &json!({})),
        json!({ "type": "another", "private_key": CANARY }),
        json!({ "type": "authorized_user", "client_id": CANARY }),
    ];
    for text in elsewhere {
        let stand_in = StandIn::start();
        let path = written(&folder, "file.json", &text.to_string());
        let error = token(&identity(&[]), &environment(&stand_in, file(&path))).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{text}: {error:?}");
        clean(&error);
        assert!(stand_in.asked().is_empty(), "{text}");
    }
}

fn pool(source: &Value, more: &Value) -> Value {
    let mut pool = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    });
    for (name, value) in more.as_object().unwrap() {
        pool[name] = value.clone();
    }
    pool
}

fn federated(stand_in: &StandIn) {
    stand_in.usual(3600).plays("gcp/federation/exchange").plays("gcp/impersonation?");
}

#[tokio::test]
async fn federation_by_file_and_url_and_for_a_service_account() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    federated(&stand_in);
    stand_in.plays("gcp/federation/url-text").plays("gcp/federation/url-json");
    let plain = written(&folder, "token", "canary-7c1e-idp\n");
    let in_json = written(&folder, "token.json", r#"{"access_token":"canary-7c1e-idp"}"#);
    let format = json!({ "type": "json", "subject_token_field_name": "access_token" });
    let authorization = json!({ "Authorization": "Bearer x" });
    let by_text = format!("{}/idp/token", stand_in.url);
    let by_json = format!("{}/metadata/identity/oauth2/token?resource=api://google", stand_in.url);
    for source in [
        json!({ "file": plain }),
        json!({ "file": plain, "format": { "type": "text" } }),
        json!({ "file": in_json, "format": format }),
        json!({ "url": by_text, "headers": authorization }),
        json!({ "url": by_text, "headers": authorization, "format": { "type": "text" } }),
        json!({ "url": by_json, "headers": { "Metadata": "True" }, "format": format }),
    ] {
        let path = written(&folder, "wif.json", &pool(&source, &json!({})).to_string());
        let environment = environment(&stand_in, file(&path));
        let identity = identity(&[]);
        assert_eq!(token(&identity, &environment).await.unwrap(), "federated", "{source}");
        let caller = identity.caller(&environment, "test").await.unwrap();
        assert!(caller.arn.ends_with("/providers/x"), "{}", caller.arn);
    }
    let exchanged: Vec<String> =
        stand_in.asked().into_iter().filter(|a| a.contains("sts.googleapis.com")).collect();
    assert_eq!(exchanged.len(), 6);
    for exchanged in exchanged {
        assert!(exchanged.contains(r#""subjectToken":"canary-7c1e-idp""#), "{exchanged}");
    }
    let url = format!(
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{A}{GENERATE}"
    );
    let more = json!({ "service_account_impersonation_url": url });
    let path = written(&folder, "wif.json", &pool(&json!({ "file": plain }), &more).to_string());
    let environment = environment(&stand_in, file(&path));
    let identity = identity(&[]);
    assert_eq!(token(&identity, &environment).await.unwrap(), "account-token");
    let caller = identity.caller(&environment, "test").await.unwrap();
    assert_eq!(caller.arn, format!("serviceAccount:{A}"));
}

#[tokio::test]
async fn what_is_in_another_form_than_the_file_says_is_no_token() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.plays("gcp/federation/url-text").plays("gcp/federation/url-json");
    let by_text = json!({ "url": format!("{}/idp/token", stand_in.url), "headers": { "Authorization": "Bearer x" } });
    let by_json = json!({ "url": format!("{}/metadata/identity/oauth2/token?resource=api://google", stand_in.url),
        "headers": { "Metadata": "True" } });
    let in_field = json!({ "type": "json", "subject_token_field_name": "access_token" });
    for (mut source, format, field) in [
        (by_text.clone(), in_field.clone(), "credential_source"),
        (
            by_json.clone(),
            json!({ "type": "json", "subject_token_field_name": "id" }),
            "credential_source",
        ),
        (by_json, json!({ "type": "json" }), "credential_source"),
        (by_text, json!({ "type": "xml" }), "credential_source.format"),
    ] {
        source["format"] = format;
        let path = written(&folder, "wif.json", &pool(&source, &json!({})).to_string());
        let error = token(&identity(&[]), &environment(&stand_in, file(&path))).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{source}: {error:?}");
        clean(&error);
    }
    assert_eq!(stand_in.times("sts.googleapis.com"), 0, "nothing was exchanged");
}

#[tokio::test]
async fn a_program_is_started_only_where_settings_list_it() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    federated(&stand_in);
    let printed = r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"idp"}"#;
    let printed = written(&folder, "printed", printed).display().to_string();
    let source = json!({ "executable": { "command": format!("/bin/cat {printed}"), "timeout_millis": 5000 } });
    let path = written(&folder, "wif.json", &pool(&source, &json!({})).to_string());
    let mut access = file(&path);
    let error = token(&identity(&[]), &environment(&stand_in, access.clone())).await.unwrap_err();
    assert_eq!((error.code, error.given.as_deref()), (ErrorCode::PolicyDenied, Some("/bin/cat")));
    assert!(stand_in.asked().is_empty());
    access.executables = vec!["/bin/cat".into()];
    let environment = environment(&stand_in, access);
    assert_eq!(token(&identity(&[]), &environment).await.unwrap(), "federated");
    for wrong in [
        CANARY.to_owned(),
        format!(r#"{{"version":1,"success":false,"message":"{CANARY}"}}"#),
        format!(r#"{{"version":1,"success":true,"id_token":"{CANARY}","expiration_time":1}}"#),
    ] {
        std::fs::write(&printed, wrong).unwrap();
        clean(&token(&identity(&[]), &environment).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_chain_of_service_accounts_is_one_question() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    stand_in.plays("gcp/impersonation");
    let mut access = file(&user(&folder));
    access.impersonate = vec![A.to_owned(), B.to_owned()];
    let environment = environment(&stand_in, access);
    let identity = identity(&[]);
    let caller = identity.caller(&environment, "test").await.unwrap();
    assert_eq!(caller.arn, format!("serviceAccount:{B}"));
    let asked = stand_in.asked().into_iter().find(|a| a.contains(GENERATE)).unwrap();
    assert!(asked.contains(&format!("serviceAccounts/{B}:generate")), "{asked}");
    assert!(
        asked.contains(&format!(r#""delegates":["projects/-/serviceAccounts/{A}"]"#)),
        "{asked}"
    );
    assert!(asked.contains("Bearer user-token"), "{asked}");
    stand_in.plays("gcp/refusals/impersonation-denied");
    let error = identity.origin(&environment, "test").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::UpstreamDenied);
    assert!(error.next.unwrap().contains("serviceAccountTokenCreator"));
}

#[tokio::test]
async fn fault_43_a_token_that_has_ended_is_asked_for_anew() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    // A second's life: with its margin it is over before the next question.
    stand_in.plays("gcp/renewal");
    let environment = environment(&stand_in, file(&user(&folder)));
    let identity = identity(&[]);
    assert_eq!(token(&identity, &environment).await.unwrap(), "first-token");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(token(&identity, &environment).await.unwrap(), "second-token");
    assert_eq!(stand_in.times("/token"), 2);
    // One that was revoked before its end is given up, and asked for once more.
    stand_in.usual(3600).plays("gcp/refusals/token-ended");
    let error = identity.caller(&environment, "test").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::UpstreamDenied);
    assert!(error.next.unwrap().contains("revoked"));
}

#[tokio::test]
async fn revoked_credentials_are_told_without_a_word_of_them() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.plays("gcp/refusals/grant-ended");
    let environment = environment(&stand_in, file(&user(&folder)));
    let error = token(&identity(&[]), &environment).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::UpstreamDenied);
    assert!(error.message.contains("expired or revoked"), "{error:?}");
    clean(&error);
}

#[tokio::test]
async fn security_19_another_project_and_one_that_is_going_are_seen() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    let environment = environment(&stand_in, file(&user(&folder)));
    let identity = identity(&[]);
    let other = json!({ "name": "projects/2", "projectId": "acme-prod-1", "state": "ACTIVE" });
    stand_in.says("/v3/projects/acme-dev-4711", 200, other);
    let caller = identity.caller(&environment, "test").await.unwrap();
    // The straight path compares it with the environment's.
    assert_eq!(caller.account, "acme-prod-1");
    let going = json!({ "name": "projects/1", "projectId": PROJECT, "state": "DELETE_REQUESTED" });
    stand_in.says("/v3/projects/acme-dev-4711", 200, going);
    let error = identity.caller(&environment, "test").await.unwrap_err();
    assert!(error.message.ends_with("it is DELETE_REQUESTED"), "{error:?}");
    stand_in.plays("gcp/refusals/project-denied");
    let error = identity.caller(&environment, "test").await.unwrap_err();
    assert!(error.next.unwrap().contains("resourcemanager.projects.get"));
}

#[tokio::test]
async fn security_14_a_token_follows_no_redirect_and_no_inherited_override() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    stand_in.says("/v3/projects/acme-dev-4711", 302, json!({}));
    let mut environment = environment(&stand_in, file(&user(&folder)));
    let error = identity(&[]).caller(&environment, "test").await.unwrap_err();
    assert!(error.message.contains("leads elsewhere"), "{error:?}");
    environment.endpoint_url = None;
    let overrides = vec!["GCE_METADATA_HOST".to_owned()];
    let error = GoogleIdentity::new(overrides, []).caller(&environment, "test").await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("GCE_METADATA_HOST"));
}
