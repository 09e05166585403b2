//! A user's project for one client: three environments, one for each kind of thing that is shown.
//!
//! `dev` is a bucket made by the real provider, `slow` takes long and needs no provider, `new` has no state
//! bucket yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::child;
use crate::lab::Lab;
use crate::person::Person;
use crate::place::Checkout;

/// A project, and the program that works on it.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) folder: PathBuf,
    pub(super) lab: Lab,
    program: PathBuf,
    name: String,
}

impl Site {
    /// Lays a project; `name` keeps its buckets apart from those of other clients.
    pub(super) fn lay(checkout: &Checkout, folder: &Path, lab: &Lab, name: &str) -> Result<Self> {
        let site = Self {
            folder: folder.to_path_buf(),
            lab: lab.clone(),
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
        Ok(site)
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
        let environment = |name: &str, state: &str| {
            format!(
                "[environments.aws.{name}]\ntier = \"dev\"\naccount_id = \"{}\"\nregion = \"{}\"\n\
                 state = {state}\n\n",
                aws.account_id, aws.region
            )
        };
        let s3 = |bucket: &str| {
            format!(
                "{{ backend = \"s3\", bucket = \"{bucket}\", key = \"{}.tfstate\" }}",
                self.name
            )
        };
        Ok(format!(
            "project = \"clients\"\n\n[terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n\
             allow_code = [\"local-exec\"]\n\n[aws]\nendpoint_url = \"{}\"\n\n{}{}{}\
             [tiers.dev]\nauto_approve = []\n\n[principals.agent]\nos_user = \"{}\"\n\
             roles = [\"change\", \"destroy\"]\n",
            terraform.path.display(),
            terraform.provider_mirror.display(),
            aws.endpoint,
            environment("dev", &s3(&aws.state_bucket)),
            environment("slow", "{ backend = \"local\", path = \"slow.tfstate\" }"),
            environment("new", &s3(&self.state_bucket())),
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
