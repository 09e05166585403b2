//! `generate_kubeconfig`: what it writes lets kubectl, helm and the Rust client in, started by hand.

use std::process::{Command, Output};

use serde_json::{Value, json};
use xtask::tools::Tool;

use crate::harness::kubernetes;
use crate::helm::project::Project;

/// A user's shell beside the project.
fn by_hand(project: &Project, program: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(project.folder())
        .env_clear()
        .env("HOME", project.folder().join("home"))
        .env("KUBECONFIG", project.folder().join("kubeconfig"))
        .env("AWS_ACCESS_KEY_ID", &project.lab.aws.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &project.lab.aws.secret_access_key)
        .output()
        .unwrap()
}

#[track_caller]
fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn kubectl_helm_and_the_rust_client_by_hand_come_in_with_the_generated_kubeconfig() {
    let project = Project::new();
    let foreign = "# mine\napiVersion: v1\nkind: Config\ncurrent-context: old\nclusters:\n\
                   - name: old\n  cluster: {server: 'https://127.0.0.1:1'}\n\
                   contexts:\n- name: old\n  context: {cluster: old, user: old}\n\
                   users:\n- name: old\n  user: {token: canary-51d0}\n";
    project.write("kubeconfig", foreign);
    let request = json!({ "cloud": "aws", "env": "dev", "path": "kubeconfig" });
    let answer = project.call("generate_kubeconfig", &request);
    let kubernetes = kubernetes(&project.lab);
    assert_eq!(answer.text("/context"), "aws-dev", "{:#}", answer.value);
    assert_eq!(answer.text("/endpoint"), kubernetes.endpoint);
    let text = std::fs::read_to_string(project.folder().join("kubeconfig")).unwrap();
    for line in foreign.lines() {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    let pods =
        ["kubectl", "--context", "aws-dev", "get", "pods", "--namespace", "apps", "-o", "json"];
    let seen: Value =
        serde_json::from_str(&good(&by_hand(&project, &kubernetes.kubelab, &pods))).unwrap();
    assert_eq!(seen["kind"], "List");
    let closed = ["kubectl", "--context", "aws-dev", "get", "pods", "--namespace", "closed"];
    let refused = by_hand(&project, &kubernetes.kubelab, &closed);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Forbidden"), "{refused:?}");
    let releases = ["list", "--kube-context", "aws-dev", "--namespace", "apps", "--output", "json"];
    good(&by_hand(&project, &kubernetes.helm, &releases));
    // The Rust client reads the same file; on a cluster it knows nothing but that.
    let rust = Tool::KubeClient.provide().unwrap().path;
    let list = |namespace: &str| {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        by_hand(&project, &rust, &["kubeconfig", "aws-dev", &path])
    };
    let seen: Value = serde_json::from_str(&good(&list("apps"))).unwrap();
    assert_eq!(seen["kind"], "PodList");
    let refused = list("closed");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Forbidden"), "{refused:?}");
    let current = ["kubectl", "config", "current-context"];
    assert_eq!(good(&by_hand(&project, &kubernetes.kubelab, &current)).trim(), "old");
    let again = project.call("generate_kubeconfig", &request);
    assert_eq!(again.value["changed"], false, "{:#}", again.value);
    let absent =
        json!({ "cloud": "aws", "env": "dev", "path": "kubeconfig", "cluster": "no-such" });
    project.call("generate_kubeconfig", &absent).refused("invalid_request");
    assert!(!project.seen().contains("canary-51d0"));
}
