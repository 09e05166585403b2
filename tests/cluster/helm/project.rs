//! A user's project of one test: settings with a cluster of its own name, a chart, the command line in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::lab::Lab;
use xtask::tools::Tool;

use crate::harness::{fresh, kubernetes, lab, until};

/// A project; its folder goes with it.
pub(crate) struct Project {
    pub(crate) lab: Lab,
    /// A release of its own: tests share the namespace.
    pub(crate) release: String,
    folder: TempDir,
    /// Further variables of its command line.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Every answer, for tests that look for something in all of them.
    seen: std::sync::Mutex<String>,
}

/// What the command line answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) code: Option<i32>,
    pub(crate) value: Value,
    err: String,
}

impl Answered {
    #[track_caller]
    pub(crate) fn expect(self, status: &str) -> Self {
        assert_eq!(self.text("/status"), status, "{:#}\n{}", self.value, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, code: &str) -> Self {
        assert_eq!(self.text("/error/code"), code, "{:#}\n{}", self.value, self.err);
        assert_ne!(self.code, Some(0), "{:#}", self.value);
        self
    }

    pub(crate) fn text(&self, at: &str) -> String {
        match self.value.pointer(at) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    #[track_caller]
    pub(crate) fn says(&self, at: &str, part: &str) {
        assert!(self.text(at).contains(part), "{at}: no {part:?} in {:#}", self.value);
    }
}

/// Renders a map, a secret and a workload. `stuck` keeps its pods from ever being ready.
pub(crate) const TEMPLATE: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { size: "{{ .Values.size }}", random: "{{ if .Values.random }}{{ randAlphaNum 8 }}{{ end }}" }
---
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }} }
stringData: { password: "{{ .Values.password }}" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      {{- if .Values.stuck }}
      nodeSelector: { no: such-node }
      {{- end }}
      containers:
        - name: web
          image: "registry.example.com/web:{{ .Values.tag }}"
          env: [{ name: PASSWORD, value: "{{ .Values.password }}" }]
"#;

const SCHEMA: &str = r#"{ "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
  "properties": { "replicas": { "type": "integer", "minimum": 0 } } }"#;

impl Project {
    /// A project whose cluster lets it into the namespace that the lab keeps for the product.
    pub(crate) fn new() -> Self {
        Self::with(&["datamcp:deployers"], "")
    }

    /// Whose helm is of the third line.
    pub(crate) fn by_helm_3() -> Self {
        let project = Self::new();
        let place = project.folder().join("datamcp.toml");
        let settings = std::fs::read_to_string(place).unwrap();
        let four = kubernetes(&project.lab).helm.display().to_string();
        let three = Tool::Helm3.provide().unwrap().path.display().to_string();
        project.write("datamcp.toml", &settings.replace(&four, &three));
        project
    }

    /// With these groups behind its identity, and these further settings of the cluster.
    pub(crate) fn with(groups: &[&str], cluster: &str) -> Self {
        let (lab, name) = (lab(), fresh("eks"));
        lab.emulator().create_eks_cluster(&name, groups).unwrap();
        Self::on(lab, &format!("name = \"{name}\"{cluster}"))
    }

    /// On a cluster that settings say in these words.
    pub(crate) fn on(lab: Lab, cluster: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("dm").tempdir().unwrap();
        let (release, seen, variables) = (fresh("web"), std::sync::Mutex::default(), vec![]);
        let project = Self { lab, release, folder, variables, seen };
        project.write("datamcp.toml", &project.settings(cluster));
        project.write("infra/aws/envs/dev/main.tf", "terraform {\n  backend \"local\" {}\n}\n");
        project.write("helm/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        project.write(
            "helm/charts/web/values.yaml",
            "size: 1\nreplicas: 1\ntag: \"1\"\npassword: \"\"\nstuck: false\nrandom: false\n",
        );
        project.write("helm/charts/web/values.schema.json", SCHEMA);
        project.write("helm/charts/web/templates/all.yaml", TEMPLATE);
        project.write("helm/charts/web/templates/NOTES.txt", "password: {{ .Values.password }}\n");
        project
    }

    fn settings(&self, cluster: &str) -> String {
        let user = rustix::process::getuid().as_raw();
        let user = nix::unistd::User::from_uid(user.into()).unwrap().unwrap().name;
        let (lab, kubernetes) = (&self.lab, kubernetes(&self.lab));
        format!(
            "project = \"test\"\n[helm]\nbinary = \"{helm}\"\n[terraform]\nbinary = \"{terraform}\"\n\
             provider_mirror = \"{mirror}\"\n[aws]\nendpoint_url = \"{endpoint}\"\n\
             [environments.aws.dev]\ntier = \"dev\"\naccount_id = \"{account}\"\nregion = \"{region}\"\n\
             state = {{ backend = \"local\", path = \"state/terraform.tfstate\" }}\n\
             cluster = {{ {cluster} }}\n\
             [tiers.dev]\nauto_approve = [\"create\", \"update\", \"replace\", \"delete\"]\n\
             [principals.agent]\nos_user = \"{user}\"\nroles = [\"change\", \"destroy\"]\n",
            helm = kubernetes.helm.display(),
            terraform = lab.terraform.path.display(),
            mirror = lab.terraform.provider_mirror.display(),
            endpoint = lab.aws.endpoint,
            account = lab.aws.account_id,
            region = lab.aws.region,
        )
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, place: &str, text: &str) {
        let path = self.folder().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder().join("xdg/datamcp/test")
    }

