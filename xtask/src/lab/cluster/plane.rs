//! The control plane: etcd, API server, controllers, scheduler, a node without a machine, and the check of EKS tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::api::Api;
use super::authority::{Authority, Signed, write_private};
use super::process::{Process, Processes};
use super::{Kubernetes, NAMESPACE, Programs, Steps};
use crate::lab::Aws;
use crate::lab::ports::Ports;

const ACCESS: &str = include_str!("../../../../tests/lab/cluster/access.yaml");
const NODE: &str = include_str!("../../../../tests/lab/cluster/node.yaml");
const HOOK_STAGE: &str = include_str!("../../../../tests/lab/cluster/hook-stage.yaml");
const EKS_TOKENS: &str = include_str!("../../../../tests/lab/python/eks_tokens.py");

/// A control plane that runs.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) api: Api,
    pub(super) authority: Authority,
    pub(super) endpoint: String,
    pub(super) ports: Ports,
    admin_kubeconfig: PathBuf,
    product_kubeconfig: PathBuf,
}

pub(super) fn start(
    programs: &Programs,
    aws: &Aws,
    folder: &Path,
    processes: &mut Processes,
    steps: &mut Steps,
) -> Result<Plane> {
    let authority = Authority::new(&folder.join("certificates"))?;
    let mut ports = Ports::new();
    let server = authority.server("server")?;
    let endpoint = format!("https://127.0.0.1:{}", ports.take()?);
    let start = Start { programs, folder, authority: &authority, server: &server };

    let etcd = start.etcd(processes, &mut ports)?;
    let review = start.token_review(processes, &mut ports, aws)?;
    start.api_server(processes, &endpoint, &etcd, &review)?;
    let admin = authority.client("admin", "lab:admin", Some("system:masters"))?;
    let api = Api::new(&endpoint, &authority.path(), Some(&admin))?;
    processes.wait("the API server", || Ok(api.get("/readyz")?.map(drop)))?;
    steps.done("API server ready");

    start.controllers(processes, &mut ports, &endpoint)?;
    start.node(processes, &mut ports, &endpoint)?;
    api.apply(NODE)?;
    api.apply(ACCESS)?;
    let admin_kubeconfig = start.kubeconfig("admin", &endpoint, &by_certificate(&admin))?;
    let token = processes.wait("the product's account", || account_token(&api, "datamcp"))?;
    let token_file = folder.join("product.token");
    write_private(&token_file, token.as_bytes())?;
    let user = format!("tokenFile: {}", quoted(&token_file));
    let product_kubeconfig = start.kubeconfig("product", &endpoint, &user)?;
    processes.wait("a node that takes pods", || node_is_ready(&api))?;
    processes.wait("the namespace's default account", || {
        Ok(api.get("/api/v1/namespaces/apps/serviceaccounts/default")?.map(drop))
    })?;
    steps.done("node ready");
    Ok(Plane { api, authority, endpoint, ports, admin_kubeconfig, product_kubeconfig })
}

impl Plane {
    pub(super) fn describe(self, programs: &Programs, processes: Vec<Process>) -> Kubernetes {
        Kubernetes {
            endpoint: self.endpoint,
            ca: self.authority.path(),
            admin_kubeconfig: self.admin_kubeconfig,
            product_kubeconfig: self.product_kubeconfig,
            namespace: NAMESPACE.to_owned(),
            version: programs.kubelab.version.clone(),
            helm: programs.helm.path.clone(),
            kubelab: programs.kubelab.path.clone(),
            processes,
        }
    }

    /// A kubeconfig for a part of the lab that comes as `user`.
    pub(super) fn kubeconfig(&self, name: &str, user: &str, folder: &Path) -> Result<PathBuf> {
        let client = self.authority.client(name, user, None)?;
        let ca = self.authority.path();
        write_kubeconfig(folder, name, &self.endpoint, &ca, &by_certificate(&client))
    }
}

/// What every part is started from.
struct Start<'a> {
    programs: &'a Programs,
    folder: &'a Path,
    authority: &'a Authority,
    server: &'a Signed,
}

