//! References to secrets: settings say where a secret is, never what it is.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::surroundings::variable_name;
use super::valid::named;
use crate::error::{Error, Result};
use crate::model::reference::{AWS_SECRET as AWS, GCP_SECRET as GCP};
use crate::model::{Cloud, CloudSecret, Environment, EnvironmentKey, SecretRef, name, region};

/// How references are written.
const FORMS: &str = "env:NAME of an environment variable, file:PATH, aws-secretsmanager:NAME-OR-ARN[#KEY][@VERSION], \
                     gcp-secretmanager:[projects/P/secrets/]S[/versions/V][#KEY]";

/// Whose reference it is: the environment as which a cloud's secret is fetched, and where that may lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) key: &'a EnvironmentKey,
    /// Its account or project.
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    /// Other accounts and projects that settings allow.
    pub(super) others: &'a [String],
}

/// Understands one that belongs to an environment.
pub(super) fn secret(field: &str, given: &str, root: &Path, owner: Owner<'_>) -> Result<SecretRef> {
    match given.split_once(':') {
        Some((scheme @ (AWS | GCP), rest)) => {
            let cloud = if scheme == AWS { Cloud::Aws } else { Cloud::Gcp };
            if cloud != owner.key.cloud {
                let why = format!("is of another cloud than {}", owner.key);
                return Err(Error::invalid(field, given, why)
                    .allowed("env:NAME, file:PATH, or a secret of the environment's own cloud"));
            }
            match cloud {
                Cloud::Aws => aws(field, rest, owner).map(SecretRef::Aws),
                Cloud::Gcp => gcp(field, rest, owner).map(SecretRef::Gcp),
            }
        }
        _ => local(field, given, root),
    }
}

/// Understands one that belongs to no environment: a cloud's secret is fetched as the first environment of its account.
pub(super) fn anywhere(
    field: &str,
    given: &str,
    root: &Path,
    environments: &BTreeMap<EnvironmentKey, Environment>,
) -> Result<SecretRef> {
    let (cloud, account) = match given.split_once(':') {
        Some((AWS, rest)) => (Cloud::Aws, rest.split(':').nth(4)),
        Some((GCP, rest)) => (Cloud::Gcp, rest.strip_prefix("projects/")),
        _ => return local(field, given, root),
    };
    let account = account.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let found = environments.values().find(|e| e.key.cloud == cloud && e.account == account);
    let Some(found) = found else {
        let why = "names no account or project of an environment";
        return Err(Error::invalid(field, given, why)
            .allowed("the whole ARN, or projects/P/secrets/S, in one that an environment is in"));
    };
    let owner =
        Owner { key: &found.key, account: &found.account, region: &found.region, others: &[] };
    secret(field, given, root, owner)
}

/// Checks the plain variables of an environment: their names, and that none is meant to be a secret.
pub(super) fn plain_vars(
    given: &BTreeMap<String, Value>,
    field: impl Fn(&str) -> String,
) -> Result<()> {
    for (variable, value) in given {
        name::variable(variable).map_err(|bad| named(&field("vars"), variable, &bad))?;
        if SecretRef::is_written_in(value) {
            let why = "is a reference to a secret, and of a plain variable it would be the text";
            return Err(Error::invalid(field(&format!("vars.{variable}")), "(not shown)", why)
                .allowed("references under `secret_vars`, one for a whole variable")
                .next(format!("move it to secret_vars.{variable}")));
        }
    }
    Ok(())
}

/// The variables of an environment whose values are secrets.
pub(super) fn secret_vars(
    given: &BTreeMap<String, String>,
    plain: &BTreeMap<String, Value>,
    root: &Path,
    owner: Owner<'_>,
    field: impl Fn(&str) -> String,
) -> Result<BTreeMap<String, SecretRef>> {
    let one = |(variable, reference): (&String, &String)| {
        let key = field("secret_vars");
        name::variable(variable).map_err(|bad| named(&key, variable, &bad))?;
        if plain.contains_key(variable) {
            return Err(Error::invalid(key, variable, "is among `vars` as well")
                .next("leave it out of `vars`"));
        }
        let found = secret(&format!("{key}.{variable}"), reference, root, owner)?;
        Ok((variable.clone(), found))
    };
    given.iter().map(one).collect()
}

