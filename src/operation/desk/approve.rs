//! Deciding about a plan: at a terminal, or through a program that the settings trust with it. No tool leads here.

use super::decider::Decider;
use crate::approval::{ApprovalRecord, ApprovalState, Channel};
use crate::audit::Body;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ApprovalId, Target, Tier};
use crate::operation::World;

/// What a person is shown and has to type.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The request.
    pub record: ApprovalRecord,
    /// What has to be typed to agree.
    pub word: String,
    /// What this channel is worth, said plainly.
    pub worth: String,
}

/// Looks the request up and checks that this person may decide about it.
pub async fn prompt(world: &World, decider: &Decider, id: &str) -> Result<Prompt> {
    let unknown = || {
        Error::invalid("id", id, "is not an approval that waits")
            .next("`datamcp approvals` lists them")
    };
    let parsed: ApprovalId = id.parse().map_err(|_| unknown())?;
    let record = world.approvals.approval(parsed).await?.ok_or_else(unknown)?;
    undecided(&record, world.clock.now())?;
    if record.target == Target::Unbound {
        return Err(unknown());
    }
    let site = world.config.site(&record.target)?;
    may_decide(world, decider, &record, &site.tier)?;
    let expected = if record.typed_name { site.key.name.clone() } else { "yes".to_owned() };
    let worth = decider.worth(&record);
    Ok(Prompt { record, word: expected, worth })
}

/// The tier's rules about who decides, and how.
fn may_decide(
    world: &World,
    decider: &Decider,
    record: &ApprovalRecord,
    tier: &Tier,
) -> Result<()> {
    if tier.mfa {
        return Err(denied(record, "the tier asks for a second factor, which this channel cannot give")
            .next("use a channel with a second factor; this version has none, so nothing of this tier can be approved"));
    }
    if decider.channel() == Channel::Program
        && !world.config.program_counts(decider.place(), &tier.name)
    {
        return Err(denied(
            record,
            &format!("tier {} does not take the word of program {}", tier.name, decider.place()),
        )
        .field(format!("tiers.{}.programs", tier.name))
        .given(decider.place())
        .next("a person approves it on a terminal"));
    }
    if !tier.approvers.is_empty() && !tier.approvers.iter().any(|name| name == decider.name()) {
        return Err(denied(
            record,
            &format!("{} is not among the approvers of tier {}", decider.name(), tier.name),
        )
        .allowed(tier.approvers.join(", ")));
    }
    if tier.approver_other_than_requester && decider.asked(record) {
        return Err(denied(
            record,
            &format!("tier {} wants an approver other than the requester", tier.name),
        )
        .given(decider.name())
        .next("another person approves it"));
    }
    Ok(())
}

fn denied(record: &ApprovalRecord, why: &str) -> Error {
    Error::new(ErrorCode::PolicyDenied, format!("approving {}: {why}", record.id))
}

fn undecided(record: &ApprovalRecord, now: jiff::Timestamp) -> Result<()> {
    match &record.state {
        ApprovalState::Requested if record.expires > now => Ok(()),
        ApprovalState::Requested => Err(Error::new(
            ErrorCode::ApprovalExpired,
            format!("approving {}: it expired at {}", record.id, record.expires),
        )
        .next("ask for a new plan")),
        ApprovalState::Spent { operation, .. } => Err(Error::new(
            ErrorCode::ApprovalUsed,
            format!("approving {}: operation {operation} used it", record.id),
        )),
        ApprovalState::Granted(e) => {
            Err(denied(record, &format!("{} approved it at {}", e.approver, e.at)))
        }
        ApprovalState::Rejected(e) => {
            Err(denied(record, &format!("{} rejected it at {}", e.approver, e.at)))
        }
    }
}

/// The whole plan as text, redacted.
pub async fn whole_plan(world: &World, prompt: &Prompt) -> Result<String> {
    let plan = world.plans.record(prompt.record.plan).await?;
    plan.map(|plan| plan.text).ok_or_else(|| denied(&prompt.record, "its plan is gone"))
}

/// Records the decision: first the event, then the record that the pipeline asks for. `typed` is what the person typed.
pub async fn decide(
    world: &World,
    decider: &Decider,
    prompt: &Prompt,
    typed: &str,
    grant: bool,
) -> Result<()> {
    if grant && typed.trim_end_matches(['\r', '\n']) != prompt.word {
        return Err(denied(&prompt.record, "what was typed is not what was asked for")
            .given(typed)
            .allowed(&prompt.word));
    }
    // Time has passed since it was shown.
    let now = world.clock.now();
    undecided(&prompt.record, now)?;
    let evidence = decider.evidence(grant && prompt.record.typed_name, now);
    let plan = world.plans.record(prompt.record.plan).await?;
    let plan = plan.ok_or_else(|| denied(&prompt.record, "its plan is gone"))?;
    let body = Body::Decided {
        approval: prompt.record.id,
        plan: plan.id,
        granted: grant,
        evidence: evidence.clone(),
    };
    let target = prompt.record.target.to_string();
    world.log.record(plan.operation, &target, &decider.actor(), body).await?;
    let state =
        if grant { ApprovalState::Granted(evidence) } else { ApprovalState::Rejected(evidence) };
    if world.approvals.decide(prompt.record.id, &state).await? {
        return Ok(());
    }
    Err(denied(&prompt.record, "somebody decided about it just now"))
}