impl Start<'_> {
    fn etcd(&self, processes: &mut Processes, ports: &mut Ports) -> Result<String> {
        let url = format!("https://127.0.0.1:{}", ports.take()?);
        let peer = format!("https://127.0.0.1:{}", ports.take()?);
        let mut command = self.component("etcd");
        command
            .arg(flag("data-dir", self.folder.join("etcd")))
            .args([format!("--listen-client-urls={url}"), format!("--advertise-client-urls={url}")])
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=default={peer}"))
            // The lab's data need not survive the machine.
            .args(["--unsafe-no-fsync", "--log-level=warn"]);
        for (cert, key, ca, only) in [
            ("cert-file", "key-file", "trusted-ca-file", "--client-cert-auth"),
            ("peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "--peer-client-cert-auth"),
        ] {
            command
                .arg(flag(cert, &self.server.certificate))
                .arg(flag(key, &self.server.key))
                .arg(flag(ca, self.authority.path()))
                .arg(only);
        }
        processes.start("etcd", command)?;
        Ok(url)
    }

    /// Starts what the API server asks about tokens; returns the kubeconfig by which it is asked.
    fn token_review(
        &self,
        processes: &mut Processes,
        ports: &mut Ports,
        aws: &Aws,
    ) -> Result<PathBuf> {
        let port = ports.take()?;
        let program = self.folder.join("eks_tokens.py");
        fs::write(&program, EKS_TOKENS).context("writing the check of EKS tokens")?;
        let settings = json!({
            "port": port,
            "certificate": self.server.certificate,
            "key": self.server.key,
            "authority": self.authority.path(),
            "emulator": aws.endpoint,
            "region": aws.region,
            "access_key_id": aws.access_key_id,
            "secret_access_key": aws.secret_access_key,
        });
        let file = self.folder.join("eks_tokens.json");
        write_private(&file, settings.to_string().as_bytes())?;
        let mut command = Command::new(&self.programs.python);
        command.arg(program).arg(file).env("PYTHONUNBUFFERED", "1");
        processes.start("eks-tokens", command)?;
        let client = self.authority.client("api-server", "kube-apiserver", None)?;
        let url = format!("https://127.0.0.1:{port}/review");
        self.kubeconfig("eks-tokens", &url, &by_certificate(&client))
    }

    fn api_server(
        &self,
        processes: &mut Processes,
        endpoint: &str,
        etcd: &str,
        review: &Path,
    ) -> Result<()> {
        let (accounts, public) = self.authority.bare_key("accounts")?;
        let client = self.authority.client("etcd-client", "kube-apiserver", None)?;
        let port = endpoint.rsplit(':').next().unwrap_or_default();
        let mut command = self.component("kube-apiserver");
        command
            .arg(format!("--etcd-servers={etcd}"))
            .arg(flag("etcd-cafile", self.authority.path()))
            .arg(flag("etcd-certfile", &client.certificate))
            .arg(flag("etcd-keyfile", &client.key))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg(format!("--secure-port={port}"))
            .arg("--endpoint-reconciler-type=none")
            .args(self.serving())
            .arg(flag("client-ca-file", self.authority.path()))
            .args(["--anonymous-auth=false", "--authorization-mode=RBAC"])
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(flag("service-account-key-file", &public))
            .arg(flag("service-account-signing-key-file", &accounts))
            .arg("--service-cluster-ip-range=10.96.0.0/16")
            .arg(flag("authentication-token-webhook-config-file", review))
            .arg("--authentication-token-webhook-version=v1")
            // An answer is not kept for longer than a test can wait.
            .arg("--authentication-token-webhook-cache-ttl=1s");
        processes.start("kube-apiserver", command)
    }

    fn controllers(
        &self,
        processes: &mut Processes,
        ports: &mut Ports,
        endpoint: &str,
    ) -> Result<()> {
        for name in ["kube-controller-manager", "kube-scheduler"] {
            let client = self.authority.client(name, &format!("system:{name}"), None)?;
            let kubeconfig = self.kubeconfig(name, endpoint, &by_certificate(&client))?;
            let mut command = self.component(name);
            command
                .arg(flag("kubeconfig", kubeconfig))
                .args(["--leader-elect=false", "--bind-address=127.0.0.1"])
                .arg(format!("--secure-port={}", ports.take()?))
                .args(self.serving());
            if name == "kube-controller-manager" {
                let key = self.folder.join("certificates/accounts.key");
                command
                    .arg(flag("service-account-private-key-file", key))
                    .arg(flag("root-ca-file", self.authority.path()))
                    .arg("--use-service-account-credentials");
            }
            processes.start(name, command)?;
        }
        Ok(())
    }

    fn node(&self, processes: &mut Processes, ports: &mut Ports, endpoint: &str) -> Result<()> {
        let client = self.authority.client("kwok", "lab:kwok", Some("system:masters"))?;
        let kubeconfig = self.kubeconfig("kwok", endpoint, &by_certificate(&client))?;
        let port = ports.take()?;
        let mut command = Command::new(&self.programs.kwok.path);
        command
            .arg(flag("config", self.stages()?))
            .arg(flag("kubeconfig", kubeconfig))
            .args(["--manage-all-nodes", "--cidr=10.244.0.1/16", "--node-ip=127.0.0.1"])
            .arg("--node-lease-duration-seconds=40")
            .arg(format!("--node-port={port}"))
            .arg(format!("--server-address=127.0.0.1:{port}"))
            .args(self.serving());
        processes.start("kwok", command)
    }

    /// One file with all stages: those that KWOK publishes, and ours.
    fn stages(&self) -> Result<PathBuf> {
        let program = &self.programs.kwok.path;
        let tool = program.parent().and_then(Path::parent).context("the place of kwok")?;
        let mut files: Vec<PathBuf> = fs::read_dir(tool.join("share"))
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .context("reading KWOK's stages")?;
        files.sort();
        let mut text = HOOK_STAGE.to_owned();
        for file in files {
            let stage =
                fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            text.push_str("---\n");
            text.push_str(&stage);
        }
        let place = self.folder.join("stages.yaml");
        fs::write(&place, text).context("writing KWOK's stages")?;
        Ok(place)
    }

    fn component(&self, name: &str) -> Command {
        let mut command = Command::new(&self.programs.kubelab.path);
        command.arg(name).current_dir(self.folder);
        command
    }

    fn serving(&self) -> [String; 2] {
        [
            flag("tls-cert-file", &self.server.certificate),
            flag("tls-private-key-file", &self.server.key),
        ]
    }

    fn kubeconfig(&self, name: &str, endpoint: &str, user: &str) -> Result<PathBuf> {
        write_kubeconfig(self.folder, name, endpoint, &self.authority.path(), user)
    }
}

