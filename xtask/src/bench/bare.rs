//! The terraform commands that datamcp runs for a plan and then its apply, run bare: one after the other, with
//! credentials in the environment, nothing recorded, nothing checked.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::site::{Site, write};

/// One run's folder and times.
pub(super) struct Bare<'a> {
    site: &'a Site,
    folder: PathBuf,
    /// What took how long, in order.
    pub(super) times: Vec<(&'static str, Duration)>,
}

impl<'a> Bare<'a> {
    /// Runs all of it, for a state and a resource of its own. Making files is not part of any time.
    pub(super) fn run(site: &'a Site, round: usize) -> Result<Self> {
        let folder = site.folder.join(format!("bare-{round}"));
        for name in ["main.tf", ".terraform.lock.hcl"] {
            let text = fs::read_to_string(site.folder.join("one").join(name))
                .with_context(|| format!("reading {name}"))?;
            write(&folder.join(name), &text)?;
        }
        let name = json!({ "name": format!("bare-one-{round}") });
        write(&folder.join("variables.tfvars.json"), &name.to_string())?;
        write(&folder.join("backend.json"), &backend(site, round).to_string())?;
        fs::create_dir_all(folder.join("home")).context("making a home")?;
        let mut bare = Self { site, folder, times: Vec::new() };
        bare.step(
            "init",
            &[
                "init",
                "-input=false",
                "-json",
                "-no-color",
                "-lockfile=readonly",
                "-reconfigure",
                "-backend-config=backend.json",
            ],
        )?;
        bare.step(
            "plan",
            &[
                "plan",
                "-input=false",
                "-json",
                "-detailed-exitcode",
                "-lock-timeout=10s",
                "-out=plan.tfplan",
                "-var-file=variables.tfvars.json",
            ],
        )?;
        bare.step("show -json", &["show", "-json", "plan.tfplan"])?;
        bare.step("show", &["show", "-no-color", "plan.tfplan"])?;
        bare.step("state pull", &["state", "pull"])?;
        bare.step(
            "apply",
            &["apply", "-input=false", "-json", "-lock-timeout=10s", "plan.tfplan"],
        )?;
        bare.step("state pull", &["state", "pull"])?;
        Ok(bare)
    }

    /// All of it.
    pub(super) fn total(&self) -> Duration {
        self.times.iter().map(|(_, time)| *time).sum()
    }

    fn step(&mut self, name: &'static str, arguments: &[&str]) -> Result<()> {
        let out = fs::File::create(self.folder.join("out")).context("making an output file")?;
        let err = fs::File::create(self.folder.join("err")).context("making an output file")?;
        let (site, path) = (self.site, |name: &str| self.folder.join(name).into_os_string());
        let mut command = Command::new(&site.terraform.path);
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.envs([
            ("PATH", "/usr/bin:/bin".into()),
            ("HOME", path("home")),
            ("TF_DATA_DIR", path("data")),
            ("TF_CLI_CONFIG_FILE", site.terraform.cli_config.clone().into_os_string()),
            ("CHECKPOINT_DISABLE", "1".into()),
            ("TF_IN_AUTOMATION", "1".into()),
            ("TF_INPUT", "0".into()),
            ("AWS_ENDPOINT_URL", site.aws.endpoint.clone().into()),
            ("AWS_REGION", site.aws.region.clone().into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_ACCESS_KEY_ID", site.aws.access_key_id.clone().into()),
            ("AWS_SECRET_ACCESS_KEY", site.aws.secret_access_key.clone().into()),
        ]);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let started = Instant::now();
        let status = command.status().context("starting terraform")?;
        self.times.push((name, started.elapsed()));
        // A plan with changes ends with 2.
        if !matches!(status.code(), Some(0 | 2)) {
            let said = fs::read_to_string(self.folder.join("err")).unwrap_or_default();
            bail!("terraform {name}: {status}: {}", said.trim());
        }
        Ok(())
    }
}

/// The values that datamcp renders for this backend.
fn backend(site: &Site, round: usize) -> serde_json::Value {
    let endpoint = &site.aws.endpoint;
    json!({
        "bucket": site.aws.state_bucket,
        "key": format!("bare/one-{round}"),
        "region": site.aws.region,
        "encrypt": true,
        "use_lockfile": true,
        "use_path_style": true,
        "skip_credentials_validation": true,
        "skip_metadata_api_check": true,
        "skip_region_validation": true,
        "skip_requesting_account_id": true,
        "skip_s3_checksum": true,
        "endpoints": { "s3": endpoint, "sts": endpoint, "iam": endpoint },
    })
}
