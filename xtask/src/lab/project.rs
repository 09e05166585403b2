//! A user's project for the lab: copies of `infra/` and the charts, and a `datamcp.toml` that points to the emulator.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use toml::Value;
use walkdir::WalkDir;

use super::{ArgoCd, Cluster, Google, Lab};
use crate::child;
use crate::place::Checkout;

/// Lays the project folder anew from this checkout.
pub(super) fn lay(lab: &Lab, checkout: &Checkout) -> Result<()> {
    let infra = lab.project.join("infra");
    if infra.exists() {
        fs::remove_dir_all(&infra).with_context(|| format!("clearing {}", infra.display()))?;
    }
    copy_tree(&checkout.top().join("infra"), &infra)?;
    if lab.google.is_some() {
        Google::lay(lab, checkout, &lab.project)?;
    }
    let charts = lab.project.join("helm/charts");
    if charts.exists() {
        fs::remove_dir_all(&charts).with_context(|| format!("clearing {}", charts.display()))?;
    }
    copy_charts(checkout, &lab.project)?;
    let file = lab.project.join("datamcp.toml");
    fs::write(&file, configuration(lab)?).with_context(|| format!("writing {}", file.display()))
}

/// Copies `infra/` without what Terraform leaves behind in a work folder.
pub(crate) fn copy_infra(checkout: &Checkout, to: &Path) -> Result<()> {
    copy_tree(&checkout.top().join("infra"), to)
}

/// Copies the charts of this repository into a project's folder.
pub(crate) fn copy_charts(checkout: &Checkout, folder: &Path) -> Result<()> {
    copy_tree(&checkout.top().join("helm/charts"), &folder.join("helm/charts"))
}

pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    let sources = WalkDir::new(from).sort_by_file_name().into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        name != ".terraform" && !name.contains(".tfstate") && !name.ends_with(".tfplan")
    });
    for entry in sources {
        let entry = entry.with_context(|| format!("copying {}", from.display()))?;
        let place = to.join(entry.path().strip_prefix(from).context("copying a tree")?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
        } else {
            fs::copy(entry.path(), &place)
                .with_context(|| format!("copying {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// The `datamcp.toml` of the project.
pub(super) fn configuration(lab: &Lab) -> Result<String> {
    let user = child::capture(Command::new("id").arg("-un"))?;
    let helm = lab.cluster.as_ref().map_or_else(String::new, |cluster| {
        format!("\n[helm]\nbinary = {}\n", path(&cluster.kubernetes.helm))
    });
    let argocd = lab.cluster.as_ref().and_then(|c| Some((c, c.argocd.as_ref()?)));
    let server = argocd.map_or_else(String::new, |(_, argocd)| of_server(argocd));
    let of_project = |google| {
        argocd.map_or_else(String::new, |(cluster, argocd)| of_project(cluster, argocd, google))
    };
    let google = lab
        .google
        .as_ref()
        .map_or_else(String::new, |google| format!("\n{}", google.settings(&of_project(true))));
    let aws = &lab.aws;
    Ok(format!(
        r#"# The lab's project: everything here points to an emulator on this machine.
project = "datamcp-lab"

[terraform]
binary = {binary}
provider_mirror = {mirror}

[aws]
endpoint_url = {endpoint}   # lab only
{helm}{server}
[environments.aws.dev]
tier = "dev"
account_id = {account}
region = {region}
state = {{ backend = "s3", bucket = {bucket}, key = "dev/terraform.tfstate" }}
cluster = {{ name = "datamcp-dev", namespaces = ["apps"] }}
{project}
[environments.aws.dev.vars]
account_id = {account}
region = {region}
s3_use_path_style = true
# What the emulator lacks is left out: see "On an emulator" in infra/README.md.
launch_templates = false
# Whoever makes the cluster is no administrator of it: the cluster lets this user into what the group may do.
creator_is_admin = false
ci = {{ repository = "example/data-platform", state = {{ bucket = {bucket} }} }}

[environments.aws.dev.vars.access_entries.deployer]
principal_arn = "arn:aws:iam::{number}:user/moto"
groups = ["datamcp:deployers"]
{google}
[tiers.dev]
auto_approve = []

[principals.agent]
os_user = {user}
roles = ["change", "destroy"]
"#,
        binary = path(&lab.terraform.path),
        mirror = path(&lab.terraform.provider_mirror),
        endpoint = quoted(&aws.endpoint),
        account = quoted(&aws.account_id),
        number = aws.account_id,
        region = quoted(&aws.region),
        bucket = quoted(&aws.state_bucket),
        project = of_project(false),
        user = quoted(user.trim()),
    ))
}

/// Argo CD, and the application that `datamcp poc` brings to Healthy.
fn of_server(argocd: &ArgoCd) -> String {
    format!(
        "\n[argocd.main]\nurl = {}\ntoken = {}\nca = {}\n\n\
         [poc.application]\nname = \"web\"\nrepo = {}\npath = \"web\"\nrevision = \"main\"\n\
         namespace = \"apps\"\n",
        quoted(&argocd.url),
        quoted(&format!("file:{}", argocd.project_token.display())),
        path(&argocd.ca),
        quoted(&repository(argocd)),
    )
}

/// An environment's project of Argo CD: each has one of its own.
fn of_project(cluster: &Cluster, argocd: &ArgoCd, google: bool) -> String {
    let (project, token) = if google {
        let token =
            format!("token = {}, ", quoted(&format!("file:{}", argocd.google_token.display())));
        (&argocd.google_project, token)
    } else {
        (&argocd.project, String::new())
    };
    format!(
        "argocd = {{ server = \"main\", project = {}, {token}destination = {}, repos = [{}] }}\n",
        quoted(project),
        quoted(&cluster.kubernetes.endpoint),
        quoted(&repository(argocd)),
    )
}

fn repository(argocd: &ArgoCd) -> String {
    format!("file://{}", argocd.repository.display())
}

/// Writes a Terraform CLI configuration that takes providers from the mirror and from nowhere else.
pub(crate) fn write_cli_config(file: &Path, mirror: &Path) -> Result<()> {
    let path = Value::String(mirror.display().to_string());
    let text = format!(
        "disable_checkpoint = true\n\nprovider_installation {{\n  filesystem_mirror {{\n    \
         path = {path}\n  }}\n}}\n"
    );
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}
