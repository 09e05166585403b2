//! The resolver, with a cloud that counts how often it is asked.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::model::{Cloud, CloudSecret};
use crate::secret::{MASK, Redactor};

#[derive(Debug)]
struct Counting(AtomicUsize, &'static str);

#[async_trait]
impl CloudSecrets for Counting {
    async fn whole(&self, _environment: &Environment, _reference: &SecretRef) -> Result<Fetched> {
        let n = self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Fetched { value: Secret::new(self.1), version: Some(format!("v{n}")) })
    }
}

fn of(key: Option<&str>) -> SecretRef {
    SecretRef::Aws(CloudSecret {
        environment: EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() },
        account: "123456789012".into(),
        region: None,
        name: "db".into(),
        key: key.map(str::to_owned),
        version: None,
    })
}

fn references(text: &'static str) -> (References, Arc<Counting>) {
    let clouds = Arc::new(Counting(AtomicUsize::new(0), text));
    let environment = serde_json::from_value(serde_json::json!({
        "key": { "cloud": "aws", "name": "dev" },
        "tier": {
            "name": "dev", "auto_approve": [], "approvers": [], "approver_other_than_requester": false,
            "mfa": false, "typed_name": false, "max_delete": null, "protected": [],
        },
        "tree": "/t", "root": ".", "account": "123456789012", "region": "eu-west-1",
        "backend": { "backend": "local", "path": "/s" }, "workspace": null, "vars": {},
        "credentials": { "source": "environment" }, "role": null, "session_duration_s": null,
        "endpoint_url": null, "ca_bundle": null, "cluster": null, "argocd": null,
    }));
    let references = References::new(
        [("PW".to_owned(), Secret::new("of-a-variable"))].into(),
        [environment.unwrap()],
        Arc::clone(&clouds) as Arc<dyn CloudSecrets>,
    );
    (references, clouds)
}

#[tokio::test]
async fn a_secret_is_asked_for_once_in_a_while() {
    let (mut references, clouds) = references("canaryHf6kept");
    for _ in 0..3 {
        let found = references.fetch(&of(None)).await.unwrap().unwrap();
        assert_eq!(found.version.as_deref(), Some("v0"));
    }
    assert_eq!(clouds.0.load(Ordering::SeqCst), 1);
    references.kept_for = Duration::ZERO;
    let found = references.fetch(&of(None)).await.unwrap().unwrap();
    assert_eq!(found.version.as_deref(), Some("v1"));
}

#[tokio::test]
async fn an_entry_of_an_object_is_taken_and_errors_name_entries_not_values() {
    let (references, _) =
        references(r#"{"user": "canaryUw2entry", "port": 5432, "deep": {"a": 1}}"#);
    let found = references.fetch(&of(Some("user"))).await.unwrap().unwrap();
    assert_eq!(found.value.expose(), "canaryUw2entry");
    let found = references.fetch(&of(Some("port"))).await.unwrap().unwrap();
    assert_eq!(found.value.expose(), "5432");
    for (key, why) in [("pass", "no entry pass"), ("deep", "not a text")] {
        let error = references.fetch(&of(Some(key))).await.unwrap_err();
        assert!(error.message.contains(why), "{error}");
        assert!(!format!("{error:?}").contains("canaryUw2"), "{error:?}");
    }
}

#[tokio::test]
async fn promise_7_what_was_fetched_is_masked_by_every_redactor() {
    let (references, _) = references("canaryTy8masked");
    references.fetch(&of(None)).await.unwrap();
    let clean = Redactor::default().clean("before canaryTy8masked and Y2FuYXJ5VHk4bWFza2Vk after");
    assert_eq!(clean, format!("before {MASK} and {MASK} after"));
}

#[tokio::test]
async fn variables_and_private_files_are_read() {
    let (references, _) = references("unused");
    let found = references.fetch(&SecretRef::Env("PW".into())).await.unwrap().unwrap();
    assert_eq!(found.value.expose(), "of-a-variable");
    assert!(references.fetch(&SecretRef::Env("NONE".into())).await.unwrap().is_none());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    assert!(references.fetch(&SecretRef::File(path.clone())).await.unwrap().is_none());
    std::fs::write(&path, "canaryPl4file\n").unwrap();
    mode(0o600);
    let found = references.fetch(&SecretRef::File(path.clone())).await.unwrap().unwrap();
    assert_eq!(found.value.expose(), "canaryPl4file");
    assert!(found.version.is_some());
    for open in [0o640, 0o604, 0o620] {
        mode(open);
        let error = references.fetch(&SecretRef::File(path.clone())).await.unwrap_err();
        assert!(error.message.contains("others may"), "{error}");
        assert!(!format!("{error:?}").contains("canaryPl4"), "{error:?}");
    }
    mode(0o600);
    std::fs::write(&path, "x".repeat(70_000)).unwrap();
    assert!(references.fetch(&SecretRef::File(path)).await.is_err());
    let error = references.fetch(&SecretRef::File(folder.path().into())).await.unwrap_err();
    assert!(error.message.contains("not a file"), "{error}");
}

#[test]
fn the_group_may_read_what_root_mounts_for_us() {
    for (mode, owner, fits) in [
        (0o600, 1000, true),
        (0o640, 1000, false),
        (0o440, 0, true),
        (0o444, 0, false),
        (0o460, 0, false),
        (0o600, 1001, false),
    ] {
        assert_eq!(private(mode, owner, 1000).is_ok(), fits, "{mode:o} {owner}");
    }
}
