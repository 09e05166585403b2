//! The second factor of an IAM user: one code gives a session (`GetSessionToken`), and roles are assumed from that. So a long
//! apply, its renewals and the next operation need no other code. Codes are computed from a seed, or typed by a person.

use std::sync::Arc;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::Wanted;
use crate::adapter::aws::identity::{ask_again, now};
use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::{Mfa, SecretRef};
use crate::port::{Advice, MfaSession, MfaSessions, NoSecrets, NoSessions, Secrets};
use crate::secret::{MASK, Secret, remember};

/// A session that ends sooner is mentioned: longer work would want another code.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// Where sessions are kept, and who knows the seeds.
#[derive(Debug, Clone)]
pub struct SecondFactor {
    /// Sessions of all processes.
    pub sessions: Arc<dyn MfaSessions>,
    /// Variables and files that settings refer to.
    pub secrets: Arc<dyn Secrets>,
}

impl Default for SecondFactor {
    fn default() -> Self {
        Self { sessions: Arc::new(NoSessions), secrets: Arc::new(NoSecrets) }
    }
}

impl SecondFactor {
    /// The session of these keys: the kept one, or one by a code that is computed.
    pub(super) async fn session(
        &self,
        mfa: &Mfa,
        wanted: &Wanted<'_>,
        keys: &Credentials,
        bare: &SdkConfig,
    ) -> Result<MfaSession> {
        let name = named(mfa, wanted, keys)?;
        if let Some(kept) = self.kept(&name, mfa).await? {
            return Ok(kept);
        }
        let Some(seed) = &mfa.totp else {
            return Err(missing(mfa, wanted));
        };
        let _alone = self.sessions.alone(&name).await?;
        // Whoever was alone before has perhaps made it.
        if let Some(kept) = self.kept(&name, mfa).await? {
            return Ok(kept);
        }
        let doing = asking(mfa, wanted);
        let code = self.code(seed, &doing).await?;
        let next = "a code counts once: wait half a minute, then call again; if it goes on, check the seed and this machine's clock";
        let made =
            ask(mfa, keys, &code, bare, &doing).await.map_err(|error| refused(error, next))?;
        self.sessions.keep(&name, &made, moment(now())).await?;
        Ok(made)
    }

    /// The session by a code that a person typed.
    pub(super) async fn sign_in(
        &self,
        mfa: &Mfa,
        wanted: &Wanted<'_>,
        keys: &Credentials,
        bare: &SdkConfig,
        code: &Secret,
    ) -> Result<MfaSession> {
        let name = named(mfa, wanted, keys)?;
        let _alone = self.sessions.alone(&name).await?;
        let doing = asking(mfa, wanted);
        let next = "a code counts once: wait for the device's next one and sign in again; if it goes on, check the serial and the device's clock";
        let made =
            ask(mfa, keys, code, bare, &doing).await.map_err(|error| refused(error, next))?;
        self.sessions.keep(&name, &made, moment(now())).await?;
        Ok(made)
    }

    /// The kept session, as long as it is good for these settings.
    async fn kept(&self, name: &str, mfa: &Mfa) -> Result<Option<MfaSession>> {
        let now = now();
        let kept = self.sessions.find(name, moment(now)).await?;
        Ok(kept.filter(|session| {
            let (made, ends) = (session.made, session.ends);
            let allowed = made.saturating_add(SignedDuration::from_secs(mfa.duration_s.into()));
            let ends = allowed.map_or(ends, |allowed| allowed.min(ends));
            now < ask_again(made.into(), ends.into())
        }))
    }

    async fn code(&self, seed: &SecretRef, doing: &str) -> Result<Secret> {
        let wrong = |why: &str| {
            Error::new(ErrorCode::InvalidRequest, format!("{doing}: {seed} {why}"))
                .field("mfa.totp")
                .allowed(
                    "the seed of the device, as AWS shows it once: base32, 26 characters or more",
                )
        };
        let found = self.secrets.fetch(seed).await?.ok_or_else(|| wrong("holds nothing"))?;
        code(&found.value, now()).map_err(wrong)
    }
}

/// The code at a moment (RFC 6238 with the numbers of AWS: SHA-1, six digits, 30 seconds).
fn code(seed: &Secret, at: SystemTime) -> Result<Secret, &'static str> {
    let text: String = seed.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let text = text.trim_end_matches('=').to_ascii_uppercase();
    remember(&Secret::new(text.as_str()));
    let seed = totp_rs::Secret::try_from_base32(&text).map_err(|_| "holds no base32")?;
    let totp = totp_rs::Builder::new().with_secret(seed).build();
    let totp = totp.map_err(|_| "holds less than a seed")?;
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(Secret::new(totp.generate(seconds).to_string()))
}

/// Under which name a session is kept: whose it is, of which device, from where. It tells nothing about the keys.
fn named(mfa: &Mfa, wanted: &Wanted<'_>, keys: &Credentials) -> Result<String> {
    if keys.session_token().is_some() {
        let why = "the keys are temporary, and a second factor belongs to an IAM user's own";
        return Err(Error::new(ErrorCode::InvalidRequest, format!("{}: {why}", wanted.doing))
            .field("mfa.serial")
            .given(&mfa.serial)
            .next("remove the second factor, or name a source that gives a user's own keys"));
    }
    let mut digest = Sha256::new();
    for text in [&mfa.serial, keys.access_key_id(), wanted.endpoint.unwrap_or_default()] {
        digest.update(text.len().to_be_bytes());
        digest.update(text.as_bytes());
    }
    Ok(hex::encode(digest.finalize()))
}

