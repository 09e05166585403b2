//! The Terraform code: format, validity, its own tests, lint and policy.
//!
//! Everything that writes runs in a copy, with providers from the mirror only.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use walkdir::WalkDir;

use super::{Lane, Run};
use crate::cache::home;
use crate::lab;
use crate::tools::{Found, Tool};

pub(super) fn lane(run: &mut Run<'_>) {
    let lane = Lane::Infra;
    let tools = [Tool::Terraform, Tool::Mirror, Tool::Tflint, Tool::Checkov];
    let Some([terraform, providers, tflint, checkov]) = run.tools(lane, tools) else {
        return;
    };
    let copy = run.logs.join("infra");
    let mut folders = Vec::new();
    run.step(lane, "copy of infra/", |run| {
        lab::copy_infra(run.checkout, &copy)?;
        lab::write_cli_config(&run.logs.join("terraform.rc"), &providers.path)?;
        folders = roots(&copy)?;
        Ok(format!("{} folders with Terraform code", folders.len()))
    });
    if let Ok(mut command) = isolated(run, &terraform, &copy) {
        command.args(["fmt", "-check", "-diff", "-recursive"]);
        run.command(lane, "terraform fmt", command);
    }
    for folder in &folders {
        let name = folder.strip_prefix(&copy).unwrap_or(folder).display().to_string();
        if validate(run, &terraform, folder, &name) && folder.join("tests").is_dir() {
            test(run, &terraform, folder, &name);
        }
    }
    let mut command = Command::new(&tflint.path);
    command.current_dir(&copy).arg("--recursive").arg("--config").arg(copy.join(".tflint.hcl"));
    run.command(lane, "tflint", command);
    let mut command = Command::new(&checkov.path);
    command.current_dir(run.checkout.top()).args(["--config-file", "tests/lab/checkov.yaml"]);
    let log = run.log(lane, "checkov");
    run.step(lane, "checkov", |_| {
        crate::child::run(&mut command, &log)?;
        checked(&std::fs::read_to_string(&log).context("reading a log")?)
    });
}

/// What checkov says of its checks. What it could not parse it did not check, and it calls that no failure.
fn checked(text: &str) -> Result<String> {
    let totals: Vec<&str> =
        text.lines().map(str::trim).filter(|line| line.starts_with("Passed checks:")).collect();
    if totals.is_empty() {
        bail!("checkov tells no number of checks");
    }
    match totals.iter().find(|line| line.contains("Parsing errors:")) {
        Some(line) => bail!("checkov could not read everything: {line}"),
        None => Ok(totals.join("; ").to_lowercase()),
    }
}

/// tflint with the rules for AWS, which its own command fetches and checks.
pub(super) fn cloud_rules(run: &mut Run<'_>) {
    let lane = Lane::Network;
    let Some([tflint]) = run.tools(lane, [Tool::Tflint]) else {
        return;
    };
    let config = run.checkout.top().join("tests/lab/tflint-aws.hcl");
    let infra = run.checkout.top().join("infra");
    for (name, arguments) in [("tflint --init", "--init"), ("tflint, rules for AWS", "--recursive")]
    {
        let mut command = Command::new(&tflint.path);
        command.current_dir(&infra).arg(arguments).arg("--config").arg(&config);
        if !run.command(lane, name, command) {
            return;
        }
    }
}

fn validate(run: &mut Run<'_>, terraform: &Found, folder: &Path, name: &str) -> bool {
    let lane = Lane::Infra;
    let what = format!("validate {name}");
    let log = run.log(lane, &what);
    run.step(lane, &what, |run| {
        let mut init = isolated(run, terraform, folder)?;
        init.args(["init", "-backend=false", "-input=false", "-no-color"]);
        if folder.join(".terraform.lock.hcl").is_file() {
            init.arg("-lockfile=readonly");
        }
        crate::child::run(&mut init, &log)?;
        let mut validate = isolated(run, terraform, folder)?;
        crate::child::run(validate.args(["validate", "-no-color"]), &log)?;
        Ok(String::new())
    })
}

fn test(run: &mut Run<'_>, terraform: &Found, folder: &Path, name: &str) {
    let lane = Lane::Infra;
    let what = format!("terraform test {name}");
    let log = run.log(lane, &what);
    run.step(lane, &what, |run| {
        let mut command = isolated(run, terraform, folder)?;
        crate::child::run(command.args(["test", "-no-color"]), &log)?;
        let text = std::fs::read_to_string(&log).context("reading a log")?;
        let totals = text.lines().rev().find(|line| line.starts_with("Success!"));
        Ok(totals.unwrap_or_default().trim_start_matches("Success! ").to_owned())
    });
}

/// Terraform with an environment of its own: no settings of this machine, no cloud, no account.
fn isolated(run: &Run<'_>, terraform: &Found, folder: &Path) -> Result<Command> {
    let mut command = Command::new(&terraform.path);
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", home()?)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1")
        .env("TF_CLI_CONFIG_FILE", run.logs.join("terraform.rc"))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    Ok(command)
}

/// The folders that hold Terraform code themselves, tests' own modules left out.
fn roots(infra: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in WalkDir::new(infra).sort_by_file_name() {
        let entry = entry.context("reading infra")?;
        let path = entry.path();
        let Some(folder) = path.parent().filter(|_| path.extension().is_some_and(|e| e == "tf"))
        else {
            continue;
        };
        let is_new = folders.last().is_none_or(|last| last != folder);
        if is_new && !folder.components().any(|part| part.as_os_str() == "tests") {
            folders.push(folder.to_path_buf());
        }
    }
    folders.dedup();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checkov_could_not_parse_is_a_failure() {
        let well =
            "terraform scan results:\n\nPassed checks: 112, Failed checks: 0, Skipped checks: 9\n";
        assert!(checked(well).unwrap().contains("passed checks: 112"));
        let ill = "Passed checks: 112, Failed checks: 0, Skipped checks: 9, Parsing errors: 1\n";
        assert!(checked(ill).unwrap_err().to_string().contains("Parsing errors: 1"));
        assert!(checked("").is_err());
    }

    #[test]
    fn folders_with_code_are_found_once_and_tests_left_out() {
        let top = tempfile::tempdir().unwrap();
        for file in ["m/a.tf", "m/b.tf", "m/tests/setup/x.tf", "m/readme.md", "e/dev/main.tf"] {
            let file = top.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let found = roots(top.path()).unwrap();
        assert_eq!(found, [top.path().join("e/dev"), top.path().join("m")]);
    }
}