/// A variable or a file. Whatever has another form may be a secret itself, and is not repeated.
pub(super) fn local(field: &str, given: &str, root: &Path) -> Result<SecretRef> {
    let found = match given.split_once(':') {
        Some(("env", name)) if variable_name(name) => Some(SecretRef::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Some(SecretRef::File(root.join(path))),
        _ => None,
    };
    found.ok_or_else(|| {
        Error::invalid(field, "(not shown)", "is not a reference to a secret")
            .allowed(FORMS)
            .next("put the secret into a variable, a file of its own or a secret manager, and take it out of the settings")
    })
}

/// Takes `@VERSION` and `#KEY` off the end.
fn parts(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (text, version) = match text.rsplit_once('@') {
        Some((before, version)) => (before, Some(version)),
        None => (text, None),
    };
    match text.split_once('#') {
        Some((name, key)) => (name, Some(key), version),
        None => (text, None, version),
    }
}

fn wrong(field: &str, given: &str, why: &str, allowed: &str) -> Error {
    Error::invalid(field, given, why).allowed(allowed)
}

/// Refuses an empty or strange key or version: both go into requests.
fn plain(field: &str, given: &str, part: Option<&str>, what: &str) -> Result<Option<String>> {
    let fits = |text: &str| {
        (1..=256).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
    };
    match part {
        Some(text) if !fits(text) => {
            let allowed = "1 to 256 printable characters without blanks, quotes and backslashes";
            Err(wrong(field, given, &format!("has a {what} that cannot be one"), allowed))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

/// `NAME` or `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`, with what may follow.
fn aws(field: &str, given: &str, owner: Owner<'_>) -> Result<CloudSecret> {
    let (id, key, version) = parts(given);
    let (region, account) = match id.strip_prefix("arn:") {
        Some(_) => {
            let (region, account) = arn(field, id)?;
            permitted(field, given, account, owner)?;
            (region, account)
        }
        None => (owner.region, owner.account),
    };
    let name = id.rsplit(':').next().unwrap_or(id);
    // Secrets Manager reference, "CreateSecret": Name.
    let fits = (1..=512).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c));
    if !fits || (!id.starts_with("arn:") && id.contains(':')) {
        let allowed = "a name (1 to 512 of A-Z, a-z, 0-9 and /_+=.@-) or an ARN";
        return Err(wrong(field, given, "does not name a secret of AWS", allowed));
    }
    Ok(CloudSecret {
        environment: owner.key.clone(),
        account: account.to_owned(),
        region: Some(region.to_owned()),
        name: id.to_owned(),
        key: plain(field, given, key, "key")?,
        version: plain(field, given, version, "version")?,
    })
}

/// Region and account of an ARN of Secrets Manager.
fn arn<'a>(field: &str, id: &'a str) -> Result<(&'a str, &'a str)> {
    const FORM: &str = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME";
    let parts: Vec<&str> = id.splitn(7, ':').collect();
    let ["arn", partition, service, at, account, "secret", _] = parts.as_slice() else {
        return Err(wrong(field, id, "is not the ARN of a secret", FORM));
    };
    if *partition != "aws" || region::is_other_partition(at) {
        return Err(wrong(field, id, "is of another partition of AWS", FORM));
    }
    if *service != "secretsmanager" {
        return Err(wrong(field, id, "is the ARN of another service", FORM));
    }
    if name::aws_region(at).is_err() || name::aws_account(account).is_err() {
        return Err(wrong(field, id, "is not the ARN of a secret", FORM));
    }
    Ok((at, account))
}

/// Refuses an account or project that is neither the environment's nor listed.
fn permitted(field: &str, given: &str, account: &str, owner: Owner<'_>) -> Result<()> {
    if account == owner.account || owner.others.iter().any(|other| other == account) {
        return Ok(());
    }
    let why = format!("is in {account}, and {} is in {}", owner.key, owner.account);
    Err(wrong(field, given, &why, "a secret of the environment's own account or project")
        .next(format!("if it is meant, list {account} under [secrets] accounts")))
}

/// `S` or `projects/P/secrets/S`, then `/versions/V`, with what may follow.
fn gcp(field: &str, given: &str, owner: Owner<'_>) -> Result<CloudSecret> {
    const FORM: &str =
        "S, or projects/P/secrets/S, with /versions/V or @V where one version is meant";
    let (path, key, at) = parts(given);
    let pieces: Vec<&str> = path.split('/').collect();
    let (project, secret, version) = match pieces.as_slice() {
        [secret] => (None, *secret, None),
        [secret, "versions", version] => (None, *secret, Some(*version)),
        ["projects", project, "secrets", secret] => (Some(*project), *secret, None),
        ["projects", project, "secrets", secret, "versions", version] => {
            (Some(*project), *secret, Some(*version))
        }
        _ => return Err(wrong(field, given, "does not name a secret of Google", FORM)),
    };
    // Secret Manager reference, "projects.secrets.create": secretId; aliases of versions are like it.
    let fits = |text: &str| {
        (1..=255).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let named = [Some(secret), version, at];
    if !named.into_iter().flatten().all(fits) || (version.is_some() && at.is_some()) {
        return Err(wrong(field, given, "does not name a secret of Google", FORM));
    }
    if let Some(project) = project {
        name::gcp_project(project)
            .map_err(|bad| wrong(field, given, "does not name a project", &bad.allowed))?;
        permitted(field, given, project, owner)?;
    }
    Ok(CloudSecret {
        environment: owner.key.clone(),
        account: project.unwrap_or(owner.account).to_owned(),
        region: None,
        name: secret.to_owned(),
        key: plain(field, given, key, "key")?,
        version: version.or(at).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db/main-AbCdEf";

    fn read(cloud: Cloud, given: &str, others: &[String]) -> Result<SecretRef> {
        let key = EnvironmentKey { cloud, name: "dev".into() };
        let (account, region) = match cloud {
            Cloud::Aws => ("123456789012", "eu-central-1"),
            Cloud::Gcp => ("acme-dev-4711", "europe-west1"),
        };
        let owner = Owner { key: &key, account, region, others };
        secret("token", given, Path::new("/project"), owner)
    }

    fn of(cloud: Cloud, given: &str) -> (String, Option<String>, Option<String>, String) {
        let found = read(cloud, given, &[]).unwrap();
        let found = found.in_cloud().unwrap().clone();
        (found.name, found.key, found.version, found.region.unwrap_or(found.account))
    }

    #[test]
    fn references_are_read_with_key_and_version() {
        let some = |text: &str| Some(text.to_owned());
        let here = "eu-central-1".to_owned();
        for (given, name, key, version, region) in [
            ("aws-secretsmanager:db", "db", None, None, &here),
            ("aws-secretsmanager:db#user", "db", some("user"), None, &here),
            ("aws-secretsmanager:db@AWSPREVIOUS", "db", None, some("AWSPREVIOUS"), &here),
            ("aws-secretsmanager:a/b#user@v1", "a/b", some("user"), some("v1"), &here),
            // The last @ begins the version: a name that holds one needs a version behind it.
            ("aws-secretsmanager:me@host@AWSCURRENT", "me@host", None, some("AWSCURRENT"), &here),
            (&format!("aws-secretsmanager:{ARN}"), ARN, None, None, &"eu-west-1".to_owned()),
        ] {
            let expected = (name.to_owned(), key, version, region.clone());
            assert_eq!(of(Cloud::Aws, given), expected, "{given}");
        }
        let own = "acme-dev-4711".to_owned();
        for (given, key, version) in [
            ("gcp-secretmanager:db", None, None),
            ("gcp-secretmanager:db@3", None, some("3")),
            ("gcp-secretmanager:db/versions/3#user", some("user"), some("3")),
            ("gcp-secretmanager:projects/acme-dev-4711/secrets/db", None, None),
            ("gcp-secretmanager:projects/acme-dev-4711/secrets/db/versions/7", None, some("7")),
        ] {
            let expected = ("db".to_owned(), key, version, own.clone());
            assert_eq!(of(Cloud::Gcp, given), expected, "{given}");
        }
        assert_eq!(read(Cloud::Aws, "env:A", &[]).unwrap(), SecretRef::Env("A".into()));
        let file = read(Cloud::Gcp, "file:a/b", &[]).unwrap();
        assert_eq!(file, SecretRef::File("/project/a/b".into()));
    }

    #[test]
    fn bad_inputs_61_and_63_arns_of_another_partition_or_service() {
        for (given, why) in [
            (ARN.replace("arn:aws:", "arn:aws-cn:"), "another partition"),
            (ARN.replace("eu-west-1", "us-gov-west-1"), "another partition"),
            (ARN.replace(":secretsmanager:", ":ssm:"), "another service"),
            ("arn:aws:s3:::bucket".to_owned(), "not the ARN of a secret"),
            (ARN.replace("123456789012", "12345"), "not the ARN of a secret"),
        ] {
            let error = read(Cloud::Aws, &format!("aws-secretsmanager:{given}"), &[]).unwrap_err();
            assert!(error.message.contains(why), "{given}: {error}");
            assert_eq!(error.field.as_deref(), Some("token"));
            assert!(error.allowed.is_some());
        }
    }

    #[test]
    fn a_secret_of_another_account_is_listed_or_refused() {
        for (cloud, given, account) in [
            (
                Cloud::Aws,
                format!("aws-secretsmanager:{ARN}").replace("123456789012", "222222222222"),
                "222222222222",
            ),
            (
                Cloud::Gcp,
                "gcp-secretmanager:projects/other-4711/secrets/s".to_owned(),
                "other-4711",
            ),
        ] {
            let error = read(cloud, &given, &[]).unwrap_err();
            assert!(error.message.contains(account), "{error}");
            assert!(error.next.unwrap().contains("[secrets] accounts"));
            let found = read(cloud, &given, &[account.to_owned()]).unwrap();
            assert_eq!(found.in_cloud().unwrap().account, account);
        }
        let error = read(Cloud::Aws, "gcp-secretmanager:s", &[]).unwrap_err();
        assert!(error.message.contains("another cloud"), "{error}");
    }

    #[test]
    fn promise_7_what_is_no_reference_is_not_repeated() {
        for given in ["hunter22", "env:", "env:a b", "file:", "vault:hunter22", ""] {
            let error = read(Cloud::Aws, given, &[]).unwrap_err();
            assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
            assert!(error.allowed.unwrap().contains("aws-secretsmanager:"));
        }
        for given in ["", "#k", "a b", "db#", "db@", "a:b", "db#a b"] {
            assert!(
                read(Cloud::Aws, &format!("aws-secretsmanager:{given}"), &[]).is_err(),
                "{given}"
            );
        }
        for given in ["", "a/b", "a.b", "s/versions/1@2", "projects/X/secrets/s", "s#", "../s"] {
            assert!(
                read(Cloud::Gcp, &format!("gcp-secretmanager:{given}"), &[]).is_err(),
                "{given}"
            );
        }
    }
}
