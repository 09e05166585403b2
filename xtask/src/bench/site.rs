//! A project to measure on: a root module with one AWS resource, one with ten thousand, and settings that let the
//! requester approve, so that no person is part of a measured time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::child;
use crate::lab::{Aws, Lab, Terraform};
use crate::mcp::Client;
use crate::place::Checkout;

/// How often the long comparison is repeated: each time with a state, a resource and a data folder of its own.
pub(super) const ROUNDS: usize = 5;
/// Resources of the large plan.
pub(super) const LARGE: usize = 10_000;

/// The module with one resource.
const ONE: &str = r#"terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
  backend "s3" {}
}

provider "aws" {}

variable "name" {
  type = string
}

resource "aws_iam_role" "one" {
  name               = var.name
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"#;

/// Where and on what is measured.
#[derive(Debug)]
pub(super) struct Site {
    /// The binary.
    pub(super) program: PathBuf,
    /// Everything that is made lies here.
    pub(super) folder: PathBuf,
    /// The emulator.
    pub(super) aws: Aws,
    /// Terraform.
    pub(super) terraform: Terraform,
}

impl Site {
    /// Lays the project.
    pub(super) fn lay(
        lab: &Lab,
        checkout: &Checkout,
        program: &Path,
        folder: &Path,
    ) -> Result<Self> {
        let site = Self {
            program: program.to_path_buf(),
            folder: folder.to_path_buf(),
            aws: lab.aws.clone(),
            terraform: lab.terraform.clone(),
        };
        let lock = checkout.top().join("infra/aws/envs/dev/.terraform.lock.hcl");
        let large = format!(
            "terraform {{\n  backend \"local\" {{}}\n}}\n\nresource \"terraform_data\" \"many\" {{\n  count = {LARGE}\n  input = count.index\n}}\n"
        );
        write(&folder.join("one/main.tf"), ONE)?;
        fs::copy(&lock, folder.join("one/.terraform.lock.hcl")).context("copying the lock file")?;
        write(&folder.join("large/main.tf"), &large)?;
        write(&site.settings(), &site.configuration(&site.terraform.path, "state")?)?;
        Ok(site)
    }

    /// The settings that are measured with.
    pub(super) fn settings(&self) -> PathBuf {
        self.folder.join("datamcp.toml")
    }

    /// Settings with another terraform and another state folder.
    pub(super) fn configuration(&self, terraform: &Path, state: &str) -> Result<String> {
        let user = child::capture(Command::new("id").arg("-un"))?;
        let text = |value: &str| json!(value).to_string();
        let mut all = format!(
            "project = \"bench\"\n\n[terraform]\nbinary = {}\nprovider_mirror = {}\n\n[aws]\nendpoint_url = {}\n\n\
             [store]\nstate = {}\n\n[tiers.dev]\nauto_approve = [\"create\", \"update\"]\n\n\
             [principals.bench]\nos_user = {}\nroles = [\"change\"]\n",
            text(&terraform.display().to_string()),
            text(&self.terraform.provider_mirror.display().to_string()),
            text(&self.aws.endpoint),
            text(state),
            text(user.trim()),
        );
        for round in 0..=ROUNDS {
            all.push_str(&self.environment(
                &format!("one-{round}"),
                "one",
                &format!(
                    "{{ backend = \"s3\", bucket = {}, key = \"{state}/one-{round}\" }}",
                    text(&self.aws.state_bucket)
                ),
                &format!("{{ name = \"{state}-one-{round}\" }}"),
            ));
        }
        let local = "{ backend = \"local\", path = \"large.tfstate\" }";
        all.push_str(&self.environment("large", "large", local, "{}"));
        Ok(all)
    }

    fn environment(&self, name: &str, folder: &str, state: &str, vars: &str) -> String {
        format!(
            "\n[environments.aws.{name}]\ntier = \"dev\"\naccount_id = \"{}\"\nregion = \"{}\"\nfolder = \"{folder}\"\nstate = {state}\nvars = {vars}\n",
            self.aws.account_id, self.aws.region
        )
    }

    /// The server, not yet started.
    pub(super) fn server(&self, settings: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(settings).arg("serve");
        command.current_dir(&self.folder);
        command.env_clear().envs(self.surroundings());
        command
    }

    /// A session with a server of its own.
    pub(super) fn session(&self, settings: &Path) -> Result<Client> {
        let log = self.folder.join("server.log");
        let mut client = Client::start(&mut self.server(settings), &log)?;
        client.initialize()?;
        Ok(client)
    }

    /// What a server is started with; credentials that the emulator takes are part of it.
    pub(super) fn surroundings(&self) -> Vec<(String, String)> {
        let inherited = ["HOME", "PATH"];
        let inherited =
            inherited.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
        let own = [
            ("AWS_ACCESS_KEY_ID", self.aws.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.aws.secret_access_key.clone()),
        ];
        inherited.chain(own).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Writes a file, and its folder.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
