//! A user's project of one test: its settings, root module, state folder; the command line and the server in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::lab::{Emulator, Lab};
use xtask::mcp::Client;

use super::{Answered, Effects, Settings, module_of};

/// A project; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Project {
    /// The lab.
    pub(crate) lab: Lab,
    /// Settings as they stand; [`Project::write`] writes them.
    pub(crate) settings: Settings,
    /// More variables of the environment.
    pub(crate) variables: Vec<(String, String)>,
    folder: TempDir,
    servers: AtomicUsize,
}

impl Project {
    /// A new project in the lab that `DATAMCP_LAB` names.
    pub(crate) fn new() -> Self {
        let record = std::env::var_os("DATAMCP_LAB")
            .expect("DATAMCP_LAB names no lab: `cargo xtask test --lanes emulator` starts one");
        let lab = Lab::read(Path::new(&record)).unwrap();
        assert!(lab.moto.is_alive(), "the lab of {} is down", Path::new(&record).display());
        let folder = tempfile::Builder::new().prefix("dm").tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("infra/aws/envs/dev")).unwrap();
        std::fs::create_dir_all(folder.path().join("home")).unwrap();
        let settings = Settings::new(&lab);
        let project =
            Self { lab, settings, variables: Vec::new(), folder, servers: AtomicUsize::new(0) };
        project.write();
        project
    }

    /// A new project with this root module.
    pub(crate) fn with(module: impl FnOnce(&Effects) -> String) -> Self {
        let project = Self::new();
        project.module(&module(&project.effects()));
        project
    }

    /// Changes the settings and writes them.
    pub(crate) fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.write();
    }

    /// Changes the settings to keep the state in the lab's bucket; returns the key.
    pub(crate) fn keep_state_in_s3(&mut self) -> String {
        let name = self.folder().file_name().unwrap().to_string_lossy().into_owned();
        let key = format!("{name}/terraform.tfstate");
        let lab = self.lab.clone();
        self.set(|s| s.state_in_s3(&lab, &key));
        key
    }

    fn write(&self) {
        std::fs::write(self.config(), self.settings.text(&self.lab)).unwrap();
    }

    /// Writes the root module.
    pub(crate) fn module(&self, text: &str) {
        std::fs::write(self.main(), text).unwrap();
    }

    /// The root module's file.
    pub(crate) fn main(&self) -> PathBuf {
        self.folder().join("infra/aws/envs/dev/main.tf")
    }

    /// The file in which steps leave their marks.
    pub(crate) fn effects(&self) -> Effects {
        Effects::new(self.folder())
    }

    /// The project's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings file.
    pub(crate) fn config(&self) -> String {
        self.folder().join("datamcp.toml").to_string_lossy().into_owned()
    }

    /// The state folder of datamcp.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder().join("xdg/datamcp/test")
    }

    /// The folder of a run.
    pub(crate) fn run(&self, operation: &str) -> PathBuf {
        self.state().join("runs").join(operation)
    }

    /// Terraform's local state.
    pub(crate) fn tfstate(&self) -> PathBuf {
        self.folder().join("state/terraform.tfstate")
    }

    /// Serial of the local state; 0 when there is none.
    pub(crate) fn serial(&self) -> u64 {
        let text = std::fs::read_to_string(self.tfstate()).unwrap_or_default();
        let state: Value = serde_json::from_str(&text).unwrap_or_default();
        state["serial"].as_u64().unwrap_or(0)
    }

    /// The environment of server, command line and people.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let folder = |name: &str| self.folder().join(name).to_string_lossy().into_owned();
        let aws = &self.lab.aws;
        [
            ("HOME", folder("home")),
            ("XDG_STATE_HOME", folder("xdg")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("AWS_ACCESS_KEY_ID", aws.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", aws.secret_access_key.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(self.variables.clone())
        .collect()
    }

    /// The program, in this project.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datamcp"));
        command
            .args(["--config", &self.config()])
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .envs(self.environment());
        command
    }

    /// Runs one command line.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Answered {
        feed(&mut self.command(arguments), "")
    }

    /// Calls a tool on the command line, the request on standard input.
    pub(crate) fn call(&self, tool: &str, request: &Value) -> Answered {
        let arguments = ["--json", "call", tool, "--request", "-"];
        feed(&mut self.command(&arguments), &request.to_string())
    }

    /// A dry run of `apply_terraform`.
    pub(crate) fn plan(&self, vars: &Value) -> Answered {
        self.call("apply_terraform", &request(vars)).expect("planned")
    }

    /// Plans and applies at once, approved by the requester.
    pub(crate) fn apply(&self, vars: &Value) -> Answered {
        self.call("apply_terraform", &for_real(vars))
    }

    /// How an operation stands, after so many seconds at most.
    pub(crate) fn operation(&self, id: &str, wait_s: u64) -> Answered {
        self.call("get_operation", &json!({ "id": id, "wait_s": wait_s }))
    }

    /// The newest operation of a tool; empty when there is none.
    pub(crate) fn newest(&self, tool: &str) -> String {
        self.call("list_operations", &json!({ "tool": tool, "limit": 1 })).at("/operations/0/id")
    }

    /// Fails unless the log is whole.
    #[track_caller]
    pub(crate) fn log_is_whole(&self) {
        let answer = self.cli(&["--json", "ops", "verify"]);
        assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    }

    /// What `datamcp locks` shows.
    pub(crate) fn locks(&self) -> Vec<Value> {
        let answer = self.cli(&["--json", "locks"]);
        answer.value["locks"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone()
    }

    /// Fails unless nobody holds or blocks the environment.
    #[track_caller]
    pub(crate) fn lock_is_free(&self) {
        assert_eq!(self.locks(), Vec::<Value>::new());
    }

    /// A server, its session opened.
    pub(crate) fn serve(&self) -> Client {
        self.serve_with(&[])
    }

    /// A server with more environment variables.
    pub(crate) fn serve_with(&self, more: &[(&str, &str)]) -> Client {
        let mut client = self.connect(more);
        client.initialize().unwrap();
        client
    }

    /// A server that nobody has said anything to yet: the newest revision opens no session.
    pub(crate) fn connect(&self, more: &[(&str, &str)]) -> Client {
        let mut command = self.command(&["serve"]);
        command.envs(more.iter().copied());
        let number = self.servers.fetch_add(1, Ordering::Relaxed);
        let log = self.folder().join(format!("server-{number}.log"));
        Client::start(&mut command, &log).unwrap()
    }
}

