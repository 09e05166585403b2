//! Profiles of the shared AWS configuration, read as "AWS SDKs and Tools Reference Guide" describes them: role chaining
//! by `source_profile` and `credential_source`, IAM Identity Center, web identity, `credential_process`, access keys.
//!
//! Differs from the SDK's own reading on purpose: every role session bears our name and lasts `duration_seconds`, a
//! credential process has a limit, and metadata is asked only where the profile names it.

use std::collections::HashMap;

use aws_config::profile::{Profile, ProfileSet};
use aws_credential_types::Credentials;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

use super::chain::{Base, Chain, Command, Hop, Sso, Token, in_variables};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Mfa, name};
use crate::secret::Variables;

/// Keys that say that a profile leads to credentials.
const LEADS: [&str; 7] = [
    "aws_access_key_id",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "sso_account_id",
    "web_identity_token_file",
];

/// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, else those in `~/.aws`.
pub(super) async fn load(variables: &Variables, doing: &str) -> Result<ProfileSet> {
    let files = EnvConfigFiles::default();
    let loaded = aws_config::profile::load(&Fs::real(), &env(variables), &files, None).await;
    loaded.map_err(|e| {
        Error::new(
            ErrorCode::InvalidRequest,
            format!("{doing}: reading the shared AWS configuration: {e}"),
        )
        .next("mend the file; `aws configure list` reads the same one")
    })
}

/// Whether a profile leads to credentials at all.
pub(super) fn has_credentials(files: &ProfileSet, name: &str) -> bool {
    files.get_profile(name).is_some_and(|p| LEADS.iter().any(|key| p.get(key).is_some()))
}

/// The region that a profile names, or `default` where none is meant.
pub(in crate::adapter::aws) async fn region(
    variables: &Variables,
    profile: Option<&str>,
    doing: &str,
) -> Result<Option<String>> {
    let files = load(variables, doing).await?;
    let found = files.get_profile(profile.unwrap_or("default"));
    Ok(found.and_then(|profile| profile.get("region")).map(str::to_owned))
}

/// What a profile leads to.
pub(super) fn chain(
    files: &ProfileSet,
    name: &str,
    variables: &Variables,
    doing: &str,
) -> Result<Chain> {
    let reader = Reader { files, variables, doing };
    let mut visited: Vec<&str> = Vec::new();
    let mut hops = Vec::new();
    let mut mfa: Option<&str> = None;
    let mut endpoint = None;
    let mut current = name;
    let base = loop {
        let profile = reader.profile(current, visited.last().copied())?;
        let turned = ["endpoint_url", "services"].into_iter().find(|k| profile.get(k).is_some());
        endpoint = endpoint.or(turned.map(|key| format!("{key} of profile {current}")));
        if visited.contains(&current) {
            return Err(reader.wrong(current, "source_profile leads around in a circle"));
        }
        // A profile that another one names for its keys gives its own first ("source_profile").
        if !visited.is_empty() && profile.get("aws_access_key_id").is_some() {
            break reader.access_keys(profile)?;
        }
        visited.push(current);
        match reader.role(profile)? {
            None => break reader.base(profile)?,
            Some((hop, next)) => {
                hops.push(hop);
                mfa = reader.factor(profile, mfa)?;
                match next {
                    Some(next) if next != current => current = next,
                    _ => break reader.base(profile)?,
                }
            }
        }
    };
    hops.reverse();
    let roles_keys =
        matches!(base, Base::WebIdentity(_) | Base::Sso(_) | Base::Container | Base::Instance);
    if mfa.is_some() && roles_keys {
        let why = format!(
            "mfa_serial belongs to the keys of an IAM user, and {} gives those of a role",
            words(&base)
        );
        return Err(reader.wrong(name, &why).next("remove mfa_serial from the profile"));
    }
    let mfa = mfa.map(|serial| Mfa {
        serial: serial.to_owned(),
        totp: None,
        duration_s: Mfa::DURATION_S,
    });
    let place = if current == name {
        format!("profile {name}")
    } else {
        format!("profile {name} (keys of profile {current})")
    };
    let source = format!("{place}: {}", words(&base));
    Ok(Chain { base, mfa, hops, source, endpoint })
}

fn words(base: &Base) -> &'static str {
    match base {
        Base::Static(_) => "access keys",
        Base::WebIdentity(_) => "web identity",
        Base::Sso(_) => "IAM Identity Center",
        Base::Process(_) => "credential process",
        Base::Container => "container credentials",
        Base::Instance => "instance metadata",
    }
}

/// Reads one profile after the other.
struct Reader<'a> {
    files: &'a ProfileSet,
    variables: &'a Variables,
    doing: &'a str,
}

impl<'a> Reader<'a> {
    fn wrong(&self, profile: &str, why: &str) -> Error {
        Error::new(ErrorCode::InvalidRequest, format!("{}: profile {profile}: {why}", self.doing))
            .field("profile")
            .given(profile)
    }

