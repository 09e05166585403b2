//! Where keys come from: one source for one environment, found without trying others, and the roles that are assumed
//! with them. Every source has a limit of its own and a typed failure; none of them is quoted, what it says may be secret.

mod chain;
mod metadata;
mod mfa;
mod process;
mod profile;
mod roles;
mod sso;
mod wanted;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;

use crate::error::{Error, ErrorCode, Result};
use crate::port::{Advice, Device, MfaSession};
use crate::secret::{Secret, Variables};

use self::chain::{Base, Chain};
pub use self::mfa::SecondFactor;
pub(super) use self::profile::region as region_of_profile;
pub(super) use self::wanted::Wanted;

/// Keys, and how they were found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) keys: Credentials,
    pub(super) source: String,
    pub(super) advice: Vec<Advice>,
}

/// Finds the keys that are wanted. `bare` is the SDK's settings without credentials.
pub(super) async fn find(
    variables: &Variables,
    wanted: &Wanted<'_>,
    session: &str,
    bare: &SdkConfig,
    factor: &SecondFactor,
) -> Result<Found> {
    let doing = &wanted.doing;
    let (chain, mut keys) = first(variables, wanted, session, bare).await?;
    let mut source = chain.source.clone();
    let mut advice = advice(variables, wanted, &chain, &keys);
    if let Some(mfa) = &chain.mfa {
        let ours = factor.session(mfa, wanted, &keys, bare).await?;
        source = format!("MFA session of {} (until {}) by {source}", ours.serial, ours.ends);
        advice.extend(mfa::ending(mfa, wanted, &ours));
        keys = mfa::keys(&ours);
    }
    for hop in &chain.hops {
        keys = roles::assume(hop, keys, session, bare, doing).await?;
        source = format!("role {} by {source}", hop.arn);
        ended(&keys, &source, doing)?;
    }
    Ok(Found { keys, source, advice })
}

/// What is to be done, and the first keys.
async fn first(
    variables: &Variables,
    wanted: &Wanted<'_>,
    session: &str,
    bare: &SdkConfig,
) -> Result<(Chain, Credentials)> {
    let doing = &wanted.doing;
    let chain = chain::of(variables, wanted).await?;
    if let (false, Some(place)) = (wanted.endpoint_named, &chain.endpoint) {
        return Err(redirected(doing, place));
    }
    let keys = base(variables, &chain, session, bare, doing).await?;
    ended(&keys, &chain.source, doing)?;
    Ok((chain, keys))
}

/// The device that the keys want a code of.
pub(super) async fn device(variables: &Variables, wanted: &Wanted<'_>) -> Result<Option<Device>> {
    let chain = chain::of(variables, wanted).await?;
    Ok(chain.mfa.map(|mfa| Device { serial: mfa.serial, unattended: mfa.totp.is_some() }))
}

/// Spends a person's code.
pub(super) async fn sign_in(
    variables: &Variables,
    wanted: &Wanted<'_>,
    bare: &SdkConfig,
    factor: &SecondFactor,
    code: &Secret,
) -> Result<MfaSession> {
    let (chain, keys) = first(variables, wanted, "sign-in", bare).await?;
    let mfa = chain.mfa.ok_or_else(|| {
        let why = format!("{}: its keys want no second factor", wanted.doing);
        Error::new(ErrorCode::InvalidRequest, why)
    })?;
    factor.sign_in(&mfa, wanted, &keys, bare, code).await
}

async fn base(
    variables: &Variables,
    chain: &Chain,
    session: &str,
    bare: &SdkConfig,
    doing: &str,
) -> Result<Credentials> {
    match &chain.base {
        Base::Static(keys) => Ok(keys.clone()),
        Base::WebIdentity(token) => roles::exchange(token, session, bare, doing).await,
        Base::Sso(sso) => sso::keys(sso, bare, doing).await,
        Base::Process(command) => process::keys(command, variables, doing).await,
        Base::Container => metadata::container(doing).await,
        Base::Instance => metadata::instance(doing).await,
    }
}

/// An endpoint that the settings do not name would be given our signatures.
pub(super) fn redirected(doing: &str, place: &str) -> Error {
    Error::new(
        ErrorCode::InvalidRequest,
        format!("{doing}: {place} is set and would redirect signed calls"),
    )
    .field(place)
    .next("unset it, or name the endpoint in [aws] endpoint_url")
}

/// Keys that have ended are no keys: the source has nothing newer.
fn ended(keys: &Credentials, source: &str, doing: &str) -> Result<()> {
    let Some(end) = keys.expiry().filter(|end| *end <= super::identity::now()) else {
        return Ok(());
    };
    let end =
        jiff::Timestamp::try_from(end).map_or_else(|_| "earlier".to_owned(), |t| t.to_string());
    Err(Error::new(
        ErrorCode::UpstreamDenied,
        format!("{doing}: the keys that came from {source} ended at {end}"),
    )
    .next("renew them where they come from, then call again"))
}

fn advice(
    variables: &Variables,
    wanted: &Wanted<'_>,
    chain: &Chain,
    keys: &Credentials,
) -> Vec<Advice> {
    use crate::model::CredentialSource::{Ambient, Environment as InVariables};
    let mut advice = Vec::new();
    let mut tell = |seen: &str, fix: &str| {
        advice.push(Advice { seen: seen.to_owned(), fix: fix.to_owned() });
    };
    if let Base::Static(base) = &chain.base {
        if base.session_token().is_none() {
            tell(
                "the first keys are long-lived access keys: whoever has them has them for good",
                "use IAM Identity Center (SSO), web identity, an instance role or a credential process",
            );
        } else if chain.hops.is_empty() && keys.expiry().is_none() {
            tell(
                "these keys are temporary, do not say when they end and cannot be renewed",
                "for longer work use a source that renews: SSO, a role, a credential process",
            );
        }
    }
    let ambient = matches!(wanted.source, Ambient);
    if ambient && matches!(chain.base, Base::Instance) {
        tell(
            "keys of the instance are used because nothing else was found",
            "if that is meant, say so: credentials = { source = \"instance\" }",
        );
    }
    if !ambient
        && !matches!(wanted.source, InVariables)
        && variables.get("AWS_ACCESS_KEY_ID").is_some()
    {
        tell(
            "AWS_ACCESS_KEY_ID is set and not used: the settings name another source",
            "unset it if nobody else needs it",
        );
    }
    advice
}
