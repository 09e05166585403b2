//! Checks of what an environment says about its credentials. Nothing is looked for here: no file, no variable.

use std::path::Path;

use super::raw::{AwsEnvironment, Credentials};
use super::valid::named;
use crate::error::{Error, Result};
use crate::model::{AssumedRole, CredentialSource, name};

/// Shortest and longest role session (STS reference, "AssumeRole": `DurationSeconds`).
const SESSION_S: std::ops::RangeInclusive<u32> = 900..=43_200;
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
