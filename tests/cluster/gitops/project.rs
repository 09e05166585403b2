//! A user's project of one test: settings with the lab's Argo CD, a folder in its repository, the command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::lab::Lab;

use crate::harness::{argocd, fresh, kubernetes, lab};

/// The lab has one repository, and git lets one commit at a time.
static COMMITS: Mutex<()> = Mutex::new(());

/// A project; its folder goes with it.
pub(crate) struct Project {
    pub(crate) lab: Lab,
    /// An application of its own, and the name of its objects: tests share the namespace.
    pub(crate) name: String,
    folder: TempDir,
}

/// What the command line answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) value: Value,
    code: Option<i32>,
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

    pub(crate) fn code(&self) -> Option<i32> {
        self.code
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

/// What differs from the lab's own way in.
#[derive(Default)]
pub(crate) struct Other<'a> {
    pub(crate) url: Option<&'a str>,
    pub(crate) token: Option<&'a Path>,
    pub(crate) auto_approve: Option<&'a str>,
}

impl Project {
    pub(crate) fn new() -> Self {
        Self::with(&Other::default())
    }

    pub(crate) fn with(other: &Other<'_>) -> Self {
        let folder = tempfile::Builder::new().prefix("dm").tempdir().unwrap();
        let project = Self { lab: lab(), name: fresh("app"), folder };
        let text = project.settings(other);
        std::fs::write(project.folder().join("datamcp.toml"), text).unwrap();
        let root = project.folder().join("infra/aws/envs/dev");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("main.tf"), "terraform {\n  backend \"local\" {}\n}\n").unwrap();
        project.commit(&[("map.yaml", &project.map("settings", "1"))]);
        project
    }

    fn settings(&self, other: &Other<'_>) -> String {
        let user = rustix::process::getuid().as_raw();
        let user = nix::unistd::User::from_uid(user.into()).unwrap().unwrap().name;
        let (lab, argocd) = (&self.lab, argocd(&self.lab));
        format!(
            "project = \"test\"\n[aws]\nendpoint_url = \"{endpoint}\"\n\
             [argocd.main]\nurl = \"{url}\"\ntoken = \"file:{token}\"\nca = \"{ca}\"\n\
             [environments.aws.dev]\ntier = \"dev\"\naccount_id = \"{account}\"\nregion = \"{region}\"\n\
             state = {{ backend = \"local\", path = \"state/terraform.tfstate\" }}\n\
             argocd = {{ server = \"main\", project = \"{project}\", destination = \"{destination}\", repos = [\"{repository}\"] }}\n\
             [tiers.dev]\nauto_approve = [{auto}]\n\
             [principals.agent]\nos_user = \"{user}\"\nroles = [\"change\", \"destroy\"]\n",
            endpoint = lab.aws.endpoint,
            url = other.url.unwrap_or(&argocd.url),
            token = other.token.unwrap_or(&argocd.project_token).display(),
            ca = argocd.ca.display(),
            account = lab.aws.account_id,
            region = lab.aws.region,
            project = argocd.project,
            destination = kubernetes(lab).endpoint,
            repository = self.repository(),
            auto = other.auto_approve.unwrap_or("\"create\", \"update\", \"replace\", \"delete\""),
        )
    }

    /// Writes the settings anew, with these at the end.
    pub(crate) fn configure(&self, more: &str) {
        let text = self.settings(&Other::default()) + more;
        std::fs::write(self.folder().join("datamcp.toml"), text).unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn repository(&self) -> String {
        format!("file://{}", argocd(&self.lab).repository.display())
    }

    /// A config map of this test.
    pub(crate) fn map(&self, what: &str, value: &str) -> String {
        let name = &self.name;
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}-{what} }}\ndata: {{ value: \"{value}\" }}\n"
        )
    }

    /// Puts these files, and no others, into the test's folder of the repository. Returns the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        let _one: MutexGuard<'_, ()> = COMMITS.lock().unwrap_or_else(PoisonError::into_inner);
        let repository: &PathBuf = &argocd(&self.lab).repository;
        let folder = repository.join(&self.name);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .current_dir(repository)
                .args(["-c", "user.name=test", "-c", "user.email=test@example.com"])
                .args(arguments)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["add", "--all", &self.name]);
        git(&["commit", "--quiet", "--allow-empty", "--message=Another state"]);
        git(&["rev-parse", "HEAD"])
    }

    /// What the command line finds set.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let folder = |name: &str| self.folder().join(name).display().to_string();
        let all = [
            ("HOME", folder("home")),
            ("XDG_STATE_HOME", folder("xdg")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("AWS_ACCESS_KEY_ID", self.lab.aws.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.lab.aws.secret_access_key.clone()),
        ];
        all.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datamcp"));
        command
            .arg("--config")
            .arg(self.folder().join("datamcp.toml"))
            .current_dir(self.folder())
            .env_clear()
            .envs(self.environment());
        command
    }

    /// What a command says to people; it has to end well.
    #[track_caller]
    pub(crate) fn cli_text(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    pub(crate) fn cli(&self, arguments: &[&str], input: &str) -> Answered {
        let mut child = self
            .command()
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        Answered {
            code: output.status.code(),
            value: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn call(&self, tool: &str, request: &Value) -> Answered {
        self.cli(&["call", tool, "--request", "-"], &request.to_string())
    }

    /// The request that creates the test's application.
    pub(crate) fn creation(&self) -> Value {
        json!({
            "app_name": self.name, "manifest_repo": self.repository(), "path": self.name,
            "revision": "main", "dest_namespace": "apps",
        })
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

    pub(crate) fn create(&self) -> Answered {
        self.really("argo_create_app", self.creation())
    }

    pub(crate) fn app(&self) -> Value {
        json!({ "app_name": self.name })
    }

    pub(crate) fn sync(&self) -> Answered {
        self.really("argo_sync", self.app())
    }

    pub(crate) fn status(&self) -> Answered {
        self.call("argo_app_status", &self.app())
    }

    /// How an operation ended.
    pub(crate) fn end(&self, id: &str) -> Answered {
        self.call("get_operation", &json!({ "id": id, "wait_s": 300 }))
    }

    /// The value of a config map of this test in the cluster.
    pub(crate) fn value(&self, what: &str) -> Option<String> {
        let path = format!("/api/v1/namespaces/apps/configmaps/{}-{what}", self.name);
        let found = kubernetes(&self.lab).as_admin().unwrap().get(&path).unwrap()?;
        found["data"]["value"].as_str().map(str::to_owned)
    }
}

/// A job that ends once there is a node for it: a sync waits for it so long.
pub(crate) fn hook(name: &str) -> String {
    let place =
        format!("lab/for: {name} }}\n      tolerations: [{{ key: lab/for, operator: Exists }}]\n");
    endless(name).replace("no: such-node }\n", &place)
}

/// A job that never ends: a sync that waits for it, waits for ever.
pub(crate) fn endless(name: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}-hook\n  annotations: {{ argocd.argoproj.io/hook: PreSync }}\n\
         spec:\n  template:\n    spec:\n      restartPolicy: Never\n      nodeSelector: {{ no: such-node }}\n\
         \x20     containers: [{{ name: c, image: \"registry.example.com/c:1\" }}]\n"
    )
}
