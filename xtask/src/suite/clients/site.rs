//! A user's project for one client: environments of AWS, one for each kind of thing that is shown, and of Google Cloud,
//! organizations of both.
//!
//! `dev` is a bucket made by the real provider, and has the cluster and Argo CD; `slow` takes long and needs no provider,
//! `new` has no state bucket yet. `gcp/dev` is a network by the stand-in for the provider, `gcp/new` has no bucket yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::ground::{CLUSTER, Ground, NEW_BUCKET, ORGANIZATION};
use super::requests::organizations;
use crate::child;
use crate::lab::{Google, Lab, NAMESPACE, copy_charts};
use crate::person::Person;
use crate::place::Checkout;

/// A project, and the program that works on it.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) folder: PathBuf,
    pub(super) lab: Lab,
    google: Google,
    program: PathBuf,
    name: String,
}

impl Site {
    /// Lays a project; `name` keeps its buckets apart from those of other clients.
    pub(super) fn lay(
        checkout: &Checkout,
        folder: &Path,
        ground: &Ground,
        name: &str,
    ) -> Result<Self> {
        let site = Self {
            folder: folder.to_path_buf(),
            lab: Lab::clone(&ground.lab),
            google: ground.google.clone(),
            program: checkout.target().join("debug/datamcp"),
            name: name.to_owned(),
        };
        site.write("datamcp.toml", &site.settings()?)?;
        site.write("infra/aws/envs/dev/main.tf", &site.bucket())?;
        site.write("infra/aws/envs/slow/main.tf", &slow())?;
        site.write("infra/aws/envs/new/main.tf", "terraform {\n  backend \"s3\" {}\n}\n")?;
        let lock = "infra/aws/envs/dev/.terraform.lock.hcl";
        let text =
            fs::read_to_string(checkout.top().join(lock)).context("reading the lock file")?;
        site.write(lock, &text)?;
        let text = fs::read_to_string(&site.lab.terraform.google_lock)
            .context("reading the lock file of the google provider")?;
        for env in ["dev", "new"] {
            site.write(&format!("infra/gcp/envs/{env}/main.tf"), NETWORK)?;
            site.write(&format!("infra/gcp/envs/{env}/.terraform.lock.hcl"), &text)?;
        }
        copy_charts(checkout, &site.folder)?;
        Ok(site)
    }

    /// A name for what this client plans and nobody makes.
    pub(super) fn fresh(&self) -> String {
        format!("{}-new", self.name)
    }

    /// The repository that the project of Argo CD may deploy.
    pub(super) fn repository(&self) -> Result<String> {
        let cluster = self.lab.cluster.as_ref().context("the lab has no cluster")?;
        let argocd = cluster.argocd.as_ref().context("the lab has no Argo CD")?;
        Ok(format!("file://{}", argocd.repository.display()))
    }

    /// The bucket that `dev` makes.
    pub(super) fn data_bucket(&self) -> String {
        format!("{}-data", self.name)
    }

    /// The bucket that `new` wants for its state.
    pub(super) fn state_bucket(&self) -> String {
        format!("{}-state", self.name)
    }

    /// The command line of the program in this project.
    pub(super) fn command(&self, arguments: &[&str]) -> Vec<String> {
        let config = self.folder.join("datamcp.toml");
        let start = [self.program.display().to_string(), "--config".to_owned()];
        let rest = arguments.iter().map(|word| (*word).to_owned());
        start.into_iter().chain([config.display().to_string()]).chain(rest).collect()
    }

