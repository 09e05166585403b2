//! Environments of Google Cloud in settings. Nothing is looked for here: no file, no variable.

use std::path::{Path, PathBuf};

use super::raw::{GcpCredentials, GcpEnvironment, GcpOrganization, Raw, State};
use super::reference::{Owner, plain_vars, secret_vars};
use super::url::url;
use super::valid::{named, split_folder, tier, workspace};
use super::{argocd, cluster, state};
use crate::error::{Error, Result};
use crate::model::name::{self, nearest};
use crate::model::{
    Backend, Cloud, CredentialSource, Environment, EnvironmentKey, GoogleAccess, GoogleBounds,
    GoogleSource, Organization, Tier, region,
};

/// The environment that an entry under `[environments.gcp]` means.
pub(super) fn environment(
    name: &str,
    env: &GcpEnvironment,
    raw: &Raw,
    root: &Path,
) -> Result<Environment> {
    let field = |key: &str| format!("environments.gcp.{name}.{key}");
    name::environment(name)
        .map_err(|bad| named(&format!("environments.gcp.{name}"), name, &bad))?;
    name::gcp_project(&env.project_id)
        .map_err(|bad| named(&field("project_id"), &env.project_id, &bad))?;
    name::gcp_region(&env.region).map_err(|bad| {
        let error = named(&field("region"), &env.region, &bad);
        match nearest(&env.region, region::GOOGLE) {
            Some(near) => error.next(format!("did you mean {near}")),
            None => error,
        }
    })?;
    plain_vars(&env.vars, field)?;
    if matches!(env.state, State::S3 { .. }) {
        return Err(Error::invalid(field("state.backend"), "s3", "needs credentials of AWS")
            .allowed("gcs, cloud, local"));
    }
    let key = EnvironmentKey { cloud: Cloud::Gcp, name: name.to_owned() };
    let owner = Owner {
        key: &key,
        account: &env.project_id,
        region: &env.region,
        others: &raw.secrets.accounts,
    };
    let secret_vars = secret_vars(&env.secret_vars, &env.vars, root, owner, field)?;
    let backend = state::backend(&env.state, raw, root, owner, field)?;
    let workspace = workspace(&field("workspace"), env.workspace.as_deref(), &backend)?;
    let folder = env.folder.clone().unwrap_or_else(|| PathBuf::from("infra/gcp/envs").join(name));
    let (tree, module) = split_folder(&field("folder"), &folder, root)?;
    let cluster =
        env.cluster.as_ref().map(|c| cluster::cluster(c, &key, root, field)).transpose()?;
    let argocd =
        env.argocd.as_ref().map(|a| argocd::project(a, raw, root, owner, field)).transpose()?;
    let tier = tier(&env.tier, raw, &field("tier"))?;
    if let Backend::Gcs { emulator: Some(given), .. } = &backend {
        near_production("storage_emulator", given, &tier)?;
    }
    Ok(Environment {
        organization: None,
        member_role: None,
        key,
        endpoint_url: endpoint(raw, &tier)?,
        tier,
        tree,
        root: module,
        account: env.project_id.clone(),
        region: env.region.clone(),
        backend,
        workspace,
        vars: env.vars.clone(),
        secret_vars,
        credentials: CredentialSource::Google(access(
            (env.credentials.as_ref(), &env.impersonate),
            root,
            &field,
        )?),
        role: None,
        session_duration_s: None,
        mfa: None,
        ca_bundle: None,
        cluster,
        argocd,
    })
}

