//! Clusters that a kubeconfig or the account of a pod leads to, with an account of least rights.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use xtask::lab::Lab;

use super::project::Project;
use crate::harness::{fresh, kubernetes, lab};

/// The file with the token of the product's account: it may edit one namespace and see three.
pub(super) fn token_file(lab: &Lab) -> PathBuf {
    kubernetes(lab).product_kubeconfig.with_file_name("product.token")
}

fn uid(lab: &Lab) -> String {
    let api = kubernetes(lab).as_admin().unwrap();
    let found = api.get("/api/v1/namespaces/kube-system").unwrap().unwrap();
    found["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A project whose kubeconfig has this user, beside a cluster that nobody is to come to.
fn by_kubeconfig(user: &str, more: &str) -> Project {
    by_kubeconfig_at(&kubernetes(&lab()).endpoint, user, more)
}

/// The same, with the API somewhere else.
pub(super) fn by_kubeconfig_at(endpoint: &str, user: &str, more: &str) -> Project {
    let project =
        Project::on(lab(), &format!("kubeconfig = \"kube.yaml\", context = \"aws-dev\"{more}"));
    let kubernetes = kubernetes(&project.lab);
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\nclusters:\n\
         - {{ name: other, cluster: {{ server: 'https://127.0.0.1:1' }} }}\n\
         - {{ name: lab, cluster: {{ server: '{}', certificate-authority: '{}' }} }}\n\
         contexts:\n- {{ name: other, context: {{ cluster: other, user: product }} }}\n\
         - {{ name: aws-dev, context: {{ cluster: lab, user: product, namespace: closed }} }}\n\
         users:\n- name: product\n  user: {user}\n",
        endpoint,
        kubernetes.ca.display(),
    );
    private(&project.folder().join("kube.yaml"), &text);
    project
}

/// From the first revision to none, and not beyond what the account may do.
fn comes_and_goes(project: &Project, context: bool) {
    let mut request = project.deployment(json!({}));
    let mut at = project.release_of();
    if !context {
        request.as_object_mut().unwrap().remove("kube_context");
        at.as_object_mut().unwrap().remove("kube_context");
    }
    let planned = project.call("helm_deploy", &request).expect("planned");
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    project.really("helm_deploy", plan).expect("succeeded");
    let status = project.call("helm_status", &at).value;
    assert_eq!(status["releases"][0]["status"], "deployed", "{status}");
    request["namespace"] = json!("closed");
    let refused = project.call("helm_deploy", &request).refused("upstream_denied");
    refused.says("/error/details/user", "system:serviceaccount:accounts:datamcp");
    project.really("helm_uninstall", at).expect("succeeded");
    let token = std::fs::read_to_string(token_file(&project.lab)).unwrap();
    assert!(!project.seen().contains(token.trim()), "promise 7: the token was answered");
    for entry in walkdir::WalkDir::new(project.state()) {
        let entry = entry.unwrap();
        let bytes =
            if entry.file_type().is_file() { std::fs::read(entry.path()).unwrap() } else { vec![] };
        let held = String::from_utf8_lossy(&bytes).contains(token.trim());
        assert!(!held, "promise 7: {} holds the token", entry.path().display());
    }
}

#[test]
fn a_release_by_a_plain_kubeconfig_with_a_file_and_with_a_token() {
    let lab = lab();
    let uid = format!(", uid = \"{}\"", uid(&lab));
    let file = token_file(&lab);
    comes_and_goes(&by_kubeconfig(&format!("{{ tokenFile: '{}' }}", file.display()), &uid), true);
    let token = std::fs::read_to_string(file).unwrap();
    comes_and_goes(&by_kubeconfig(&format!("{{ token: '{}' }}", token.trim()), ""), true);
}

#[test]
fn a_program_of_the_kubeconfig_runs_as_settings_spell_it_and_finds_its_own_settings() {
    let (lab, cluster) = (lab(), fresh("eks"));
    lab.emulator().create_eks_cluster(&cluster, &["datamcp:deployers"]).unwrap();
    let words = ["eks-token", "--cluster", &cluster, "--region", &lab.aws.region];
    let args = words.map(|word| format!("\"{word}\"")).join(", ");
    let program = env!("CARGO_BIN_EXE_datamcp");
    let user = |args: &str| {
        format!(
            "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1, command: \"{program}\", args: [{args}], interactiveMode: Never }} }}"
        )
    };
    let exec = format!(", exec = [\"{program}\", {args}]");
    let project = by_kubeconfig(&user(&args), &exec);
    // Where that program looks by itself: nothing of ours is handed to it.
    let keys = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        lab.aws.access_key_id, lab.aws.secret_access_key
    );
    project.write("home/.aws/credentials", &keys);
    project.call("helm_deploy", &project.deployment(json!({}))).expect("planned");
    let other = by_kubeconfig(&user(&format!("{args}, \"--profile=other\"")), &exec);
    let refused =
        other.call("helm_deploy", &other.deployment(json!({}))).refused("invalid_request");
    refused.says("/error/message", "another command");
    let none = by_kubeconfig(&user(&args), "");
    none.call("helm_status", &none.release_of()).refused("invalid_request");
}

#[test]
fn a_cluster_that_is_not_the_one_that_settings_mean_is_refused() {
    let file = token_file(&lab());
    let other = ", uid = \"00000000-0000-4000-8000-000000000000\"";
    let project = by_kubeconfig(&format!("{{ tokenFile: '{}' }}", file.display()), other);
    project.call("helm_deploy", &project.deployment(json!({}))).refused("wrong_identity");
    project.call("helm_status", &project.release_of()).refused("wrong_identity");
}

#[test]
fn a_token_that_the_cluster_does_not_take_is_told_with_whose_it_is() {
    let project = by_kubeconfig("{ token: not-a-token }", "");
    let refused =
        project.call("helm_deploy", &project.deployment(json!({}))).refused("upstream_denied");
    refused.says("/error/details/user", "user product of the kubeconfig by token");
    refused.says("/error/next", "renew");
}

#[test]
fn a_release_by_the_account_of_a_pod() {
    let mut project = Project::on(lab(), "in_cluster = true");
    let kubernetes = kubernetes(&project.lab);
    let refused = project.call("helm_deploy", &project.deployment(json!({})));
    refused.refused("invalid_request").says("/error/allowed", "KUBERNETES_SERVICE_HOST");
    let account = project.folder().join("serviceaccount");
    std::fs::create_dir(&account).unwrap();
    std::fs::copy(token_file(&project.lab), account.join("token")).unwrap();
    std::fs::copy(&kubernetes.ca, account.join("ca.crt")).unwrap();
    let (host, port) =
        kubernetes.endpoint.strip_prefix("https://").unwrap().split_once(':').unwrap();
    project.variables = vec![
        ("KUBERNETES_SERVICE_HOST", host.to_owned()),
        ("KUBERNETES_SERVICE_PORT", port.to_owned()),
        ("DATAMCP_SERVICE_ACCOUNT", account.display().to_string()),
    ];
    comes_and_goes(&project, false);
}
