//! A valid request for every tool of the catalogue, with no more than what the tool needs: all else is its default.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::Walk;
use super::ground::{BILLING, MANAGEMENT, STANDING};
use super::site::Site;

/// An operation that nobody ever asked for.
const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

/// The requests for a tool; `env` is the environment of AWS, `known` an operation of this client's. Terraform runs in Google
/// Cloud as well where the walk is a whole one. A tool that is not here fails by name.
pub(super) fn requests(
    tool: &str,
    site: &Site,
    walk: Walk,
    env: &str,
    known: &str,
) -> Result<Vec<Value>> {
    let in_both = |aws: &str, gcp: &str| {
        vec![json!({ "cloud": "aws", "env": aws }), json!({ "cloud": "gcp", "env": gcp })]
    };
    let of_terraform = || {
        let mut all = in_both(env, "dev");
        all.truncate(if walk == Walk::Whole { 2 } else { 1 });
        all
    };
    let release = || json!({ "kube_context": "aws-dev", "namespace": "apps", "release": STANDING });
    Ok(match tool {
        "apply_terraform" | "destroy_terraform" | "detect_drift" | "terraform_outputs" => {
            of_terraform()
        }
        "preflight" => in_both(env, "dev"),
        "bootstrap_state_backend" => in_both("new", "new"),
        "generate_kubeconfig" => {
            vec![json!({ "cloud": "aws", "env": "dev", "path": "kubeconfig" })]
        }
        "helm_deploy" => vec![json!({
            "kube_context": "aws-dev", "namespace": "apps", "release": site.fresh(),
            "chart_path": "helm/charts/example-data-app",
        })],
        "helm_rollback" | "helm_uninstall" | "helm_status" => vec![release()],
        "argo_create_app" => vec![json!({
            "app_name": site.fresh(), "manifest_repo": site.repository()?, "path": "web",
            "revision": "main", "dest_namespace": "apps",
        })],
        "argo_sync" | "argo_delete_app" | "argo_app_status" => {
            vec![json!({ "app_name": STANDING })]
        }
        "aws_create_account" => vec![json!({
            "organization": "aws", "email": format!("{}@example.com", site.fresh()),
            "account_name": site.fresh(),
        })],
        "gcp_create_project" => vec![json!({
            "organization": "google", "project_id": site.fresh(), "billing_account": BILLING,
        })],
        "list_environments" | "list_operations" => vec![json!({})],
        "get_operation" => vec![json!({ "id": known })],
        "cancel_operation" => vec![json!({ "id": NOBODYS })],
        other => bail!(
            "{other}: the walk has no request for this tool; give it one in xtask/src/suite/clients/requests.rs"
        ),
    })
}

/// The settings of the organizations that the requests name.
pub(super) fn organizations(number: &str, credentials: &str) -> String {
    format!(
        "[organizations.aws]\ntier = \"dev\"\naccount_id = \"{MANAGEMENT}\"\nregion = \"eu-west-1\"\n\
         role_arn = \"arn:aws:iam::{MANAGEMENT}:role/management\"\n\n\
         [organizations.google]\ncloud = \"gcp\"\ntier = \"dev\"\norganization_id = \"{number}\"\n\
         credentials = {{ source = \"file\", path = \"{credentials}\" }}\n\n"
    )
}