/// The organization that these settings mean, as what an operation walks with.
pub(super) fn organization(
    name: &str,
    given: &GcpOrganization,
    raw: &Raw,
    root: &Path,
) -> Result<Environment> {
    let field = |key: &str| format!("organizations.{name}.{key}");
    name::gcp_number(&given.organization_id)
        .map_err(|bad| named(&field("organization_id"), &given.organization_id, &bad))?;
    for parent in &given.parents {
        name::gcp_parent(parent).map_err(|bad| named(&field("parents"), parent, &bad))?;
    }
    for account in &given.billing_accounts {
        name::gcp_billing_account(account)
            .map_err(|bad| named(&field("billing_accounts"), account, &bad))?;
    }
    for (key, value) in &given.labels {
        name::google_label(key, value)
            .map_err(|bad| named(&field("labels"), &format!("{key}={value}"), &bad))?;
    }
    let tier = tier(&given.tier, raw, &field("tier"))?;
    let access = access((given.credentials.as_ref(), &given.impersonate), root, &field)?;
    Ok(Environment {
        organization: Some(Organization {
            name: name.to_owned(),
            units: given.parents.clone(),
            email_domains: Vec::new(),
            member: false,
            google: Some(GoogleBounds {
                number: given.organization_id.clone(),
                billing_accounts: given.billing_accounts.clone(),
                labels: given.labels.clone(),
            }),
        }),
        member_role: None,
        key: EnvironmentKey { cloud: Cloud::Gcp, name: name.to_owned() },
        endpoint_url: endpoint(raw, &tier)?,
        tier,
        tree: PathBuf::new(),
        root: PathBuf::new(),
        account: format!("organizations/{}", given.organization_id),
        region: "global".to_owned(),
        backend: Backend::Local { path: PathBuf::new() },
        workspace: None,
        vars: std::collections::BTreeMap::new(),
        secret_vars: std::collections::BTreeMap::new(),
        credentials: CredentialSource::Google(access),
        role: None,
        session_duration_s: None,
        mfa: None,
        ca_bundle: None,
        cluster: None,
        argocd: None,
    })
}

fn access(
    (credentials, impersonate): (Option<&GcpCredentials>, &[String]),
    root: &Path,
    field: &dyn Fn(&str) -> String,
) -> Result<GoogleAccess> {
    let (source, executables) = match credentials {
        None => (GoogleSource::ApplicationDefault, Vec::new()),
        Some(GcpCredentials::ApplicationDefault { executables }) => {
            (GoogleSource::ApplicationDefault, executables.clone())
        }
        Some(GcpCredentials::File { path, executables }) => {
            (GoogleSource::File { path: root.join(path) }, executables.clone())
        }
        Some(GcpCredentials::Metadata {}) => (GoogleSource::Metadata, Vec::new()),
    };
    if let Some(wrong) = executables.iter().find(|path| !path.is_absolute()) {
        let (key, given) = (field("credentials.executables"), wrong.display().to_string());
        return Err(
            Error::invalid(key, given, "is not the path of a program").allowed("absolute paths")
        );
    }
    let access = GoogleAccess { source, executables, impersonate: impersonate.to_vec() };
    access.check().map_err(|(key, given, bad)| named(&field(key), given, &bad))?;
    Ok(access)
}

/// The stand-in that answers in place of Google. Never for a production tier: what it says would be taken for the truth.
fn endpoint(raw: &Raw, tier: &Tier) -> Result<Option<String>> {
    let Some(given) = &raw.gcp.endpoint_url else { return Ok(None) };
    let place = url("gcp.endpoint_url", given, true)?;
    near_production("endpoint_url", given, tier)?;
    Ok(Some(place))
}

