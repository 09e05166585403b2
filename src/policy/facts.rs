//! What the policy is told. Whatever is not in here cannot influence a verdict.

use std::collections::BTreeSet;

use crate::model::{ChangeSet, Digest, Effect, Principal, Role, Target, Tier};

/// What a request is after, known before anything is computed.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Their roles.
    pub roles: &'a BTreeSet<Role>,
    /// What the tool may do.
    pub effect: Effect,
    /// Whether only a plan is asked for.
    pub dry_run: bool,
}

/// A computed change and everything around it that counts.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What was asked.
    pub wish: Wish<'a>,
    /// The environment's tier.
    pub tier: &'a Tier,
    /// The environment or organization.
    pub target: &'a Target,
    /// The computed change.
    pub changes: &'a ChangeSet,
    /// Digest of the plan's binding: what the verdict is about.
    pub digest: &'a Digest,
    /// The account that the environment's credentials belong to.
    pub account: &'a str,
    /// The account that they should belong to.
    pub expected_account: &'a str,
}
