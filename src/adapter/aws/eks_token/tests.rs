//! Tokens: the signature against a vector computed independently, their life, the cache.
#![expect(clippy::disallowed_methods, reason = "a test edits the user's files itself")]

use super::*;

fn key(session: Option<&str>, expires: Option<SystemTime>) -> Credentials {
    let session = session.map(str::to_owned);
    Credentials::new("AKIDEXAMPLE", "datamcp-test-secret", session, expires, "test")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn access(cluster: &str) -> EksAccess {
    EksAccess {
        cluster: cluster.to_owned(),
        region: Some("eu-west-1".to_owned()),
        role_arn: None,
        profile: None,
        endpoint_url: None,
        external_id: None,
        mfa_serial: None,
        state: None,
        session: None,
    }
}

fn cache(folder: &tempfile::TempDir) -> TokenCache {
    TokenCache {
        kept: std::sync::Arc::<Shelf>::default(),
        fingerprint: "mine".to_owned(),
        shared_files: vec![folder.path().join("credentials")],
    }
}

/// A shell with these variables and no file of AWS.
fn tokens(folder: &tempfile::TempDir, variables: &[(&str, &str)]) -> EksTokens {
    let files = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].map(|name| (name, "/dev/null"));
    let all = files.iter().chain(variables).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    EksTokens {
        inherited_overrides: Vec::new(),
        variables: Variables::new(all),
        ca_bundle: None,
        factor: SecondFactor::default(),
        cache: cache(folder),
    }
}

/// Keeps in memory.
#[derive(Debug, Default)]
struct Shelf(std::sync::Mutex<std::collections::BTreeMap<String, ClusterToken>>);

impl crate::port::KeptTokens for Shelf {
    fn find(&self, name: &str, now: Timestamp) -> Option<ClusterToken> {
        let kept = self.0.lock().unwrap().get(name).cloned()?;
        (kept.expires.duration_since(now) > SignedDuration::from_mins(1)).then_some(kept)
    }

    fn keep(&self, name: &str, token: &ClusterToken) {
        self.0.lock().unwrap().insert(name.to_owned(), token.clone());
    }
}

fn made(text: &str, expires: i64) -> ClusterToken {
    ClusterToken { token: Secret::new(text), expires: at(expires) }
}

fn url_of(token: &Secret) -> String {
    let text = token.expose().strip_prefix(PREFIX).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn the_signature_is_the_one_computed_independently() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (session, signature) in [
        (Some("sess/+=tok"), "1a880fa0f77ab5a33d18619b3d355f7b1986487f35f95999512d5c78692251fe"),
        (None, "4268b650224eb8e5fa7336675dd9db732819a35503167e513461b3db539acc5d"),
    ] {
        let url = url_of(&presigned(&key(session, None), "eu-west-1", "demo", at).unwrap());
        assert!(url.starts_with("https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&"));
        assert!(url.contains("X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"), "{url}");
        assert!(url.contains(&format!("X-Amz-Signature={signature}")), "{url}");
        assert!(!url.contains("demo"), "the cluster's name is signed, not sent: {url}");
    }
}

#[test]
fn a_token_ends_with_the_credentials_behind_it() {
    let now = at(1_700_000_000);
    let soon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_300);
    assert_eq!(expiry(&key(None, None), now), at(1_700_000_840));
    assert_eq!(expiry(&key(Some("x"), Some(soon)), now), at(1_700_000_300));
}

#[test]
fn a_kept_token_is_found_until_shortly_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder);
    cache.keep(&access("demo"), &made("kept", 1000));
    let found = cache.find(&access("demo"), at(939)).unwrap();
    assert_eq!((found.token.expose(), found.expires), ("kept", at(1000)));
    assert!(cache.find(&access("demo"), at(940)).is_none());
}

#[test]
fn a_kept_token_is_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder);
    cache.keep(&access("demo"), &made("kept", 1000));
    assert!(cache.find(&access("other"), at(0)).is_none());
    let role = Some("arn:aws:iam::123456789012:role/x".to_owned());
    assert!(cache.find(&EksAccess { role_arn: role, ..access("demo") }, at(0)).is_none());
    let other = TokenCache { fingerprint: "another".to_owned(), ..cache.clone() };
    assert!(other.find(&access("demo"), at(0)).is_none());
    assert!(cache.find(&access("demo"), at(0)).is_some());
    std::fs::write(folder.path().join("credentials"), "[default]").unwrap();
    assert!(cache.find(&access("demo"), at(0)).is_none());
}

#[tokio::test]
async fn bad_input_68_a_cluster_is_not_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(&folder, &[]);
    for name in ["a/b", "", "-x", "ä", &"x".repeat(101)] {
        let error = tokens.token(&access(name)).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some("cluster"), "{error:?}");
    }
    let region = EksAccess { region: Some("us-esat-1/x".to_owned()), ..access("demo") };
    assert_eq!(tokens.token(&region).await.unwrap_err().field.as_deref(), Some("region"));
}

#[tokio::test]
async fn an_inherited_endpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = EksTokens {
        inherited_overrides: vec!["AWS_ENDPOINT_URL_STS".to_owned()],
        ..tokens(&folder, &[])
    };
    let error = tokens.token(&access("demo")).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("AWS_ENDPOINT_URL_STS"));
}
