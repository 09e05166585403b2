//! Whose keys are wanted: a source, the roles on top of it, a second factor. Said by an environment of the settings, or by
//! the arguments of a program that reads none.

use super::chain::Hop;
use crate::model::{CredentialSource, EksAccess, Environment, Mfa, Target};

/// Whose keys are wanted.
#[derive(Debug)]
pub(in crate::adapter::aws) struct Wanted<'w> {
    pub(super) source: &'w CredentialSource,
    /// Roles to assume with what the source gives, first to last.
    pub(super) hops: Vec<Hop>,
    /// Seconds that the session of a web identity lasts.
    pub(super) duration_s: Option<u32>,
    pub(super) mfa: Option<Mfa>,
    /// Whether an endpoint is named: then one that comes along with a source does not count.
    pub(super) endpoint_named: bool,
    /// Where AWS answers, when it is an emulator.
    pub(super) endpoint: Option<&'w str>,
    /// What is being done, for messages.
    pub(in crate::adapter::aws) doing: String,
    /// How a person signs in.
    pub(super) sign_in: String,
}

impl<'w> Wanted<'w> {
    /// The keys of an environment.
    pub(in crate::adapter::aws) fn of(environment: &'w Environment) -> Self {
        let own = environment.role.as_ref().map(|role| Hop {
            arn: role.arn.clone(),
            external_id: role.external_id.clone(),
            duration_s: environment.session_duration_s,
        });
        // A role that is assumed with the keys of a role: its session lasts an hour, whatever the settings say.
        let member = environment.member_role.iter().map(|arn| Hop {
            arn: arn.clone(),
            external_id: None,
            duration_s: None,
        });
        let target = environment.target();
        let place = match &target {
            Target::Organization(name) => format!("--organization {name}"),
            _ => format!("--cloud aws --env {}", environment.key.name),
        };
        Self {
            source: &environment.credentials,
            hops: own.into_iter().chain(member).collect(),
            duration_s: environment.session_duration_s.filter(|_| environment.role.is_none()),
            mfa: environment.mfa.clone(),
            endpoint_named: environment.endpoint_url.is_some(),
            endpoint: environment.endpoint_url.as_deref(),
            doing: format!("finding credentials for {target}"),
            sign_in: format!("a person runs `datamcp sign-in {place}` on a terminal"),
        }
    }

    /// The keys that a token for a cluster is signed with.
    pub(in crate::adapter::aws) fn of_cluster(
        source: &'w CredentialSource,
        access: &'w EksAccess,
        doing: &str,
    ) -> Self {
        let next =
            "a person runs `datamcp sign-in` for the environment of this cluster on a terminal";
        let untold = "; then generate_kubeconfig writes where its session is";
        Self {
            source,
            hops: Vec::from_iter(access.role_arn.as_ref().map(|arn| Hop {
                arn: arn.clone(),
                external_id: access.external_id.clone(),
                duration_s: None,
            })),
            duration_s: None,
            mfa: access.mfa_serial.as_ref().map(|serial| Mfa {
                serial: serial.clone(),
                totp: None,
                duration_s: Mfa::DURATION_S,
            }),
            endpoint_named: access.endpoint_url.is_some(),
            endpoint: access.endpoint_url.as_deref(),
            doing: doing.to_owned(),
            sign_in: if access.state.is_some() {
                next.to_owned()
            } else {
                format!("{next}{untold}")
            },
        }
    }
}
