//! Sessions of users with a second factor: one code makes one, and every operation finds it until it ends.

use std::any::Any;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;
use crate::model::Environment;
use crate::secret::Secret;

/// Keys that one code gave.
#[derive(Debug, Clone)]
pub struct MfaSession {
    /// The device that the code was of.
    pub serial: String,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Session token.
    pub session_token: Secret,
    /// When the code was given.
    pub made: Timestamp,
    /// When the keys end.
    pub ends: Timestamp,
}

/// Nobody else spends a code for this name until it is dropped.
pub struct Alone(#[expect(dead_code, reason = "it is held, not looked at")] Box<dyn Any + Send>);

impl Alone {
    /// Kept by this.
    pub fn new(held: impl Any + Send) -> Self {
        Self(Box::new(held))
    }
}

impl std::fmt::Debug for Alone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alone")
    }
}

/// Keeps sessions for all processes of a project, where nobody else can read them.
#[async_trait]
pub trait MfaSessions: std::fmt::Debug + Send + Sync {
    /// The session of this name, when it has not ended; one that has is deleted.
    async fn find(&self, name: &str, now: Timestamp) -> Result<Option<MfaSession>>;

    /// Keeps a session in place of the one of this name; those that have ended are deleted.
    async fn keep(&self, name: &str, session: &MfaSession, now: Timestamp) -> Result<()>;

    /// Waits until no other process asks for a session of this name: a code counts once.
    async fn alone(&self, name: &str) -> Result<Alone>;
}

/// Where none are kept.
#[derive(Debug, Clone, Copy)]
pub struct NoSessions;

#[async_trait]
impl MfaSessions for NoSessions {
    async fn find(&self, _name: &str, _now: Timestamp) -> Result<Option<MfaSession>> {
        Ok(None)
    }

    async fn keep(&self, _name: &str, _session: &MfaSession, _now: Timestamp) -> Result<()> {
        Ok(())
    }

    async fn alone(&self, _name: &str) -> Result<Alone> {
        Ok(Alone::new(()))
    }
}

/// The device whose code an environment's keys want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its ARN or serial number.
    pub serial: String,
    /// Whether settings say where its seed is: then nobody has to sign in.
    pub unattended: bool,
}

/// What became of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The device.
    pub serial: String,
    /// When the session ends.
    pub until: Timestamp,
}

/// Signs a person in. Changes nothing in the cloud: the keys of a session are short-lived copies of what the person has.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// The device that the environment's keys want a code of; `None`: they want none. Asks nobody over a network.
    async fn device(&self, environment: &Environment) -> Result<Option<Device>>;

    /// Spends a code, and keeps the session that it gives for every operation that follows.
    async fn sign_in(&self, environment: &Environment, code: &Secret) -> Result<SignedIn>;
}
