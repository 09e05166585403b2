//! What passes of a foreign kubeconfig, and what does not.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::*;

/// A token of a service account: `{"sub":"system:serviceaccount:accounts:datamcp"}`.
const TOKEN: &str = "e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YWNjb3VudHM6ZGF0YW1jcCJ9.c2ln";

/// A command as settings spell it.
const SPELT: [&str; 3] = ["/usr/local/bin/aws", "eks", "get-token"];

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A kubeconfig with this user and these further words of its cluster.
    fn kubeconfig(&self, cluster: &Value, user: &Value) {
        let mut at = json!({ "server": "https://one.example.com:6443", "certificate-authority-data": "Q0E=" });
        at.as_object_mut().unwrap().extend(cluster.as_object().unwrap().clone());
        let text = json!({
            "kind": "Config", "current-context": "other",
            "clusters": [{ "name": "other", "cluster": { "server": "https://other.example.com" } }, { "name": "c", "cluster": at }],
            "contexts": [{ "name": "one", "context": { "cluster": "c", "user": "u" } }],
            "users": [{ "name": "u", "user": user }],
        });
        self.write("config", &text.to_string());
        std::fs::set_permissions(self.path("config"), std::fs::Permissions::from_mode(0o600))
            .unwrap();
    }

    fn reach(&self, exec: &[&str]) -> Result<(ClusterFacts, GivenUser)> {
        let access = ClusterAccess::Kubeconfig {
            path: self.path("config"),
            exec: exec.iter().map(|word| (*word).to_owned()).collect(),
        };
        given(reach(&cluster(access), None))
    }
}

fn given(found: Result<(ClusterFacts, ClusterUser)>) -> Result<(ClusterFacts, GivenUser)> {
    match found? {
        (facts, ClusterUser::Given(user)) => Ok((facts, *user)),
        other => panic!("{other:?}"),
    }
}

fn cluster(access: ClusterAccess) -> Cluster {
    Cluster {
        name: "one".into(),
        context: "one".into(),
        location: None,
        role_arn: None,
        namespaces: vec![],
        access,
        uid: None,
    }
}

#[test]
fn a_named_context_is_followed_whatever_the_current_one_is() {
    let place = Place::new();
    place.kubeconfig(&json!({ "tls-server-name": "api" }), &json!({ "token": TOKEN }));
    let (facts, user) = place.reach(&[]).unwrap();
    assert_eq!(facts.endpoint, "https://one.example.com:6443");
    assert_eq!(facts.certificate_authority, "Q0E=");
    assert_eq!(user.tls_server_name.as_deref(), Some("api"));
    assert_eq!(
        user.about,
        "user u of the kubeconfig by token of system:serviceaccount:accounts:datamcp"
    );
    assert!(matches!(&user.proof, UserProof::Token(token) if token.expose() == TOKEN));
    let shown = format!("{user:?}");
    assert!(!shown.contains(TOKEN), "promise 7: {shown}");
    assert_eq!(ClusterUser::Given(Box::new(user)).secrets(), [TOKEN]);
}

#[test]
fn files_that_an_entry_names_are_read_from_beside_it() {
    let place = Place::new();
    for (name, text) in [("ca.pem", "CA"), ("cert.pem", "CERT"), ("key.pem", "KEY"), ("t", TOKEN)] {
        place.write(name, text);
    }
    let authority = json!({ "certificate-authority-data": "", "certificate-authority": "ca.pem" });
    let user = json!({ "client-certificate": "cert.pem", "client-key": "key.pem" });
    place.kubeconfig(&authority, &user);
    let (facts, user) = place.reach(&[]).unwrap();
    assert_eq!(facts.certificate_authority, STANDARD.encode("CA"));
    let UserProof::Certificate { certificate, key } = &user.proof else { panic!("{user:?}") };
    assert_eq!(
        (certificate, key.expose()),
        (&STANDARD.encode("CERT"), STANDARD.encode("KEY").as_str())
    );
    place.kubeconfig(&authority, &json!({ "tokenFile": "t", "token": "ignored" }));
    let (_, user) = place.reach(&[]).unwrap();
    assert!(matches!(&user.proof, UserProof::TokenFile(path) if *path == place.path("t")));
    assert!(user.about.ends_with("token of system:serviceaccount:accounts:datamcp"));
    place.kubeconfig(&authority, &json!({ "tokenFile": "gone" }));
    assert!(place.reach(&[]).unwrap_err().message.contains("tokenFile"));
}

