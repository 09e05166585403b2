//! What `datamcp init` lays into a folder: settings made from a few answers, and the Terraform code and the
//! chart that this binary carries. Text only; an adapter writes it.

mod google;

use std::path::PathBuf;

use toml::Value;

pub use self::google::{GoogleAnswers, lock_file};

use crate::config::FILE;
use crate::error::{Error, Result};
use crate::model::name::{self, BadName, nearest};
use crate::model::{Cloud, region};

/// Terraform code and the example's chart as they were when this binary was built.
const LAID: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/laid.rs"));
/// The settings, with places for the answers.
const SETTINGS: &str = include_str!("scaffold/datamcp.toml");
/// What git has to leave out.
pub const IGNORED: [&str; 4] = [".terraform/", "*.tfplan", "*.tfstate", "*.tfstate.*"];
/// Longest name of a project: names of roles and buckets are made from it.
const NAME: usize = 20;

/// What a person answered, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Name of the project.
    pub name: String,
    /// AWS account.
    pub account_id: String,
    /// AWS region.
    pub region: String,
    /// Bucket for the state; left out, one is named after project and account.
    pub bucket: Option<String>,
    /// Profile of the shared AWS configuration.
    pub profile: Option<String>,
    /// Endpoint of an emulator.
    pub endpoint_url: Option<String>,
    /// The user that will run datamcp.
    pub os_user: String,
}

impl Answers {
    /// Checks every answer.
    pub fn check(&self) -> Result<()> {
        project_name(&self.name, NAME)?;
        name::aws_account(&self.account_id)
            .map_err(|bad| named("account_id", &self.account_id, &bad))?;
        name::aws_region(&self.region).map_err(|bad| {
            let error = named("region", &self.region, &bad);
            match nearest(&self.region, region::AWS) {
                Some(near) => error.next(format!("did you mean {near}")),
                None => error,
            }
        })?;
        let bucket = self.state_bucket();
        name::s3_bucket(&bucket).map_err(|bad| named("bucket", &bucket, &bad))
    }

    /// The bucket for the state. Names of buckets are the whole world's, so the account is part of it.
    pub fn state_bucket(&self) -> String {
        let default = || format!("{}-dev-tfstate-{}", self.name, self.account_id);
        self.bucket.clone().unwrap_or_else(default)
    }

    /// The settings.
    pub fn settings(&self) -> String {
        let credentials = match &self.profile {
            Some(profile) => format!("profile = {}", quoted(profile)),
            None => "# profile = \"acme-dev\"               # or role_arn; without both: ambient credentials".to_owned(),
        };
        let (vars, emulator) = match &self.endpoint_url {
            Some(url) => (
                "# What emulators lack is left out: see \"On an emulator\" in infra/README.md.\n\
                 authentication_mode = \"\"\nlaunch_templates = false\ns3_use_path_style = true\n",
                format!(
                    "\n[aws]\nendpoint_url = {}   # an emulator; never for a real account\n",
                    quoted(url)
                ),
            ),
            None => ("", String::new()),
        };
        let places = [
            ("{{name}}", quoted(&self.name)),
            ("{{account_id}}", quoted(&self.account_id)),
            ("{{region}}", quoted(&self.region)),
            ("{{credentials}}", credentials),
            ("{{bucket}}", quoted(&self.state_bucket())),
            ("{{stack}}", quoted(&format!("{}-dev", self.name))),
            ("{{emulator_vars}}", vars.to_owned()),
            ("{{os_user}}", quoted(&self.os_user)),
            ("{{emulator}}", emulator),
        ];
        filled(SETTINGS, &places)
    }
}

/// Every file, below the project's folder: of the clouds' Terraform code that of this one.
pub fn files(cloud: Cloud, settings: String) -> Vec<(PathBuf, String)> {
    let other = match cloud {
        Cloud::Aws => "infra/gcp/",
        Cloud::Gcp => "infra/aws/",
    };
    let ours = LAID.iter().filter(|(path, _)| !path.starts_with(other));
    let laid = ours.map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
    laid.chain([(PathBuf::from(FILE), settings)]).collect()
}

fn named(field: &str, given: &str, bad: &BadName) -> Error {
    Error::invalid(field, given, &bad.why).allowed(bad.allowed.clone())
}

/// A name of a project from which names of buckets and accounts can be made.
fn project_name(name: &str, longest: usize) -> Result<()> {
    name::environment(name)
        .map_err(|bad| named("name", name, &bad).next("name the project by --name"))?;
    if name.len() > longest || name.ends_with('-') || name.contains("--") {
        return Err(Error::invalid("name", name, "cannot begin the names of buckets and roles")
            .allowed(format!(
                "1 to {longest} of a-z, 0-9 and single -, beginning with a letter, ending without -"
            ))
            .next("name the project by --name"));
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// The settings, each place with its answer.
fn filled(settings: &str, places: &[(&str, String)]) -> String {
    let text = settings.to_owned();
    let text = places.iter().fold(text, |text, (place, value)| text.replace(place, value));
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests;
