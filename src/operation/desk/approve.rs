//! Deciding about a plan at a terminal.

use crate::approval::{ApprovalRecord, ApprovalState, Channel, Evidence};
use crate::audit::Body;
use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, ApprovalId, Principal};
use crate::operation::World;

/// A person at a terminal.
#[derive(Debug, Clone)]
pub struct Person {
    /// The operating system's user.
    pub os_user: String,
    /// Name of the terminal.
    pub terminal: String,
}

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
pub async fn prompt(world: &World, person: &Person, id: &str) -> Result<Prompt> {
    let unknown = || {
        Error::invalid("id", id, "is not an approval that waits")
            .next("`datamcp approvals` lists them")
    };
    let parsed: ApprovalId = id.parse().map_err(|_| unknown())?;
    let record = world.approvals.approval(parsed).await?.ok_or_else(unknown)?;
    undecided(&record, world.clock.now())?;
    let key = record.target.environment().ok_or_else(unknown)?;
    let tier = &world.config.environment(key.cloud, &key.name)?.tier;
    if tier.mfa {
        return Err(denied(&record, "the tier asks for a second factor, which a terminal cannot give")
            .next("use a channel with a second factor; this version has none, so nothing of this tier can be approved"));
    }
    let approver = world.config.approver(&person.os_user);
    if !tier.approvers.is_empty() && !tier.approvers.contains(&approver) {
        return Err(denied(
            &record,
            &format!("{approver} is not among the approvers of tier {}", tier.name),
        )
        .allowed(tier.approvers.join(", ")));
    }
    let same = person.os_user == record.requester_os_user || approver == record.requester.0;
    if tier.approver_other_than_requester && same {
        return Err(denied(
            &record,
            &format!("tier {} wants an approver other than the requester", tier.name),
        )
        .given(&approver)
        .next("another person approves it"));
    }
    let expected = if record.typed_name { key.name.clone() } else { "yes".to_owned() };
    let worth = if same {
        "you decide as the same user that asked: this confirms, it does not bind a program that can use your terminal"
    } else {
        "you decide as another user than the one that asked"
    };
    Ok(Prompt { record, word: expected, worth: worth.to_owned() })
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
    person: &Person,
    prompt: &Prompt,
    typed: &str,
    grant: bool,
) -> Result<()> {
    if grant && typed.trim_end_matches(['\r', '\n']) != prompt.word {
        return Err(denied(&prompt.record, "what was typed is not what was asked for")
            .given(typed)
            .allowed(&prompt.word));
    }
    let evidence = Evidence {
        approver: world.config.approver(&person.os_user),
        os_user: person.os_user.clone(),
        channel: Channel::Terminal,
        place: person.terminal.clone(),
        typed_name: grant && prompt.record.typed_name,
        at: world.clock.now(),
    };
    let plan = world.plans.record(prompt.record.plan).await?;
    let plan = plan.ok_or_else(|| denied(&prompt.record, "its plan is gone"))?;
    let body = Body::Decided {
        approval: prompt.record.id,
        plan: plan.id,
        granted: grant,
        evidence: evidence.clone(),
    };
    let actor = actor(&world.config, person);
    world.log.record(plan.operation, &prompt.record.target.to_string(), &actor, body).await?;
    let state =
        if grant { ApprovalState::Granted(evidence) } else { ApprovalState::Rejected(evidence) };
    if world.approvals.decide(prompt.record.id, &state).await? {
        return Ok(());
    }
    Err(denied(&prompt.record, "somebody decided about it just now"))
}

/// The person as the log knows them.
pub fn actor(config: &Config, person: &Person) -> Actor {
    Actor {
        principal: Principal(config.approver(&person.os_user)),
        os_user: person.os_user.clone(),
        agent: None,
    }
}
