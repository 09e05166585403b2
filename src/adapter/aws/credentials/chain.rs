//! What is to be done for an environment's keys: a base and the roles to assume. Decided by looking at settings,
//! variables and the shared configuration files; nothing is asked over any network.

use std::path::PathBuf;

use aws_credential_types::Credentials;

use super::profile;
use super::wanted::Wanted;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{CredentialSource, Mfa};
use crate::secret::Variables;

/// Where the first keys come from.
#[derive(Debug)]
pub(super) enum Base {
    /// They are known: from variables or a profile.
    Static(Credentials),
    /// A token, exchanged for a role.
    WebIdentity(Token),
    /// IAM Identity Center.
    Sso(Sso),
    /// A program.
    Process(Command),
    /// The container endpoint.
    Container,
    /// The instance metadata service.
    Instance,
}

/// A web identity token and its role.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) file: PathBuf,
    pub(super) role_arn: String,
    pub(super) duration_s: Option<u32>,
}

/// What IAM Identity Center is asked for.
#[derive(Debug)]
pub(super) struct Sso {
    /// Under what the token was kept: the session's name, or the start URL of the older form.
    pub(super) token: String,
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) role: String,
    pub(super) profile: String,
}

/// A program that prints credentials.
#[derive(Debug)]
pub(super) enum Command {
    /// From our settings: program and arguments.
    Words(Vec<String>),
    /// From a profile: a line for the shell, as AWS defines `credential_process`.
    Line {
        /// The line.
        line: String,
        /// The profile, to name it.
        profile: String,
    },
}

/// A role to assume with the keys so far.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) duration_s: Option<u32>,
}

/// A base and the roles, first to last.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) base: Base,
    /// The second factor of the user whose keys the first ones are.
    pub(super) mfa: Option<Mfa>,
    pub(super) hops: Vec<Hop>,
    /// Where the first keys come from, in words.
    pub(super) source: String,
    /// The place of an endpoint override that came along with it.
    pub(super) endpoint: Option<String>,
}

impl Chain {
    pub(super) fn new(base: Base, source: impl Into<String>) -> Self {
        Self { base, mfa: None, hops: Vec::new(), source: source.into(), endpoint: None }
    }
}

/// The chain for what is wanted.
pub(super) async fn of(variables: &Variables, wanted: &Wanted<'_>) -> Result<Chain> {
    let (words, doing) = (wanted.source.words(), wanted.doing.as_str());
    let mut chain = match wanted.source {
        CredentialSource::Ambient => ambient(variables, doing).await?,
        CredentialSource::Profile { profile } => {
            let files = profile::load(variables, doing).await?;
            profile::chain(&files, profile, variables, doing)?
        }
        CredentialSource::Environment => in_variables(variables, doing)?,
        CredentialSource::WebIdentity { token_file, role_arn } => {
            let token = Token {
                file: token_file.clone(),
                role_arn: role_arn.clone(),
                duration_s: wanted.duration_s,
            };
            Chain::new(Base::WebIdentity(token), words)
        }
        CredentialSource::Process { command } => {
            Chain::new(Base::Process(Command::Words(command.clone())), words)
        }
        CredentialSource::Container => Chain::new(Base::Container, words),
        CredentialSource::Instance => Chain::new(Base::Instance, words),
        CredentialSource::Google(_) => {
            return Err(Error::internal(doing, format!("{words} are no source of AWS keys")));
        }
    };
    chain.mfa = factor(chain.mfa.take(), wanted)?;
    chain.hops.extend(wanted.hops.iter().cloned());
    Ok(chain)
}

/// The one second factor: of the settings, or of a profile.
fn factor(of_profile: Option<Mfa>, wanted: &Wanted<'_>) -> Result<Option<Mfa>> {
    match (of_profile, &wanted.mfa) {
        (Some(theirs), Some(ours)) if theirs.serial != ours.serial => {
            let why = format!("{}: a profile and the settings name two devices", wanted.doing);
            Err(Error::new(ErrorCode::InvalidRequest, why)
                .field("mfa.serial")
                .given(&ours.serial)
                .allowed(&theirs.serial)
                .next("name the same device in both, or in one of them only"))
        }
        (_, Some(ours)) => Ok(Some(ours.clone())),
        (theirs, None) => Ok(theirs),
    }
}

/// The order of the AWS SDKs: variables, profile, web identity, container, instance. What is there is taken, and its
/// failure is the answer; metadata is asked only when there is nothing else.
async fn ambient(variables: &Variables, doing: &str) -> Result<Chain> {
    if variables.get("AWS_ACCESS_KEY_ID").is_some() {
        return in_variables(variables, doing);
    }
    let named = variables.get("AWS_PROFILE");
    let files = profile::load(variables, doing).await?;
    if let Some(name) = named {
        return profile::chain(&files, name, variables, doing);
    }
    if profile::has_credentials(&files, "default") {
        return profile::chain(&files, "default", variables, doing);
    }
    let token = variables.get("AWS_WEB_IDENTITY_TOKEN_FILE");
    if let (Some(file), Some(role)) = (token, variables.get("AWS_ROLE_ARN")) {
        let token = Token { file: file.into(), role_arn: role.to_owned(), duration_s: None };
        return Ok(Chain::new(Base::WebIdentity(token), format!("web identity as {role}")));
    }
    let container =
        ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    if container.iter().any(|name| variables.get(name).is_some()) {
        return Ok(Chain::new(Base::Container, "container credentials"));
    }
    let off = variables.get("AWS_EC2_METADATA_DISABLED");
    if off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(nothing(doing));
    }
    Ok(Chain::new(Base::Instance, "instance metadata"))
}

fn nothing(doing: &str) -> Error {
    Error::new(
        ErrorCode::UpstreamDenied,
        format!("{doing}: there are none in variables, profile or container, and instance metadata is switched off"),
    )
    .next("give the environment a source: `profile`, or `credentials` with another one")
}

/// `AWS_ACCESS_KEY_ID` and its companions.
pub(super) fn in_variables(variables: &Variables, doing: &str) -> Result<Chain> {
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    let missing = [id, secret].into_iter().find(|name| variables.get(name).is_none());
    if let Some(name) = missing {
        return Err(Error::new(
            ErrorCode::InvalidRequest,
            format!("{doing}: the environment variable {name} is not set"),
        )
        .field(name)
        .next("set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name another source"));
    }
    let get = |name: &str| variables.get(name).unwrap_or_default().to_owned();
    let token = variables.get("AWS_SESSION_TOKEN").map(str::to_owned);
    let keys = Credentials::new(get(id), get(secret), token, None, "environment");
    Ok(Chain::new(Base::Static(keys), "environment variables"))
}
