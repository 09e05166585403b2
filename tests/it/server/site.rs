//! A project on disk whose outside world only counts.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::wire::Client;
use crate::alone;

pub(crate) const MAIN: &str = r#"
terraform {
  backend "local" {}
}
variable "size" { type = number }
variable "tags" {
  type    = map(string)
  default = {}
}
resource "terraform_data" "it" { input = var.size }
"#;

const SETTINGS: &str = r#"
project = "acme"
[terraform]
binary = "bin/terraform"
[aws]
endpoint_url = "ENDPOINT"
[environments.aws.dev]
tier = "dev"
account_id = "123456789012"
region = "eu-west-1"
state = { backend = "local", path = "dev.tfstate" }
[environments.aws.prod]
tier = "prod"
account_id = "123456789012"
region = "eu-west-1"
state = { backend = "local", path = "prod.tfstate" }
workspace = "blue"
[tiers.dev]
[tiers.prod]
[principals.agent]
os_user = "USER"
roles = ["change", "destroy"]
[store]
state = "state"
"#;

const TERRAFORM: &str = "#!/bin/sh\necho \"$*\" >> \"$(dirname \"$0\")/started\"\necho '{\"terraform_version\":\"1.11.4\"}'\n";

pub(crate) struct Site {
    folder: tempfile::TempDir,
    connections: Arc<AtomicUsize>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        std::thread::spawn(move || {
            while listener.accept().is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let site = Self { folder: tempfile::tempdir().unwrap(), connections };
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap();
        let user = user.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
        site.write("datamcp.toml", &SETTINGS.replace("ENDPOINT", &endpoint).replace("USER", &user));
        site.write("bin/terraform", TERRAFORM);
        let terraform = site.at("bin/terraform");
        std::fs::set_permissions(terraform, std::fs::Permissions::from_mode(0o755)).unwrap();
        for env in ["dev", "prod"] {
            site.write(&format!("infra/aws/envs/{env}/main.tf"), MAIN);
        }
        site
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn configure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.at("datamcp.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        self.write("datamcp.toml", &text.replacen(from, to, 1));
    }

    /// No registry is asked whether it can be reached.
    pub(crate) fn takes_providers_from_a_mirror(&self) {
        self.write("mirror/registry.terraform.io/keep", "");
        self.configure("[aws]", "provider_mirror = \"mirror\"\n[aws]");
    }

    /// The program in this project, with nothing from around but what it needs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datamcp"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", self.at("bin"))
            .env("HOME", self.folder.path())
            .env("AWS_ACCESS_KEY_ID", "none")
            .env("AWS_SECRET_ACCESS_KEY", "none")
            .env("AWS_MAX_ATTEMPTS", "1");
        command
    }

    /// Runs a command to its end with this on standard input.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = alone::spawn(&mut command);
        // A program that does not read has closed its end.
        drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// Runs a command that answers with JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[&["--json"], arguments].concat(), "");
        let text = String::from_utf8(output.stdout).unwrap();
        let answer = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        (output.status.code().unwrap(), answer)
    }

    /// A server for this project.
    pub(crate) fn serve(&self) -> Client {
        Client::start(&mut self.command(&["serve"]), &self.at("stderr"))
    }

    /// How often terraform was started and AWS was called.
    pub(crate) fn counters(&self) -> (usize, usize) {
        let started = std::fs::read_to_string(self.at("bin/started")).unwrap_or_default();
        (started.lines().count(), self.connections.load(Ordering::SeqCst))
    }

    /// Nothing was started: no child, no connection, no supervisor.
    pub(crate) fn nothing_started(&self, what: &str) {
        assert_eq!(self.counters(), (0, 0), "{what}: terraform, AWS");
        let runs = self.at("state/runs");
        let runs = std::fs::read_dir(&runs).map_or(0, Iterator::count);
        assert_eq!(runs, 0, "{what}: supervisors");
    }
}

/// Text of a file that must be there.
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