    fn profile(&self, name: &str, from: Option<&str>) -> Result<&'a Profile> {
        self.files.get_profile(name).ok_or_else(|| {
            let known: Vec<&str> = self.files.profiles().collect();
            let named = from.map_or_else(String::new, |f| format!(", which profile {f} names,"));
            let why = format!("there is no such profile{named} in the AWS configuration files");
            let error = self.wrong(name, &why).allowed(if known.is_empty() {
                "(none there)".to_owned()
            } else {
                known.join(", ")
            });
            error.next("`aws configure list-profiles` lists what is there")
        })
    }

    /// A role to assume, and the profile whose keys it is assumed with (itself: `None`).
    fn role(&self, profile: &'a Profile) -> Result<Option<(Hop, Option<&'a str>)>> {
        let (Some(arn), None) = (profile.get("role_arn"), profile.get("web_identity_token_file"))
        else {
            return Ok(None);
        };
        let name = profile.name();
        let next = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(source), None) => Some(source),
            (None, Some(_)) => None,
            _ => {
                let why = "role_arn needs source_profile or credential_source, one of the two";
                return Err(self.wrong(name, why));
            }
        };
        let duration_s = match profile.get("duration_seconds").map(str::parse) {
            None => None,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => return Err(self.wrong(name, "duration_seconds is not a number")),
        };
        let external_id = profile.get("external_id").map(str::to_owned);
        Ok(Some((Hop { arn: arn.to_owned(), external_id, duration_s }, next)))
    }

    /// The device that a role's profile names; there is one only.
    fn factor(&self, profile: &'a Profile, known: Option<&'a str>) -> Result<Option<&'a str>> {
        let Some(serial) = profile.get("mfa_serial") else { return Ok(known) };
        name::mfa_serial(serial).map_err(|bad| {
            let why = format!("mfa_serial {serial} {}", bad.why);
            self.wrong(profile.name(), &why).allowed(bad.allowed)
        })?;
        if known.is_some_and(|known| known != serial) {
            let why = "mfa_serial is another one than that of the profile before it";
            return Err(self.wrong(profile.name(), why));
        }
        Ok(Some(serial))
    }

    fn base(&self, profile: &Profile) -> Result<Base> {
        let name = profile.name();
        if let Some(source) = profile.get("credential_source") {
            return match source {
                "Environment" => Ok(in_variables(self.variables, self.doing)?.base),
                "Ec2InstanceMetadata" => Ok(Base::Instance),
                "EcsContainer" => Ok(Base::Container),
                _ => Err(self
                    .wrong(name, &format!("credential_source {source} is not known"))
                    .allowed("Environment, Ec2InstanceMetadata, EcsContainer")),
            };
        }
        if let Some(file) = profile.get("web_identity_token_file") {
            let arn = profile
                .get("role_arn")
                .ok_or_else(|| self.wrong(name, "web_identity_token_file needs role_arn"))?;
            let role_arn = arn.to_owned();
            return Ok(Base::WebIdentity(Token { file: file.into(), role_arn, duration_s: None }));
        }
        if ["sso_session", "sso_start_url"].iter().any(|key| profile.get(key).is_some()) {
            return self.sso(profile);
        }
        if profile.get("login_session").is_some() {
            return Err(self
                .wrong(name, "login_session (aws login) is not read by this version")
                .next(format!("give it credential_process = aws configure export-credentials --profile {name}, in a profile of its own")));
        }
        if let Some(line) = profile.get("credential_process") {
            let (line, profile) = (line.to_owned(), name.to_owned());
            return Ok(Base::Process(Command::Line { line, profile }));
        }
        self.access_keys(profile)
    }

    fn sso(&self, profile: &Profile) -> Result<Base> {
        let name = profile.name();
        let session = profile.get("sso_session");
        let section = match session {
            None => None,
            Some(session) => Some(self.files.sso_session(session).ok_or_else(|| {
                self.wrong(name, &format!("there is no section [sso-session {session}]"))
            })?),
        };
        let value = |key: &str| {
            let found = section.and_then(|s| s.get(key)).or_else(|| profile.get(key));
            let missing = || self.wrong(name, &format!("{key} is missing"));
            found.map(str::to_owned).ok_or_else(missing)
        };
        let start_url = value("sso_start_url")?;
        Ok(Base::Sso(Sso {
            token: session.map_or_else(|| start_url.clone(), str::to_owned),
            region: value("sso_region")?,
            account: value("sso_account_id")?,
            role: value("sso_role_name")?,
            profile: name.to_owned(),
            start_url,
        }))
    }

    fn access_keys(&self, profile: &Profile) -> Result<Base> {
        let keys = (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key"));
        let (Some(id), Some(secret)) = keys else {
            return Err(self.wrong(profile.name(), "it leads to no credentials").allowed(
                "SSO, role_arn, web_identity_token_file, credential_process or access keys",
            ));
        };
        let token = profile.get("aws_session_token").map(str::to_owned);
        Ok(Base::Static(Credentials::new(id, secret, token, None, "profile")))
    }
}

fn env(variables: &Variables) -> Env {
    let owned = variables.all().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Env::from(owned.collect::<HashMap<_, _>>())
}