/// A token of one of the lab's accounts; nothing while the account is being made.
pub(super) fn account_token(api: &Api, account: &str) -> Result<Option<String>> {
    let path = format!("/api/v1/namespaces/accounts/serviceaccounts/{account}/token");
    let week = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "expirationSeconds": 7 * 24 * 3600 },
    });
    let answer = api.post(&path, &week)?;
    Ok(answer.pointer("/status/token").and_then(|token| token.as_str()).map(str::to_owned))
}

/// Ready, and without the taint that a new node has.
fn node_is_ready(api: &Api) -> Result<Option<()>> {
    let Some(node) = api.get("/api/v1/nodes/lab-node")? else { return Ok(None) };
    let conditions = node.pointer("/status/conditions").and_then(|list| list.as_array());
    let ready = conditions.into_iter().flatten().any(|condition| {
        condition.get("type").is_some_and(|kind| kind == "Ready")
            && condition.get("status").is_some_and(|status| status == "True")
    });
    let tainted = node.pointer("/spec/taints").is_some();
    Ok((ready && !tainted).then_some(()))
}

fn write_kubeconfig(
    folder: &Path,
    name: &str,
    endpoint: &str,
    ca: &Path,
    user: &str,
) -> Result<PathBuf> {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters:\n- name: lab\n  cluster:\n    \
         server: {endpoint}\n    certificate-authority: {}\nusers:\n- name: {name}\n  user:\n    \
         {user}\ncontexts:\n- name: lab\n  context:\n    cluster: lab\n    user: {name}\n",
        quoted(ca)
    );
    let file = folder.join(format!("{name}.kubeconfig"));
    write_private(&file, text.as_bytes())?;
    Ok(file)
}

fn by_certificate(client: &Signed) -> String {
    format!(
        "client-certificate: {}\n    client-key: {}",
        quoted(&client.certificate),
        quoted(&client.key)
    )
}

/// A path as a YAML string.
fn quoted(path: &Path) -> String {
    json!(path).to_string()
}

fn flag(name: &str, path: impl AsRef<Path>) -> String {
    format!("--{name}={}", path.as_ref().display())
}
