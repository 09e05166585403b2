//! `datamcp eks-token`: its tokens pass a check that recomputes the signature with another program, and only where
//! the cluster has an entry for whoever signed them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use xtask::lab::Lab;

use crate::harness::{fresh, kubernetes, lab};

/// A user's shell: an empty home, and the emulator's keys.
struct Shell {
    home: TempDir,
    secret: String,
    exec_info: Option<&'static str>,
}

impl Shell {
    fn new(lab: &Lab) -> Self {
        let secret = lab.aws.secret_access_key.clone();
        Self { home: tempfile::tempdir().unwrap(), secret, exec_info: None }
    }

    fn run(&self, lab: &Lab, cluster: &str) -> Output {
        self.run_with(lab, cluster, &[])
    }

    fn run_with(&self, lab: &Lab, cluster: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datamcp"));
        command
            .args(["eks-token", "--cluster", cluster, "--region", &lab.aws.region])
            .args(more)
            .current_dir(self.home.path())
            .env_clear()
            .envs(self.variables(lab));
        command.output().unwrap()
    }

    fn variables(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("HOME", self.home.path().display().to_string()),
            ("AWS_ACCESS_KEY_ID", lab.aws.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        variables.extend(self.exec_info.map(|info| ("KUBERNETES_EXEC_INFO", info.to_owned())));
        variables
    }

    #[track_caller]
    fn answer(&self, lab: &Lab, cluster: &str) -> Value {
        let output = self.run(lab, cluster);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn token(&self, lab: &Lab, cluster: &str) -> String {
        self.answer(lab, cluster)["status"]["token"].as_str().unwrap().to_owned()
    }
}

/// What the API server says to a token.
fn ask(lab: &Lab, token: &str, path: &str) -> Result<Value, String> {
    let api = kubernetes(lab).by_token(token).unwrap();
    api.get(path).map(Option::unwrap_or_default).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(lab: &Lab, token: &str, path: &str, status: &str) {
    let error = ask(lab, token, path).unwrap_err();
    assert!(error.contains(status), "{error}");
}

const PODS: &str = "/api/v1/namespaces/apps/pods";

#[test]
fn a_token_is_let_in_with_the_groups_of_its_entry() {
    let (lab, cluster) = (lab(), fresh("eks"));
    lab.emulator().create_eks_cluster(&cluster, &["datamcp:deployers"]).unwrap();
    let token = Shell::new(&lab).token(&lab, &cluster);
    ask(&lab, &token, PODS).unwrap();
    refused(&lab, &token, "/api/v1/namespaces/closed/pods", "status 403");
}

#[test]
fn without_an_entry_nobody_is_let_in() {
    let (lab, cluster) = (lab(), fresh("eks"));
    lab.emulator().create_eks_cluster(&cluster, &[]).unwrap();
    let token = Shell::new(&lab).token(&lab, &cluster);
    refused(&lab, &token, PODS, "status 401");
}

#[test]
fn a_token_is_worth_nothing_with_another_secret_or_for_another_cluster() {
    let (lab, cluster) = (lab(), fresh("eks"));
    lab.emulator().create_eks_cluster(&cluster, &["datamcp:deployers"]).unwrap();
    let thief = Shell { secret: "another".to_owned(), ..Shell::new(&lab) };
    refused(&lab, &thief.token(&lab, &cluster), PODS, "status 401");
    let elsewhere = Shell::new(&lab).token(&lab, &fresh("no-such-cluster"));
    refused(&lab, &elsewhere, PODS, "status 401");
    let mut changed = Shell::new(&lab).token(&lab, &cluster);
    // Inside of the signature: the last character of base64 may hold bits that mean nothing.
    let place = changed.len() - 20;
    let other = if &changed[place..=place] == "A" { "B" } else { "A" };
    changed.replace_range(place..=place, other);
    refused(&lab, &changed, PODS, "status 401");
}

#[test]
fn a_token_for_a_role_comes_in_as_the_role_and_not_as_whoever_asked() {
    let (lab, cluster) = (lab(), fresh("eks"));
    let role = format!("arn:aws:iam::{}:role/{}", lab.aws.account_id, fresh("deployer"));
    lab.emulator().create_eks_cluster(&cluster, &[]).unwrap();
    lab.emulator().enter_eks_cluster(&cluster, &role, &["datamcp:deployers"]).unwrap();
    let shell = Shell::new(&lab);
    let as_role = ["--role-arn", role.as_str(), "--endpoint-url", lab.aws.endpoint.as_str()];
    let output = shell.run_with(&lab, &cluster, &as_role);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let token = answer["status"]["token"].as_str().unwrap();
    ask(&lab, token, PODS).unwrap();
    refused(&lab, token, "/api/v1/namespaces/closed/pods", "status 403");
    // The user who assumed the role has no entry, and its token is not the role's from the cache.
    refused(&lab, &shell.token(&lab, &cluster), PODS, "status 401");
    let other = ["--role-arn", "arn:aws:iam::123456789012:role/nobody", as_role[2], as_role[3]];
    let output = shell.run_with(&lab, &cluster, &other);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    refused(&lab, answer["status"]["token"].as_str().unwrap(), PODS, "status 401");
    let bad = shell.run_with(&lab, &cluster, &["--role-arn", "arn:aws:s3:::x"]);
    assert!(!bad.status.success());
    assert!(String::from_utf8_lossy(&bad.stderr).contains("role_arn"));
}

#[test]
fn a_token_is_kept_for_its_owner_and_answered_in_the_version_asked_for() {
    let (lab, cluster) = (lab(), fresh("eks"));
    let mut shell = Shell::new(&lab);
    let first = shell.answer(&lab, &cluster);
    assert_eq!(first["apiVersion"], "client.authentication.k8s.io/v1");
    shell.exec_info = Some(r#"{"apiVersion":"client.authentication.k8s.io/v1beta1"}"#);
    let second = shell.answer(&lab, &cluster);
    assert_eq!(second["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert_eq!(first["status"], second["status"]);
    let folder = shell.home.path().join(".cache/datamcp/eks");
    let kept: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(kept.len(), 1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept[0].as_ref().unwrap().path()), 0o600);
}

#[test]
fn helm_comes_in_by_the_exec_plugin() {
    let (lab, cluster) = (lab(), fresh("eks"));
    let kubernetes = kubernetes(&lab);
    lab.emulator().create_eks_cluster(&cluster, &["datamcp:deployers"]).unwrap();
    let shell = Shell::new(&lab);
    for version in ["v1", "v1beta1"] {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: '{}', certificate-authority: '{}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             users:\n- name: u\n  user:\n    exec:\n      \
             apiVersion: client.authentication.k8s.io/{version}\n      command: '{}'\n      \
             args: [eks-token, --cluster, {cluster}, --region, {}]\n      interactiveMode: Never\n",
            kubernetes.endpoint,
            kubernetes.ca.display(),
            env!("CARGO_BIN_EXE_datamcp"),
            lab.aws.region,
        );
        let file = shell.home.path().join("kubeconfig");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let output = Command::new(&kubernetes.helm)
            .args(["list", "--namespace", "apps", "--output", "json", "--kubeconfig"])
            .arg(&file)
            .env_clear()
            .envs(shell.variables(&lab))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap();
    }
}
