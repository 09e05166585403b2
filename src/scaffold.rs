//! What `datamcp init` lays into a folder: settings made from a few answers, and the Terraform code and the
//! chart that this binary carries. Text only; an adapter writes it.

use std::path::PathBuf;

use toml::Value;

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

/// Refuses clouds that there is no scaffold for.
pub fn cloud(cloud: Cloud) -> Result<()> {
    match cloud {
        Cloud::Aws => Ok(()),
        Cloud::Gcp => Err(Error::invalid("cloud", "gcp", "has no scaffold in this version")
            .allowed("aws")
            .next("take infra/gcp of the repository and write the settings as its guide shows; `datamcp poc gcp` goes on from there")),
    }
}

impl Answers {
    /// Checks every answer.
    pub fn check(&self) -> Result<()> {
        let named = |field: &str, given: &str, bad: &BadName| {
            Error::invalid(field, given, &bad.why).allowed(bad.allowed.clone())
        };
        name::environment(&self.name)
            .map_err(|bad| named("name", &self.name, &bad).next("name the project by --name"))?;
        if self.name.len() > NAME || self.name.ends_with('-') || self.name.contains("--") {
            return Err(Error::invalid(
                "name",
                &self.name,
                "cannot begin the names of buckets and roles",
            )
            .allowed(format!(
                "1 to {NAME} of a-z, 0-9 and single -, beginning with a letter, ending without -"
            ))
            .next("name the project by --name"));
        }
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
        let quoted = |text: &str| Value::String(text.to_owned()).to_string();
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
        let text = SETTINGS.to_owned();
        let text = places.iter().fold(text, |text, (place, value)| text.replace(place, value));
        format!("{}\n", text.trim_end())
    }

    /// Every file, below the project's folder.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let laid = LAID.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
        laid.chain([(PathBuf::from(FILE), self.settings())]).collect()
    }
}

#[cfg(test)]
mod tests;