impl Drop for Project {
    /// A stand-in that is not as AWS or Google describe it fails its test, also one that expected a refusal.
    fn drop(&mut self) {
        if !std::thread::panicking() && self.lab.moto.is_alive() {
            let (drifts, _) = Emulator::new(&self.lab.aws).drifts().unwrap();
            assert!(drifts.is_empty(), "not as described, here or beside:\n{}", drifts.join("\n"));
        }
    }
}

/// A request for `aws/dev` with these variables, which waits as long as a machine with much to do may need.
fn request(vars: &Value) -> Value {
    json!({ "cloud": "aws", "env": "dev", "vars": vars, "wait_s": 300 })
}

/// The request of [`Project::apply`].
pub(crate) fn for_real(vars: &Value) -> Value {
    let mut request = request(vars);
    request["dry_run"] = json!(false);
    request["auto_approve"] = json!(true);
    request
}

/// A project whose root module uses the real AWS provider, with the lock file that a user would commit.
pub(crate) fn with_provider(body: &str) -> Project {
    let project = Project::new();
    let required = "terraform {\n  required_providers {\n    aws = {\n      source  = \
                    \"hashicorp/aws\"\n      version = \"~> 5.100\"\n    }\n  }\n";
    project.module(&module_of("local", body).replacen("terraform {\n", required, 1));
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("infra/aws/envs/dev/.terraform.lock.hcl");
    std::fs::copy(lock, project.main().with_file_name(".terraform.lock.hcl")).unwrap();
    project
}

/// Starts an apply and does not wait; returns the operation.
#[track_caller]
pub(crate) fn running(project: &Project) -> String {
    let mut request = for_real(&json!({}));
    request["wait_s"] = json!(0);
    project.call("apply_terraform", &request).expect("running").operation()
}

/// Runs a command with a text on its standard input.
pub(crate) fn feed(command: &mut Command, input: &str) -> Answered {
    let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
    let [stdin, stdout, stderr] = pipes;
    let mut child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    Answered {
        code: output.status.code(),
        value: serde_json::from_str(&out).unwrap_or_default(),
        out,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