fn missing(mfa: &Mfa, wanted: &Wanted<'_>) -> Error {
    let (doing, serial) = (&wanted.doing, &mfa.serial);
    let why = format!("{doing}: there is no session of MFA device {serial}, or it has ended");
    Error::new(ErrorCode::UpstreamDenied, why)
        .detail("mfa_serial", serial.as_str())
        .next(wanted.sign_in.as_str())
}

fn asking(mfa: &Mfa, wanted: &Wanted<'_>) -> String {
    format!("{}: asking for a session of MFA device {}", wanted.doing, mfa.serial)
}

/// What to do when the code was not taken.
fn refused(error: Error, next: &str) -> Error {
    let denied = matches!(error.code, ErrorCode::UpstreamDenied | ErrorCode::TimedOut);
    if denied { error.next(next) } else { error }
}

/// Asked once: an answer that was lost on its way has spent the code, and a second question would be refused for it.
async fn ask(
    mfa: &Mfa,
    keys: &Credentials,
    code: &Secret,
    bare: &SdkConfig,
    doing: &str,
) -> Result<MfaSession> {
    let provider = SharedCredentialsProvider::new(keys.clone());
    let settings = bare.to_builder().credentials_provider(provider);
    let settings = settings.retry_config(RetryConfig::disabled()).build();
    let made = now();
    let asked = Client::new(&settings)
        .get_session_token()
        .serial_number(&mfa.serial)
        .token_code(code.expose())
        .duration_seconds(i32::try_from(mfa.duration_s).unwrap_or(i32::MAX))
        .send()
        .await;
    let answer = asked.map_err(|error| {
        let kind = match (&error, error.code()) {
            (SdkError::ServiceError(_), Some("ValidationError")) => ErrorCode::InvalidRequest,
            (SdkError::ServiceError(_), _) => ErrorCode::UpstreamDenied,
            (SdkError::TimeoutError(_), _) => ErrorCode::TimedOut,
            _ => ErrorCode::UpstreamFailed,
        };
        let why = causes(&error).replace(code.expose(), MASK);
        Error::new(kind, format!("{doing}: {why}"))
            .next("check the network and the settings, then call again")
    })?;
    let given = answer.credentials().ok_or_else(|| {
        Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the answer holds no keys"))
    })?;
    let ends = SystemTime::try_from(*given.expiration()).map_err(|e| Error::internal(doing, e))?;
    Ok(MfaSession {
        serial: mfa.serial.clone(),
        access_key_id: given.access_key_id().to_owned(),
        secret_access_key: Secret::new(given.secret_access_key()),
        session_token: Secret::new(given.session_token()),
        made: moment(made),
        ends: moment(ends),
    })
}

/// The keys of a session, for what is asked with them.
pub(super) fn keys(session: &MfaSession) -> Credentials {
    Credentials::new(
        session.access_key_id.as_str(),
        session.secret_access_key.expose(),
        Some(session.session_token.expose().to_owned()),
        Some(session.ends.into()),
        "mfa",
    )
}

/// That a person is soon wanted again.
pub(super) fn ending(mfa: &Mfa, wanted: &Wanted<'_>, session: &MfaSession) -> Option<Advice> {
    let left = session.ends.duration_since(moment(now()));
    (mfa.totp.is_none() && left < SOON).then(|| Advice {
        seen: format!("the session of MFA device {} ends at {}", session.serial, session.ends),
        fix: format!("before longer work, {}", wanted.sign_in),
    })
}

fn moment(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the seed of its SHA-1 rows, and the last six of their eight digits.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let spaced = "gezd gnbv gy3t qojq-gezd gnbv gy3t qojq====\n";
            for seed in [seed, spaced] {
                assert_eq!(code(&Secret::new(seed), at).unwrap().expose(), expected, "{seconds}");
            }
        }
    }

    /// Has one session, made so many seconds ago and good for 12 hours.
    #[derive(Debug)]
    struct Had(i64);

    #[async_trait::async_trait]
    impl MfaSessions for Had {
        async fn find(&self, _name: &str, now: Timestamp) -> Result<Option<MfaSession>> {
            let made = now - SignedDuration::from_secs(self.0);
            Ok(Some(MfaSession {
                serial: "GAHT12345678".into(),
                access_key_id: "id".into(),
                secret_access_key: Secret::new("secret"),
                session_token: Secret::new("token"),
                made,
                ends: made + SignedDuration::from_hours(12),
            }))
        }

        async fn keep(&self, _name: &str, _session: &MfaSession, _now: Timestamp) -> Result<()> {
            Ok(())
        }

        async fn alone(&self, _name: &str) -> Result<crate::port::Alone> {
            Ok(crate::port::Alone::new(()))
        }
    }

    /// An environment that wants a younger code does not take the session that another one is content with.
    #[tokio::test]
    async fn a_session_is_used_as_long_as_these_settings_say_and_not_to_its_last_second() {
        for (age, duration_s, used) in [
            (100, 43_200, true),
            (43_130, 43_200, true),
            (43_150, 43_200, false),
            (100, 900, true),
            (830, 900, true),
            (850, 900, false),
            (1_000, 900, false),
        ] {
            let factor = SecondFactor { sessions: Arc::new(Had(age)), ..SecondFactor::default() };
            let mfa = Mfa { serial: "GAHT12345678".into(), totp: None, duration_s };
            let kept = factor.kept("name", &mfa).await.unwrap();
            assert_eq!(kept.is_some(), used, "{age} s of {duration_s} s");
        }
    }

    #[test]
    fn promise_7_what_is_no_seed_is_refused_and_not_repeated() {
        for seed in ["", "JBSWY3DP", "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", "1!canary"] {
            let why = code(&Secret::new(seed), SystemTime::UNIX_EPOCH).unwrap_err();
            assert!(why.starts_with("holds ") && !why.contains("canary"), "{seed}: {why}");
        }
    }
}
