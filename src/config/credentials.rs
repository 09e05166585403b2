//! Checks of what an environment says about its credentials. Nothing is looked for here: no file, no variable.

use std::path::Path;

use super::raw::{AwsEnvironment, Credentials};
use super::reference::local;
use super::valid::named;
use crate::error::{Error, Result};
use crate::model::{AssumedRole, CredentialSource, Mfa, SecretRef, name};

/// Shortest and longest role session (STS reference, "AssumeRole": `DurationSeconds`).
const SESSION_S: std::ops::RangeInclusive<u32> = 900..=43_200;
/// Shortest and longest session of a user with a code (STS reference, "GetSessionToken": `DurationSeconds`).
const CODE_S: std::ops::RangeInclusive<u32> = 900..=129_600;
/// Longest session of a role that is assumed with a role's keys ("role chaining").
const CHAINED_S: u32 = 3600;

/// Spells a key of the environment in full.
type Field<'a> = &'a dyn Fn(&str) -> String;

/// The source of the first keys.
pub(super) fn source(
    env: &AwsEnvironment,
    root: &Path,
    field: Field<'_>,
) -> Result<CredentialSource> {
    let credentials = match (&env.profile, &env.credentials) {
        (Some(profile), Some(_)) => {
            return Err(Error::invalid(
                field("profile"),
                profile,
                "is a source of credentials beside `credentials`",
            )
            .allowed("one of the two")
            .next("remove `profile`, or remove `credentials`"));
        }
        (Some(profile), None) => {
            return profile_named(profile, &field("profile"));
        }
        (None, None) => return Ok(CredentialSource::Ambient),
        (None, Some(credentials)) => credentials,
    };
    Ok(match credentials {
        Credentials::Profile { profile } => {
            return profile_named(profile, &field("credentials.profile"));
        }
        Credentials::Environment {} => CredentialSource::Environment,
        Credentials::WebIdentity { token_file, role_arn } => {
            let key = field("credentials.role_arn");
            name::role_arn(role_arn).map_err(|bad| named(&key, role_arn, &bad))?;
            CredentialSource::WebIdentity {
                token_file: root.join(token_file),
                role_arn: role_arn.clone(),
            }
        }
        Credentials::Process { command } => {
            let program = command.first().map_or("", String::as_str);
            if !Path::new(program).is_absolute()
                || command.iter().any(|w| w.chars().any(char::is_control))
            {
                return Err(Error::invalid(
                    field("credentials.command"),
                    command.join(" "),
                    "does not begin with the path of a program",
                )
                .allowed("a list of words: an absolute path, then arguments; there is no shell"));
            }
            CredentialSource::Process { command: command.clone() }
        }
        Credentials::Container {} => CredentialSource::Container,
        Credentials::Instance {} => CredentialSource::Instance,
    })
}

fn profile_named(profile: &str, field: &str) -> Result<CredentialSource> {
    if profile.is_empty() || profile.chars().any(|c| c.is_control() || "[]\"'".contains(c)) {
        return Err(Error::invalid(field, profile, "is not a name of a profile")
            .allowed("the name of a [profile NAME] section of the AWS configuration file"));
    }
    Ok(CredentialSource::Profile { profile: profile.to_owned() })
}

/// The role that is assumed with them.
pub(super) fn role(env: &AwsEnvironment, field: Field<'_>) -> Result<Option<AssumedRole>> {
    if let Some(id) = &env.external_id {
        let key = field("external_id");
        if env.role_arn.is_none() {
            return Err(Error::invalid(key, id, "belongs to a role, and there is no `role_arn`")
                .next("add `role_arn`, or remove `external_id`"));
        }
        name::external_id(id).map_err(|bad| named(&key, id, &bad))?;
    }
    let Some(arn) = &env.role_arn else {
        return Ok(None);
    };
    name::role_arn(arn).map_err(|bad| named(&field("role_arn"), arn, &bad))?;
    Ok(Some(AssumedRole { arn: arn.clone(), external_id: env.external_id.clone() }))
}

/// How long a session of the role lasts.
pub(super) fn duration(env: &AwsEnvironment, field: Field<'_>) -> Result<Option<u32>> {
    use Credentials::{Container, Instance, WebIdentity};
    let Some(seconds) = env.session_duration_s else {
        return Ok(None);
    };
    let (key, given) = (field("session_duration_s"), seconds.to_string());
    let web_identity = matches!(env.credentials, Some(WebIdentity { .. }));
    if env.role_arn.is_none() && !web_identity {
        return Err(Error::invalid(key, given, "belongs to a role, and none is assumed")
            .next("add `role_arn`, or remove `session_duration_s`"));
    }
    if !SESSION_S.contains(&seconds) {
        return Err(Error::invalid(key, given, "is not a length of a role session")
            .allowed(format!("{} to {} seconds", SESSION_S.start(), SESSION_S.end())));
    }
    let roles_keys =
        matches!(env.credentials, Some(WebIdentity { .. } | Container { .. } | Instance { .. }));
    if env.role_arn.is_some() && roles_keys && seconds > CHAINED_S {
        return Err(Error::invalid(
            key,
            given,
            "is too long for a role that is assumed with the keys of a role",
        )
        .allowed(format!("{} to {CHAINED_S} seconds", SESSION_S.start())));
    }
    Ok(Some(seconds))
}

/// The second factor of the user whose keys the first ones are.
pub(super) fn mfa(env: &AwsEnvironment, root: &Path, field: Field<'_>) -> Result<Option<Mfa>> {
    use Credentials::{Container, Instance, WebIdentity};
    let Some(given) = &env.mfa else {
        return Ok(None);
    };
    name::mfa_serial(&given.serial)
        .map_err(|bad| named(&field("mfa.serial"), &given.serial, &bad))?;
    if let Some(WebIdentity { .. } | Container {} | Instance {}) = env.credentials {
        let why = "belongs to the keys of an IAM user, and `credentials` gives those of a role";
        return Err(Error::invalid(field("mfa.serial"), &given.serial, why)
            .next("remove `mfa`, or name a source that gives a user's own keys"));
    }
    let totp = given.totp.as_deref();
    let totp = totp.map(|given| seed(&field("mfa.totp"), given, root)).transpose()?;
    let duration_s = given.duration_s.unwrap_or(Mfa::DURATION_S);
    if !CODE_S.contains(&duration_s) {
        let key = field("mfa.duration_s");
        return Err(Error::invalid(key, duration_s.to_string(), "is not a length of a session")
            .allowed(format!("{} to {} seconds", CODE_S.start(), CODE_S.end())));
    }
    Ok(Some(Mfa { serial: given.serial.clone(), totp, duration_s }))
}

/// Where the seed of the codes is. A secret manager would have to be asked with the very keys that the code is for.
fn seed(field: &str, given: &str, root: &Path) -> Result<SecretRef> {
    const ALLOWED: &str = "env:NAME of an environment variable, or file:PATH";
    if ["aws-secretsmanager:", "gcp-secretmanager:"].iter().any(|s| given.starts_with(s)) {
        let why = "would be fetched with the very keys that the code is for";
        return Err(Error::invalid(field, given, why).allowed(ALLOWED));
    }
    let next = "put the seed into a variable or a file of its own, and take it out of the settings";
    local(field, given, root).map_err(|error| error.allowed(ALLOWED).next(next))
}
