//! The exchange as Google's libraries meet it: over loopback, with the proof that the program prints.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;

use super::*;
use crate::adapter::process::SocketDesk;
use crate::adapter::process::desk::ask_proof;
use crate::model::{Backend, Cloud, CredentialSource, EnvironmentKey, GoogleAccess, Tier};
use crate::port::{Caller, ClusterToken, CredentialDesk, DeskGuard, Origin};

/// Gives another token at each question, or says why not.
#[derive(Default)]
struct Source {
    given: AtomicU32,
    refused: Mutex<Option<Error>>,
}

#[async_trait]
impl Identity for Source {
    async fn caller(&self, _: &Environment, _: &str) -> Result<Caller> {
        unreachable!("nobody asks")
    }

    async fn origin(&self, _: &Environment, _: &str) -> Result<Origin> {
        unreachable!("nobody asks")
    }

    async fn credentials(&self, _: &Environment, _: &str) -> Result<ChildCredentials> {
        if let Some(error) = self.refused.lock().unwrap().clone() {
            return Err(error);
        }
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        Ok(ChildCredentials::Google(ClusterToken {
            token: Secret::new(format!("canary-token-{number}")),
            expires: SystemClock.now().checked_add(SignedDuration::from_secs(61)).unwrap(),
        }))
    }
}

struct Site {
    top: tempfile::TempDir,
    run: PathBuf,
    source: Arc<Source>,
    guard: Option<DeskGuard>,
}

fn environment() -> Environment {
    Environment {
        organization: None,
        member_role: None,
        key: EnvironmentKey { cloud: Cloud::Gcp, name: "dev".into() },
        tier: Tier {
            name: "dev".into(),
            auto_approve: vec![],
            approvers: vec![],
            approver_other_than_requester: false,
            mfa: false,
            typed_name: false,
            max_delete: None,
            protected: vec![],
        },
        tree: "/project/infra/gcp".into(),
        root: "envs/dev".into(),
        account: "acme-dev-4711".into(),
        region: "europe-west1".into(),
        backend: Backend::Local { path: "/state".into() },
        workspace: None,
        vars: std::collections::BTreeMap::default(),
        secret_vars: std::collections::BTreeMap::new(),
        credentials: CredentialSource::Google(GoogleAccess::default()),
        role: None,
        session_duration_s: None,
        mfa: None,
        endpoint_url: None,
        ca_bundle: None,
        cluster: None,
        argocd: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test lays out its folders and reads what was written"
)]
impl Site {
    /// A desk for a run; `program` may have blanks in its name.
    async fn open(program: &str) -> Self {
        let top = tempfile::tempdir().unwrap();
        let operation: OperationId = fresh_uuid().to_string().parse().unwrap();
        let run = top.path().join("runs").join(operation.to_string());
        std::fs::create_dir_all(&run).unwrap();
        let source = Arc::new(Source::default());
        let desk = SocketDesk {
            state: top.path().to_owned(),
            identity: source.clone(),
            command: vec![program.to_owned(), "credentials".to_owned()],
        };
        let guard = Some(desk.open(operation, &environment()).await.unwrap());
        Self { top, run, source, guard }
    }

    fn document(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.run.join(GOOGLE_FILE)).unwrap()).unwrap()
    }

    /// What the program prints for Google's libraries.
    async fn printed(&self) -> Value {
        serde_json::from_str(&ask_proof(&self.run).await).unwrap()
    }

    async fn proof(&self) -> String {
        self.printed().await["id_token"].as_str().unwrap().to_owned()
    }

    /// Asks as Google's libraries do; status and answer.
    async fn ask(&self, proof: &str) -> (u16, Value) {
        let url = self.document()["token_url"].as_str().unwrap().to_owned();
        post_to(&url, proof).await
    }
}

async fn post_to(url: &str, proof: &str) -> (u16, Value) {
    let (url, proof) = (url.to_owned(), proof.to_owned());
    tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", proof.as_str()),
            ("subject_token_type", PROOF_TYPE),
        ];
        let mut answer = agent.post(&url).send_form(form).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn fault_43_each_question_of_a_child_is_answered_with_the_token_of_that_moment() {
    let site = Site::open("/opt/datamcp").await;
    let proof = site.proof().await;
    for number in 0..3 {
        let (status, answer) = site.ask(&proof).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["access_token"], format!("canary-token-{number}"));
        assert!((59..=61).contains(&answer["expires_in"].as_i64().unwrap()), "{answer}");
    }
    // Neither the proof nor a token is in what lies in the run's folder.
    let document = site.document().to_string();
    assert!(!document.contains(&proof) && !document.contains("canary"), "{document}");
    let command = site.document()["credential_source"]["executable"]["command"].clone();
    assert_eq!(command, format!("/opt/datamcp credentials --google {}", site.run.display()));
}

#[tokio::test]
async fn security_15_without_the_proof_of_this_run_nobody_is_given_a_token() {
    let (site, other) = (Site::open("/opt/datamcp").await, Site::open("/opt/datamcp").await);
    let foreign = other.proof().await;
    for wrong in ["", "x", foreign.as_str()] {
        let (status, answer) = site.ask(wrong).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
    }
    assert_eq!(site.source.given.load(Ordering::Relaxed), 0, "nothing was even looked for");
    let url = site.document()["token_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let (status, _) = post_to(&format!("{url}x"), &site.proof().await).await;
    assert_eq!(status, 404, "another path");
}

#[tokio::test]
async fn the_exchange_ends_with_its_run() {
    let mut site = Site::open("/opt/datamcp").await;
    let (url, proof) =
        (site.document()["token_url"].as_str().unwrap().to_owned(), site.proof().await);
    drop(site.guard.take());
    assert!(!site.run.join(GOOGLE_FILE).exists() && !site.run.join(PROOF).exists());
    let printed = site.printed().await;
    assert_eq!(printed["success"], false, "{printed}");
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "{proof}");
}

#[tokio::test]
async fn why_there_is_no_token_is_said_to_the_child_and_to_the_operation() {
    let site = Site::open("/opt/datamcp").await;
    let why = Error::new(ErrorCode::UpstreamDenied, "finding credentials for gcp/dev: revoked");
    *site.source.refused.lock().unwrap() = Some(why);
    let (status, answer) = site.ask(&site.proof().await).await;
    assert_eq!(status, 403);
    assert_eq!(answer["error_description"], "finding credentials for gcp/dev: revoked");
    let seen = Error::new(ErrorCode::UpstreamFailed, "applying gcp/dev");
    let told = site.guard.as_ref().unwrap().explain(seen);
    assert!(told.message.contains("revoked"), "{told}");
}

#[tokio::test]
async fn a_path_with_blanks_is_reached_by_a_link() {
    let site = Site::open("/opt/data mcp/bin").await;
    let command = site.document()["credential_source"]["executable"]["command"].clone();
    let words: Vec<&str> = command.as_str().unwrap().split_whitespace().collect();
    let [program, "credentials", "--google", run] = words[..] else { panic!("{words:?}") };
    assert_eq!(std::fs::read_link(program).unwrap(), Path::new("/opt/data mcp/bin"));
    assert_eq!(std::fs::canonicalize(run).unwrap(), site.run.canonicalize().unwrap());
    drop(site.top);
}
