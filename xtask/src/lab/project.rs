//! A user's project for the lab: copies of `infra/` and the charts, and a `datamcp.toml` that points to the emulator.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use toml::Value;
use walkdir::WalkDir;

use super::Lab;
use crate::child;
use crate::place::Checkout;

/// Lays the project folder anew from this checkout.
pub(super) fn lay(lab: &Lab, checkout: &Checkout) -> Result<()> {
    let infra = lab.project.join("infra");
    if infra.exists() {
        fs::remove_dir_all(&infra).with_context(|| format!("clearing {}", infra.display()))?;
    }
    copy_tree(&checkout.top().join("infra"), &infra)?;
    let charts = lab.project.join("helm/charts");
    if charts.exists() {
        fs::remove_dir_all(&charts).with_context(|| format!("clearing {}", charts.display()))?;
    }
    copy_tree(&checkout.top().join("helm/charts"), &charts)?;
    let file = lab.project.join("datamcp.toml");
    fs::write(&file, configuration(lab)?).with_context(|| format!("writing {}", file.display()))
}

/// Copies `infra/` without what Terraform leaves behind in a work folder.
pub(crate) fn copy_infra(checkout: &Checkout, to: &Path) -> Result<()> {
    copy_tree(&checkout.top().join("infra"), to)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
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

/// The `datamcp.toml` of the project.
pub(super) fn configuration(lab: &Lab) -> Result<String> {
    let user = child::capture(Command::new("id").arg("-un"))?;
    let quoted = |text: &str| Value::String(text.to_owned()).to_string();
    let path = |path: &Path| quoted(&path.display().to_string());
    let helm = lab.cluster.as_ref().map_or_else(String::new, |cluster| {
        format!("\n[helm]\nbinary = {}\n", path(&cluster.kubernetes.helm))
    });
    let argocd = lab.cluster.as_ref().and_then(|cluster| cluster.argocd.as_ref());
    let server = argocd.map_or_else(String::new, |argocd| {
        format!(
            "\n[argocd.main]\nurl = {}\ntoken = {}\nca = {}\n",
            quoted(&argocd.url),
            quoted(&format!("file:{}", argocd.project_token.display())),
            path(&argocd.ca),
        )
    });
    let project = match (argocd, &lab.cluster) {
        (Some(argocd), Some(cluster)) => format!(
            "argocd = {{ server = \"main\", project = {}, destination = {}, repos = [{}] }}\n",
            quoted(&argocd.project),
            quoted(&cluster.kubernetes.endpoint),
            quoted(&format!("file://{}", argocd.repository.display())),
        ),
        _ => String::new(),
    };
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

[tiers.dev]
auto_approve = []

[principals.agent]
os_user = {user}
roles = ["change", "destroy"]
"#,
        binary = path(&lab.terraform.path),
        mirror = path(&lab.terraform.provider_mirror),
        endpoint = quoted(&lab.aws.endpoint),
        account = quoted(&lab.aws.account_id),
        number = lab.aws.account_id,
        region = quoted(&lab.aws.region),
        bucket = quoted(&lab.aws.state_bucket),
        user = quoted(user.trim()),
    ))
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
