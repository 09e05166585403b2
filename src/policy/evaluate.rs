//! The rules. Two questions: may this be asked for at all, and who decides about the computed change.

use std::collections::BTreeSet;

use super::decision::{Decision, Obligation, Verdict};
use super::facts::{Facts, Wish};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Action, ChangeSet, Effect, Role, Target};

/// Whether a request may be asked for at all: decided by role and effect, before anything is computed.
pub fn admit(wish: &Wish<'_>) -> Result<()> {
    let needed = match (wish.effect, wish.dry_run) {
        (Effect::Read | Effect::Local, _) => Role::Read,
        (Effect::Change | Effect::Destroy, true) => Role::Plan,
        (Effect::Change, false) | (Effect::Control, _) => Role::Change,
        (Effect::Destroy, false) => Role::Destroy,
    };
    if holds(wish.roles, needed) {
        return Ok(());
    }
    let word = format!("{needed:?}").to_lowercase();
    Err(Error::new(
        ErrorCode::PolicyDenied,
        format!("principal {} does not have the role {word}", wish.principal),
    )
    .detail("needed_role", word)
    .next(
        "ask the people who keep datamcp.toml to give this principal the role under [principals]",
    ))
}

/// Roles include what is below them: who may change may plan, who may plan may read.
fn holds(roles: &BTreeSet<Role>, needed: Role) -> bool {
    roles.iter().any(|role| match role {
        Role::Admin => true,
        Role::Destroy => needed != Role::Admin,
        Role::Change => matches!(needed, Role::Read | Role::Plan | Role::Change),
        Role::Plan => matches!(needed, Role::Read | Role::Plan),
        Role::Read => needed == Role::Read,
    })
}

/// Who decides about a computed change.
pub fn evaluate(facts: &Facts<'_>) -> Decision {
    Decision::new(facts.digest.clone(), verdict(facts))
}

fn verdict(facts: &Facts<'_>) -> Verdict {
    if let Err(error) = admit(&facts.wish) {
        return Verdict::Deny(error);
    }
    if let Err(error) = account(facts.target, facts.account, facts.expected_account) {
        return Verdict::Deny(error);
    }
    if let Some(error) = too_many_deletions(facts) {
        return Verdict::Deny(error);
    }
    let protected = protected(facts);
    let mut reasons = Vec::new();
    for action in facts.changes.actions() {
        if !facts.tier.auto_approve.contains(&action) {
            reasons.push(format!(
                "tier {} does not let a requester approve {} alone",
                facts.tier.name,
                action.word()
            ));
        } else if !may_self_approve(facts.wish.roles, action) {
            reasons.push(format!(
                "principal {} may not approve {} alone",
                facts.wish.principal,
                action.word()
            ));
        }
    }
    if !protected.is_empty() {
        reasons
            .push(format!("it deletes or replaces protected resources: {}", protected.join(", ")));
    }
    if reasons.is_empty() {
        return Verdict::AutoApprovable;
    }
    let typed_name =
        facts.wish.effect == Effect::Destroy || facts.tier.typed_name || !protected.is_empty();
    Verdict::NeedsPerson(Obligation { reasons, typed_name })
}

/// A role limits what `auto_approve` may cover, whatever the tier says.
fn may_self_approve(roles: &BTreeSet<Role>, action: Action) -> bool {
    let needed = match action {
        Action::Create | Action::Update => Role::Change,
        Action::Replace | Action::Delete => Role::Destroy,
    };
    holds(roles, needed)
}

/// Whether credentials belong to the account that they should.
pub fn account(target: &Target, found: &str, expected: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::WrongIdentity,
        format!("checking the identity for {target}: the credentials belong to account {found}, the environment is account {expected}"),
    )
    .given(found)
    .allowed(expected)
    .next("use credentials of the environment's account: `profile`, `credentials` or `role_arn` of the environment"))
}

fn taken_away(changes: &ChangeSet) -> impl Iterator<Item = &crate::model::ResourceChange> {
    changes.resources.iter().filter(|r| matches!(r.action, Action::Delete | Action::Replace))
}

fn too_many_deletions(facts: &Facts<'_>) -> Option<Error> {
    let count = taken_away(facts.changes).count();
    let most = facts.tier.max_delete?;
    (count > most).then(|| {
        Error::new(
            ErrorCode::PolicyDenied,
            format!("the plan deletes or replaces {count} resources of {}, tier {} allows {most} in one plan", facts.target, facts.tier.name),
        )
        .field("max_delete")
        .given(count.to_string())
        .allowed(format!("at most {most}"))
        .next("make the change in smaller steps, or have the people who keep datamcp.toml look at tiers.max_delete")
    })
}

fn protected(facts: &Facts<'_>) -> Vec<String> {
    taken_away(facts.changes)
        .filter(|r| facts.tier.protected.iter().any(|p| p == &r.kind))
        .map(|r| r.address.clone())
        .collect()
}

#[cfg(test)]
mod tests;
