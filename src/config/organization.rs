//! Organizations in settings: where accounts are made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::credentials;
use super::google;
use super::raw::{self, AwsEnvironment, Raw};
use super::valid::{check_region, named, tier};
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, nearest};
use crate::model::{Backend, Cloud, Environment, EnvironmentKey, Organization};

/// The organization that these settings mean, as what an operation walks with.
pub(super) fn organization(
    name: &str,
    given: &raw::Organization,
    raw: &Raw,
    root: &Path,
) -> Result<Environment> {
    name::environment(name).map_err(|bad| named(&format!("organizations.{name}"), name, &bad))?;
    match given {
        raw::Organization::Aws(given) => of_aws(name, given, raw, root),
        raw::Organization::Gcp(given) => google::organization(name, given, raw, root),
    }
}

fn of_aws(name: &str, given: &raw::AwsOrganization, raw: &Raw, root: &Path) -> Result<Environment> {
    let field = |key: &str| format!("organizations.{name}.{key}");
    name::aws_account(&given.account_id)
        .map_err(|bad| named(&field("account_id"), &given.account_id, &bad))?;
    check_region(&field("region"), &given.region)?;
    for unit in &given.units {
        name::unit(unit).map_err(|bad| named(&field("units"), unit, &bad))?;
    }
    for domain in &given.email_domains {
        name::email_domain(domain).map_err(|bad| named(&field("email_domains"), domain, &bad))?;
    }
    let access = access(given);
    let nowhere = Backend::Local { path: PathBuf::new() };
    Ok(Environment {
        key: EnvironmentKey { cloud: Cloud::Aws, name: name.to_owned() },
        tier: tier(&given.tier, raw, &field("tier"))?,
        tree: PathBuf::new(),
        root: PathBuf::new(),
        account: given.account_id.clone(),
        region: given.region.clone(),
        backend: nowhere,
        workspace: None,
        vars: BTreeMap::new(),
        credentials: credentials::source(&access, root, &field)?,
        role: credentials::role(&access, &field)?,
        session_duration_s: credentials::duration(&access, &field)?,
        mfa: credentials::mfa(&access, root, &field)?,
        endpoint_url: raw.aws.endpoint_url.clone(),
        ca_bundle: raw.aws.ca_bundle.as_ref().map(|path| root.join(path)),
        cluster: None,
        argocd: None,
        organization: Some(Organization {
            name: name.to_owned(),
            units: given.units.clone(),
            email_domains: given.email_domains.clone(),
            member: false,
            google: None,
        }),
        secret_vars: BTreeMap::new(),
        member_role: None,
    })
}

/// What it says about credentials, said as an environment says it.
fn access(given: &raw::AwsOrganization) -> AwsEnvironment {
    AwsEnvironment {
        tier: given.tier.clone(),
        account_id: given.account_id.clone(),
        region: given.region.clone(),
        state: raw::State::Local { path: PathBuf::new() },
        folder: None,
        workspace: None,
        vars: BTreeMap::new(),
        secret_vars: BTreeMap::new(),
        profile: given.profile.clone(),
        credentials: given.credentials.clone(),
        role_arn: given.role_arn.clone(),
        external_id: given.external_id.clone(),
        session_duration_s: given.session_duration_s,
        mfa: given.mfa.clone(),
        cluster: None,
        argocd: None,
    }
}

/// The organization of this name; left out, the only one. With a cloud, those of other clouds are not meant.
pub(super) fn by_name<'c>(
    organizations: &'c BTreeMap<String, Environment>,
    cloud: Option<Cloud>,
    name: Option<&str>,
) -> Result<&'c Environment> {
    let meant = |at: &&Environment| cloud.is_none_or(|cloud| at.key.cloud == cloud);
    let mut all = organizations.values().filter(meant);
    let found = match (name, all.next(), all.next()) {
        (Some(name), ..) => organizations.get(name).filter(meant),
        (None, only @ Some(_), None) => only,
        (None, ..) => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let known = organizations.values().filter(meant).map(|at| at.key.name.as_str());
    let known: Vec<&str> = known.collect();
    let allowed = if known.is_empty() { "(none configured)".to_owned() } else { known.join(", ") };
    let why = match (name, known.is_empty()) {
        (None, false) => "is missing, and there is more than one",
        _ => "is not configured",
    };
    let error = Error::new(ErrorCode::UnknownEnvironment, format!("organization {why}"))
        .field("organization")
        .given(name.unwrap_or_default())
        .allowed(allowed);
    Err(match name.and_then(|name| nearest(name, known)) {
        Some(near) => error.next(format!("did you mean {near}")),
        None => error.next("name one of them, or add [organizations.NAME] to the settings"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config, Surroundings};
    use crate::model::{CredentialSource, Target};

    const SETTINGS: &str = r#"
        project = "acme"
        [organizations.acme]
        tier = "prod"
        account_id = "210987654321"
        region = "eu-west-1"
        profile = "management"
        role_arn = "arn:aws:iam::210987654321:role/datamcp"
        units = ["ou-ab12-11111111", "r-ab12"]
        email_domains = ["example.com"]
        [tiers.prod]
    "#;

    fn config(from: &str, to: &str) -> Result<Config> {
        assert!(SETTINGS.contains(from));
        let text = SETTINGS.replacen(from, to, 1);
        let raw = config::parse(&text, Path::new("/project/datamcp.toml"))?;
        Config::check(raw, Path::new("/project"), &Surroundings::read()?)
    }

    #[test]
    fn an_organization_has_a_tier_an_identity_and_a_target_of_its_own() {
        let config = config("acme", "acme").unwrap();
        let found = config.organization(None, None).unwrap();
        assert_eq!(found.target(), Target::Organization("acme".into()));
        assert_eq!(found.target().to_string(), "organization/acme");
        assert_eq!(found.account, "210987654321");
        assert!(found.tier.typed_name);
        assert_eq!(found.credentials, CredentialSource::Profile { profile: "management".into() });
        assert!(config.environments().next().is_none(), "it is not an environment");
        assert_eq!(config.site(&found.target()).unwrap(), found);
        let rules = found.organization.as_ref().unwrap();
        assert!(rules.takes("r-ab12") && !rules.takes("ou-ab12-22222222"));
        assert!(rules.knows("aws+one@Example.com") && !rules.knows("a@b.example.com"));
    }

    #[test]
    fn bad_input_62_settings_of_an_organization_are_checked() {
        for (from, to, field) in [
            ("210987654321", "21098765432", "account_id"),
            ("eu-west-1", "eu-west-l", "region"),
            ("r-ab12", "r-AB12", "units"),
            ("ou-ab12-11111111", "ou-ab12", "units"),
            ("example.com\"]", "@example.com\"]", "email_domains"),
            ("tier = \"prod\"", "tier = \"dev\"", "tier"),
            ("role_arn", "external_id = \"x1\"\n#", "external_id"),
        ] {
            let error = config(from, to).unwrap_err();
            assert_eq!(error.field, Some(format!("organizations.acme.{field}")), "{error}");
        }
        let error = config("units", "ous").unwrap_err();
        assert!(error.message.contains("unknown field `ous`"), "{error}");
    }

    #[test]
    fn an_organization_that_is_not_there_is_refused_with_the_known_ones() {
        let config = config("acme", "acme").unwrap();
        let error = config.organization(Some(Cloud::Aws), Some("amce")).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnknownEnvironment);
        assert_eq!(error.allowed.as_deref(), Some("acme"));
        assert_eq!(error.next.as_deref(), Some("did you mean acme"));
    }
}