    pub(crate) fn cli(&self, arguments: &[&str], input: &str) -> Answered {
        let folder = |name: &str| self.folder().join(name);
        let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
        let [stdin, stdout, stderr] = pipes;
        let mut child = Command::new(env!("CARGO_BIN_EXE_datamcp"))
            .arg("--config")
            .arg(folder("datamcp.toml"))
            .arg("--json")
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", folder("home"))
            .env("XDG_STATE_HOME", folder("xdg"))
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("AWS_ACCESS_KEY_ID", &self.lab.aws.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.lab.aws.secret_access_key)
            // What would lead a careless child elsewhere.
            .env("HELM_NAMESPACE", "closed")
            .env("HELM_KUBEAPISERVER", "https://127.0.0.1:1")
            .env("KUBECONFIG", "/nowhere")
            .envs(self.variables.iter().cloned())
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut seen = self.seen.lock().unwrap();
        seen.push_str(&out);
        seen.push_str(&err);
        Answered {
            code: output.status.code(),
            value: serde_json::from_str(&out).unwrap_or_default(),
            err,
        }
    }

    /// Everything that was ever answered.
    pub(crate) fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn call(&self, tool: &str, request: &Value) -> Answered {
        self.cli(&["call", tool, "--request", "-"], &request.to_string())
    }

    /// The request that deploys the project's chart with these values.
    pub(crate) fn deployment(&self, values: impl Into<Value>) -> Value {
        let values: Value = values.into();
        json!({
            "kube_context": "aws-dev", "chart_path": "helm/charts/web", "namespace": "apps",
            "release": self.release, "values": values, "timeout_s": 60, "wait_s": 300,
        })
    }

    pub(crate) fn release_of(&self) -> Value {
        json!({ "kube_context": "aws-dev", "namespace": "apps", "release": self.release })
    }

    /// Plans and carries out, approved by the requester.
    pub(crate) fn really(&self, tool: &str, mut request: Value) -> Answered {
        request["dry_run"] = json!(false);
        request["auto_approve"] = json!(true);
        if request.get("wait_s").is_none() {
            request["wait_s"] = json!(300);
        }
        self.call(tool, &request)
    }

    pub(crate) fn deploy(&self, values: Value) -> Answered {
        self.really("helm_deploy", self.deployment(values))
    }

    pub(crate) fn status(&self) -> Value {
        self.call("helm_status", &self.release_of()).value
    }

    /// Starts a deployment that never gets ready, and waits until helm works on it. Its operation, and helm's process.
    pub(crate) fn hanging(&self) -> (String, i32) {
        self.hanging_in("aws-dev")
    }

    /// The same in the cluster of another context.
    pub(crate) fn hanging_in(&self, context: &str) -> (String, i32) {
        let mut request = self.deployment(json!({ "stuck": true, "tag": "2" }));
        request["kube_context"] = json!(context);
        request["wait_s"] = json!(0);
        request["timeout_s"] = json!(240);
        let id = self.really("helm_deploy", request).expect("running").text("/operation_id");
        let pid = self.started(&id);
        (id, pid)
    }

    /// Has a deployment that hangs get ready once there is a node of the release's name ([`node_for`]).
    ///
    /// [`node_for`]: crate::harness::node_for
    pub(crate) fn waits_for_a_node(&self) {
        let place = "lab/for: {{ .Release.Name }} }\n      tolerations: [{ key: lab/for, operator: Exists }]\n";
        let template = TEMPLATE.replace("no: such-node }\n", place);
        assert_ne!(template, TEMPLATE);
        self.write("helm/charts/web/templates/all.yaml", &template);
    }

    /// Waits until an operation's helm was started; its process.
    pub(crate) fn started(&self, id: &str) -> i32 {
        let journal = self.state().join("runs").join(id).join("journal.jsonl");
        until("a helm that was started", || {
            let text = std::fs::read_to_string(&journal).unwrap_or_default();
            assert!(!text.contains("\"ended\""), "it has ended: {:#}", self.end(id).value);
            let line = text.lines().find(|line| line.contains("\"child\""))?.to_owned();
            let line: Value = serde_json::from_str(&line).ok()?;
            i32::try_from(line["body"]["pid"].as_i64()?).ok()
        })
    }

    /// How an operation ended.
    pub(crate) fn end(&self, id: &str) -> Answered {
        self.call("get_operation", &json!({ "id": id, "wait_s": 300 }))
    }

    /// How the release's first revision stands, by what helm keeps of it in the cluster.
    pub(crate) fn first_revision(&self) -> String {
        let name = format!("sh.helm.release.v1.{}.v1", self.release);
        let path = format!("/api/v1/namespaces/apps/secrets/{name}");
        let kept = kubernetes(&self.lab).as_admin().unwrap().get(&path).unwrap().unwrap();
        kept["metadata"]["labels"]["status"].as_str().unwrap().to_owned()
    }

    /// An object in the cluster, seen by its administrator.
    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        let path = format!("{path}/{}", self.release);
        kubernetes(&self.lab).as_admin().unwrap().get(&path).unwrap()
    }
}