#[test]
fn a_program_of_a_foreign_file_runs_only_as_settings_spell_it() {
    let place = Place::new();
    let exec = |more: Value| {
        let mut exec = json!({ "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
            "args": ["eks", "get-token"] });
        exec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "exec": exec })
    };
    place.kubeconfig(&json!({}), &exec(json!({})));
    let error = place.reach(&[]).unwrap_err();
    assert!(error.message.contains("settings name none"), "{error}");
    let (_, user) = place.reach(&SPELT).unwrap();
    let UserProof::Command { words, .. } = &user.proof else { panic!("{user:?}") };
    assert_eq!(*words, SPELT, "what runs is the settings' word, not the file's");
    for bad in [
        json!({ "command": "/tmp/aws" }),
        json!({ "command": "../aws" }),
        json!({ "args": ["eks", "get-token", "--profile=other"] }),
        json!({ "args": ["eks", "get-token", 1] }),
        json!({ "env": [{ "name": "LD_PRELOAD", "value": "/tmp/x.so" }] }),
        json!({ "apiVersion": "client.authentication.k8s.io/v1alpha1" }),
    ] {
        place.kubeconfig(&json!({}), &exec(bad.clone()));
        let error = place.reach(&SPELT).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("cluster.kubeconfig"), "{bad}: {error}");
    }
}

#[test]
fn what_weakens_or_bends_a_connection_is_refused() {
    let place = Place::new();
    let token = json!({ "token": "canary-3f81" });
    for (cluster, user) in [
        (json!({ "insecure-skip-tls-verify": true }), token.clone()),
        (json!({ "proxy-url": "http://evil.example.com" }), token.clone()),
        (json!({ "server": "http://one.example.com" }), token.clone()),
        (json!({ "server": "https://a:canary-3f81@one.example.com" }), token.clone()),
        (json!({ "certificate-authority-data": "" }), token.clone()),
        (json!({ "certificate-authority-data": "not base64" }), token.clone()),
        (json!({}), json!({})),
        (json!({}), json!({ "username": "a", "password": "canary-3f81" })),
        (json!({}), json!({ "auth-provider": { "name": "gcp" } })),
        (json!({}), json!({ "token": "canary-3f81", "as": "system:admin" })),
        (json!({}), json!({ "client-key-data": "Y2FuYXJ5LTNmODE=" })),
        (
            json!({}),
            json!({ "token": "canary-3f81", "client-certificate-data": "Qw==", "client-key-data": "Sw==" }),
        ),
    ] {
        place.kubeconfig(&cluster, &user);
        let error = place.reach(&[]).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("cluster.kubeconfig"), "{cluster} {user}: {error}");
        let shown = format!("{error:?}");
        assert!(!shown.contains("canary-3f81") && !shown.contains("Y2FuYXJ5"), "{shown}");
    }
    place.kubeconfig(&json!({ "insecure-skip-tls-verify": false }), &token);
    place.reach(&[]).unwrap();
}

#[test]
fn bad_input_91_a_kubeconfig_that_is_not_one_or_that_others_may_write_to() {
    let place = Place::new();
    assert!(place.reach(&[]).is_err(), "there is none");
    for bad in ["{", "- a", "kind: Pod", "contexts: 1", "a: &a [*a]"] {
        place.write("config", bad);
        let error = place.reach(&[]).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("cluster.kubeconfig"), "{bad}: {error}");
    }
    place.kubeconfig(&json!({}), &json!({ "token": "t" }));
    std::fs::set_permissions(place.path("config"), std::fs::Permissions::from_mode(0o660)).unwrap();
    let error = place.reach(&[]).unwrap_err();
    assert!(error.next.unwrap().starts_with("chmod go-w"));
    place.kubeconfig(&json!({}), &json!({ "token": "t" }));
    let text = std::fs::read_to_string(place.path("config")).unwrap();
    place.write("config", &text.replace("\"name\":\"one\"", "\"name\":\"two\""));
    let error = place.reach(&[]).unwrap_err();
    assert_eq!(error.allowed.as_deref(), Some("two"), "{error}");
}

#[test]
fn a_pod_comes_as_its_own_account_and_nothing_is_copied_of_its_token() {
    let place = Place::new();
    let pod = |host: &str, port: &str| PodAccount {
        host: host.into(),
        port: port.into(),
        folder: place.0.path().into(),
    };
    let own = cluster(ClusterAccess::InCluster);
    let error = reach(&own, None).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("cluster.in_cluster"));
    assert!(error.allowed.unwrap().contains("KUBERNETES_SERVICE_HOST"));
    let error = reach(&own, Some(&pod("10.0.0.1", "443"))).unwrap_err();
    assert!(error.next.unwrap().contains("automountServiceAccountToken"));
    place.write("token", TOKEN);
    place.write("ca.crt", "CA");
    let (facts, user) = given(reach(&own, Some(&pod("fd00::1", "6443")))).unwrap();
    assert_eq!(facts.endpoint, "https://[fd00::1]:6443");
    assert_eq!(user.about, "account of the pod by token of system:serviceaccount:accounts:datamcp");
    assert!(matches!(&user.proof, UserProof::TokenFile(path) if *path == place.path("token")));
    for (host, port) in [("a@b", "443"), ("10.0.0.1", "x"), ("a/b", "1"), ("a", "99999")] {
        reach(&own, Some(&pod(host, port))).unwrap_err();
    }
}
