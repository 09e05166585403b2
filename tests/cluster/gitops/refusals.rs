//! What Argo CD refuses, and what is stopped: each an answer of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::project::{Other, Project, endless};
use crate::harness::{argocd, until};

#[test]
fn fault_48_and_a_stop_on_request() {
    let project = Project::new();
    let job = endless(&project.name);
    project.commit(&[("map.yaml", &project.map("settings", "1")), ("job.yaml", &job)]);
    project.create().expect("succeeded");
    let mut sync = project.app();
    sync["wait_s"] = json!(0);
    let id = project.really("argo_sync", sync).expect("running").text("/operation_id");
    until("a sync that runs", || {
        (project.status().text("/operation/phase") == "Running").then_some(())
    });
    assert_eq!(project.status().text("/operation/operation_id"), id);
    // Another installation of the product knows nothing of our lock: Argo CD says that it is busy.
    let other = Project::new();
    let busy = other.call("argo_sync", &project.app()).refused("lock_held");
    assert_eq!(busy.text("/error/details/operation"), id);
    assert!(!busy.text("/error/details/started_at").is_empty());
    other.call("argo_delete_app", &project.app()).refused("lock_held");
    project.call("cancel_operation", &json!({ "id": id }));
    let ended = project.end(&id);
    assert_eq!(ended.text("/result/status"), "cancelled", "{:#}", ended.value);
    assert_eq!(project.value("settings"), None);
}