/// Refuses a stand-in beside a production tier.
fn near_production(key: &str, given: &str, tier: &Tier) -> Result<()> {
    if !tier.typed_name && !tier.approver_other_than_requester {
        return Ok(());
    }
    let why = format!("stands in for Google beside an environment of tier {}", tier.name);
    Err(Error::invalid(format!("gcp.{key}"), given, why)
        .next(format!("remove [gcp] {key}, or keep that environment in other settings")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::check;

    const GOOD: &str = r#"
project = "acme"
[environments.gcp.dev]
tier = "dev"
project_id = "acme-dev-4711"
region = "europe-west1"
state = { backend = "gcs", bucket = "acme-dev-tfstate", prefix = "dev" }
[tiers.dev]
"#;

    fn dev(text: &str) -> Result<Environment> {
        check(text)?.environment(Cloud::Gcp, "dev").cloned()
    }

    fn with(more: &str) -> Result<Environment> {
        dev(&GOOD.replace("[tiers.dev]", &format!("{more}\n[tiers.dev]")))
    }

    #[test]
    fn an_environment_of_google_cloud_is_known_by_cloud_and_name() {
        let dev = dev(GOOD).unwrap();
        assert_eq!(dev.key.to_string(), "gcp/dev");
        assert_eq!(dev.account, "acme-dev-4711");
        assert!(dev.tree.ends_with("infra/gcp") && dev.root.ends_with("envs/dev"));
        assert_eq!(dev.credentials.words(), "application default credentials");
        check(GOOD).unwrap().environment(Cloud::Aws, "dev").unwrap_err();
    }

    #[test]
    fn bad_input_65_a_project_id_that_is_none_is_refused_with_the_rule() {
        for wrong in ["My Project", "acme", "acme-dev-", "4711-acme"] {
            let error = dev(&GOOD.replace("acme-dev-4711", wrong)).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("environments.gcp.dev.project_id"));
            assert_eq!(error.given.as_deref(), Some(wrong));
        }
        let error = dev(&GOOD.replace("europe-west1", "europe-wset1")).unwrap_err();
        assert_eq!(error.next.as_deref(), Some("did you mean europe-west1"));
    }

    #[test]
    fn sources_and_chains_are_read_and_checked() {
        let file = with(
            "credentials = { source = \"file\", path = \"wif.json\", executables = [\"/opt/token\"] }\n\
             impersonate = [\"a@acme-dev-4711.iam.gserviceaccount.com\", \"b@acme-dev-4711.iam.gserviceaccount.com\"]",
        )
        .unwrap();
        assert_eq!(
            file.credentials.words(),
            "service account b@acme-dev-4711.iam.gserviceaccount.com by credentials file /project/wif.json"
        );
        assert_eq!(
            with("credentials = { source = \"metadata\" }").unwrap().credentials.words(),
            "metadata server"
        );
        let wrong = with("impersonate = [\"me@example.com\"]").unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("environments.gcp.dev.impersonate"));
        let wrong =
            with("credentials = { source = \"file\", path = \"a\", executables = [\"sh\"] }");
        assert!(wrong.unwrap_err().field.unwrap().ends_with("credentials.executables"));
    }

    #[test]
    fn clusters_have_a_location_and_no_role() {
        let cluster =
            with("cluster = { name = \"acme\", location = \"europe-west1-b\" }").unwrap().cluster;
        let cluster = cluster.unwrap();
        assert_eq!(cluster.context, "gcp-dev");
        assert_eq!(cluster.location.as_deref(), Some("europe-west1-b"));
        for (wrong, key) in [
            ("{ name = \"a/b\" }", "cluster.name"),
            ("{ name = \"acme\", location = \"eu-west-1\" }", "cluster.location"),
            (
                "{ name = \"acme\", role_arn = \"arn:aws:iam::123456789012:role/x\" }",
                "cluster.role_arn",
            ),
        ] {
            let error = with(&format!("cluster = {wrong}")).unwrap_err();
            assert_eq!(error.field, Some(format!("environments.gcp.dev.{key}")), "{wrong}");
        }
    }

    #[test]
    fn a_stand_in_is_near_or_over_tls_and_never_beside_production() {
        let with = |url: &str| dev(&format!("{GOOD}\n[gcp]\nendpoint_url = \"{url}\"\n"));
        let near = with("http://127.0.0.1:5000/_google").unwrap();
        assert_eq!(near.endpoint_url.as_deref(), Some("http://127.0.0.1:5000/_google"));
        for wrong in
            ["http://example.com", "http://169.254.169.254", "file:///x", "https://u@example.com"]
        {
            assert_eq!(with(wrong).unwrap_err().field.as_deref(), Some("gcp.endpoint_url"));
        }
        let prod = GOOD.replace("\"dev\"\nproject_id", "\"prod\"\nproject_id");
        let prod = prod.replace("[tiers.dev]", "[tiers.prod]");
        dev(&prod).unwrap();
        let refused = dev(&format!("{prod}\n[gcp]\nendpoint_url = \"http://127.0.0.1:1\"\n"));
        assert_eq!(refused.unwrap_err().field.as_deref(), Some("gcp.endpoint_url"));
    }
}