    /// The whole environment of server and person.
    pub(super) fn environment(&self) -> Result<Vec<(String, String)>> {
        let aws = &self.lab.aws;
        let state = self.folder.join("xdg").display().to_string();
        let mut pairs = vec![
            ("XDG_STATE_HOME".to_owned(), state),
            ("AWS_ACCESS_KEY_ID".to_owned(), aws.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), aws.secret_access_key.clone()),
        ];
        for name in ["HOME", "PATH"] {
            let value = std::env::var(name).with_context(|| format!("reading {name}"))?;
            pairs.push((name.to_owned(), value));
        }
        Ok(pairs)
    }

    /// A person at a terminal looks at an approval and gives it.
    pub(super) fn approve(&self, approval: &str) -> Result<()> {
        let words = self.command(&["approve", approval]);
        let [program, arguments @ ..] = words.as_slice() else { bail!("a command without words") };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let environment = self.environment()?;
        let person = Person::sit_down(Path::new(program), &arguments, &environment, &self.folder)?;
        let (_, ending) = person.approve()?;
        if ending.code != 0 {
            bail!("approve {approval}: exit code {}\n{}", ending.code, ending.text);
        }
        Ok(())
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        let file = self.folder.join(path);
        let parent = file.parent().context("a file in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
    }

    fn settings(&self) -> Result<String> {
        let user = child::capture(Command::new("id").arg("-un"))?;
        let (aws, terraform) = (&self.lab.aws, &self.lab.terraform);
        let cluster = self.lab.cluster.as_ref().context("the lab has no cluster")?;
        let argocd = cluster.argocd.as_ref().context("the lab has no Argo CD")?;
        let environment = |name: &str, state: &str, more: &str| {
            format!(
                "[environments.aws.{name}]\ntier = \"dev\"\naccount_id = \"{}\"\nregion = \"{}\"\n\
                 state = {state}\n{more}\n",
                aws.account_id, aws.region
            )
        };
        let with_cluster = format!(
            "cluster = {{ name = \"{CLUSTER}\", namespaces = [\"{NAMESPACE}\"] }}\n\
             argocd = {{ server = \"main\", project = \"{}\", destination = \"{}\", repos = [\"{}\"] }}\n",
            argocd.project,
            cluster.kubernetes.endpoint,
            self.repository()?,
        );
        let servers = format!(
            "[helm]\nbinary = \"{}\"\n\n[argocd.main]\nurl = \"{}\"\ntoken = \"file:{}\"\nca = \"{}\"\n\n",
            cluster.kubernetes.helm.display(),
            argocd.url,
            argocd.project_token.display(),
            argocd.ca.display(),
        );
        let google = self.google.settings("");
        // The second environment of Google Cloud is the first one with another bucket.
        let (_, dev) = google.split_once("[environments.gcp.dev]").context("no gcp/dev")?;
        let new =
            format!("[environments.gcp.new]{dev}").replace(&self.google.state_bucket, NEW_BUCKET);
        let new: Vec<&str> = new.lines().filter(|line| !line.starts_with("cluster = ")).collect();
        let new = new.join("\n");
        let credentials = self.google.credentials.display().to_string();
        let s3 = |bucket: &str| {
            format!(
                "{{ backend = \"s3\", bucket = \"{bucket}\", key = \"{}.tfstate\" }}",
                self.name
            )
        };
        Ok(format!(
            "project = \"clients\"\n\n[terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n\
             allow_code = [\"local-exec\"]\n\n[aws]\nendpoint_url = \"{}\"\n\n{servers}{}{}{}{google}\n{new}\n\n{}\
             [tiers.dev]\nauto_approve = []\n\n[principals.agent]\nos_user = \"{}\"\n\
             roles = [\"change\", \"destroy\"]\n",
            terraform.path.display(),
            terraform.provider_mirror.display(),
            aws.endpoint,
            environment("dev", &s3(&aws.state_bucket), &with_cluster),
            environment("slow", "{ backend = \"local\", path = \"slow.tfstate\" }", ""),
            environment("new", &s3(&self.state_bucket()), ""),
            organizations(ORGANIZATION, &credentials),
            user.trim(),
        ))
    }

    fn bucket(&self) -> String {
        let Self { lab, .. } = self;
        format!(
            "terraform {{\n  backend \"s3\" {{}}\n  required_providers {{\n    aws = {{\n      \
             source  = \"hashicorp/aws\"\n      version = \"~> 5.100\"\n    }}\n  }}\n}}\n\n\
             provider \"aws\" {{\n  region              = \"{}\"\n  allowed_account_ids = [\"{}\"]\n  \
             s3_use_path_style   = true\n}}\n\n\
             resource \"aws_s3_bucket\" \"data\" {{\n  bucket = \"{}\"\n}}\n\n\
             output \"bucket\" {{\n  value = aws_s3_bucket.data.bucket\n}}\n",
            lab.aws.region,
            lab.aws.account_id,
            self.data_bucket()
        )
    }
}

/// A network of Google Cloud.
const NETWORK: &str = r#"terraform {
  backend "gcs" {}
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
  }
}

variable "project_id" {
  type = string
}

variable "region" {
  type = string
}

variable "cluster_location" {
  type = string
}

resource "google_compute_network" "main" {
  name    = "${var.cluster_location}-main"
  project = var.project_id
}

output "region" {
  value = var.region
}
"#;

/// Twenty steps, a second each, one after the other.
fn slow() -> String {
    let step = |number: usize| {
        let after = match number.checked_sub(1) {
            Some(before) => format!("  depends_on = [terraform_data.s{before}]\n"),
            None => String::new(),
        };
        format!(
            "resource \"terraform_data\" \"s{number}\" {{\n{after}  provisioner \"local-exec\" {{\n    \
             command = \"sleep 1\"\n  }}\n}}\n"
        )
    };
    let steps: String = (0..20).map(step).collect();
    format!("terraform {{\n  backend \"local\" {{}}\n}}\n\n{steps}")
}