#[test]
fn a_token_that_a_secret_manager_keeps_is_fetched_for_each_call() {
    let project = Project::new();
    let token = std::fs::read_to_string(&argocd(&project.lab).project_token).unwrap();
    let name = format!("datamcp/argocd-{}", project.name);
    let told = |operation: &str, request: &serde_json::Value| {
        let emulator = project.lab.emulator();
        emulator.json_call(&format!("secretsmanager.{operation}"), request).unwrap()
    };
    let settings = project.folder().join("datamcp.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let server = text.lines().find(|line| line.starts_with("token = ")).unwrap();
    let reference = format!("token = \"aws-secretsmanager:{name}\"");
    std::fs::write(&settings, text.replace(server, &reference)).unwrap();
    let absent = project.call("argo_app_status", &json!({})).refused("invalid_request");
    absent.says("/error/message", &name);
    told("CreateSecret", &json!({ "Name": name, "SecretString": token.trim() }));
    let seen = project.call("argo_app_status", &json!({}));
    assert!(seen.value["applications"].is_array(), "{:#}", seen.value);
    told("PutSecretValue", &json!({ "SecretId": name, "SecretString": "rotated-to-nonsense" }));
    project.call("argo_app_status", &json!({})).refused("upstream_denied");
}

#[test]
fn a_sync_that_does_not_end_is_stopped_at_its_deadline() {
    let project = Project::new();
    let job = endless(&project.name);
    project.commit(&[("map.yaml", &project.map("settings", "1")), ("job.yaml", &job)]);
    project.create().expect("succeeded");
    let mut sync = project.app();
    sync["timeout_s"] = json!(4);
    let late = project.really("argo_sync", sync).refused("timed_out");
    late.says("/error/message", "stopped after 4 s");
    until("an end", || (project.status().text("/applications/0/busy") == "false").then_some(()));
}

#[test]
fn fault_50_a_workload_that_never_gets_ready_is_synced_and_not_healthy() {
    let project = Project::new();
    let name = &project.name;
    let stuck = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {name} }}\nspec:\n  selector: {{ matchLabels: {{ app: {name} }} }}\n  \
         template:\n    metadata: {{ labels: {{ app: {name} }} }}\n    spec:\n      nodeSelector: {{ no: such-node }}\n      \
         containers: [{{ name: c, image: \"registry.example.com/c:1\" }}]\n"
    );
    project.commit(&[("web.yaml", &stuck)]);
    project.create().expect("succeeded");
    let mut sync = project.app();
    sync["timeout_s"] = json!(6);
    let done = project.really("argo_sync", sync).expect("partial");
    assert_eq!(done.text("/error/code"), "timed_out");
    assert_eq!(done.text("/details/operation"), "Succeeded");
    assert_eq!(done.text("/details/sync"), "Synced");
    assert_eq!(done.text("/details/health"), "Progressing");
}

#[test]
fn a_manifest_that_the_cluster_refuses_fails_the_sync() {
    let project = Project::new();
    let bad = project.map("settings", "1").replace("settings", "Not_A_Name");
    project.commit(&[("map.yaml", &bad)]);
    project.create().expect("succeeded");
    let failed = project.sync();
    assert!(matches!(failed.text("/status").as_str(), "failed" | "partial"), "{:#}", failed.value);
    failed.says("/error/message", "Not_A_Name");
}

#[test]
fn bad_input_88_argo_cd_itself_refuses_what_is_outside_of_the_project() {
    let project = Project::new();
    let mut outside = project.creation();
    outside["dest_namespace"] = json!("closed");
    project.really("argo_create_app", outside).refused("policy_denied");
    let mut nowhere = project.creation();
    nowhere["path"] = json!("no-such-folder");
    let refused = project.really("argo_create_app", nowhere).refused("invalid_request");
    refused.says("/error/message", "app path does not exist");
    let mut secret = project.creation();
    secret["manifest_repo"] = json!("https://git.example.com/other.git");
    project.really("argo_create_app", secret).refused("policy_denied");
}

#[test]
fn bad_input_90_a_commit_that_is_not_there() {
    let project = Project::new();
    project.create().expect("succeeded");
    let mut sync = project.app();
    sync["revision"] = json!("0123456789012345678901234567890123456789");
    let refused = project.call("argo_sync", &sync);
    assert_eq!(refused.text("/succeeded"), "false", "{:#}", refused.value);
    assert!(!refused.text("/error/code").is_empty());
    sync["revision"] = json!("--force");
    assert_eq!(
        project.call("argo_sync", &sync).refused("invalid_request").text("/error/field"),
        "revision"
    );
}

#[test]
fn a_reader_sees_and_changes_nothing() {
    let lab = crate::harness::lab();
    let project = Project::new();
    project.create().expect("succeeded");
    let reader =
        Project::with(&Other { token: Some(&argocd(&lab).reader_token), ..Other::default() });
    let seen = reader.call("argo_app_status", &project.app());
    assert_eq!(seen.text("/applications/0/name"), project.name);
    let refused = reader.really("argo_sync", project.app()).refused("upstream_denied");
    refused.says("/error/message", "not found or not permitted");
    refused.says("/error/details/said", "permission denied");
    assert_eq!(project.value("settings"), None);
}

#[test]
fn bad_input_87_an_expired_token_and_one_that_argo_cd_did_not_sign() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    for (ends, part) in
        [(1_000_000_000, "has expired"), (4_000_000_000_i64, "does not take the token")]
    {
        let claims =
            json!({ "iss": "argocd", "sub": "proj:apps:deployer", "exp": ends }).to_string();
        let head = URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
        let token = format!("{head}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims));
        std::fs::write(&path, &token).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).unwrap();
        let project = Project::with(&Other { token: Some(&path), ..Other::default() });
        let refused = project.status().refused("upstream_denied");
        refused.says("/error/message", part);
        assert!(!refused.value.to_string().contains(&token));
    }
}

#[test]
fn another_authority_is_not_trusted() {
    let lab = crate::harness::lab();
    // The emulator speaks TLS by another authority than Argo CD's.
    let url = lab.aws.endpoint.replace("http://", "https://");
    let project = Project::with(&Other { url: Some(&url), ..Other::default() });
    let refused = project.status();
    assert!(refused.text("/error/code").starts_with("upstream"), "{:#}", refused.value);
}
