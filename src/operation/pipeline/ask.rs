//! What a plan needs before it may run, as the requester is told and as the approver is shown.

use crate::model::{ApprovalId, Meaning, PlanRecord};
use crate::operation::Scene;
use crate::operation::answer::{ApprovalNeed, Summary};
use crate::policy::{Decision, Obligation, Verdict};

/// What the requester is told about the approval.
pub(super) fn need(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    decision: &Decision,
    id: Option<ApprovalId>,
) -> ApprovalNeed {
    let who = match scene.environment.tier.approvers.as_slice() {
        [] => "a person".to_owned(),
        people => format!("one of {}", people.join(", ")),
    };
    let approve = id.map_or_else(
        || "call again with dry_run=false and this plan_id: the answer names the approval".to_owned(),
        |id| format!("{who} runs `datamcp --config {} approve {id}` on a terminal; then call again with dry_run=false and this plan_id", scene.world.settings_path),
    );
    let (person, reasons, how) = match decision.verdict() {
        Verdict::NeedsPerson(Obligation { reasons, .. }) => (true, reasons.clone(), approve),
        _ if scene.ask.terms.auto_approve => {
            (false, Vec::new(), "nothing: the policy lets you approve this yourself".to_owned())
        }
        _ => (
            false,
            Vec::new(),
            format!(
                "the policy lets you approve this yourself with auto_approve=true; or {approve}"
            ),
        ),
    };
    ApprovalNeed { id, person, how, reasons, expires: plan.expires.to_string() }
}

/// What the plan was computed from, in a line.
fn bound_to(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Terraform(f) => format!(
            "workspace {}, {}, state {} serial {}",
            f.workspace, f.terraform, f.backend, f.state.serial
        ),
        Meaning::Facts(facts) => facts
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// What the approver is shown: computed here from the plan, never taken from the model.
pub(super) fn approval_text(scene: &Scene<'_>, plan: &PlanRecord, decision: &Decision) -> String {
    const SHOWN: usize = 60;
    let b = &plan.binding;
    let mut lines = vec![
        format!(
            "{} on {} (tier {}, account {})",
            scene.tool.name, b.target, scene.environment.tier.name, b.account
        ),
        format!(
            "asked for by {} (user {}{})",
            b.requester,
            scene.run.actor.os_user,
            scene.run.actor.agent.as_ref().map_or_else(String::new, |a| format!(", program {a}"))
        ),
        format!("plan {} of {}", plan.id, plan.created),
        bound_to(&b.meaning),
        String::new(),
        Summary::of(&plan.changes).text,
    ];
    lines.extend(
        plan.changes
            .resources
            .iter()
            .take(SHOWN)
            .map(|r| format!("  {:<8} {}", r.action.word(), r.address)),
    );
    if plan.changes.resources.len() > SHOWN {
        lines.push(format!("  … and {} more", plan.changes.resources.len() - SHOWN));
    }
    lines.extend(plan.changes.outputs.iter().map(|o| format!("  output   {o}")));
    if let Verdict::NeedsPerson(Obligation { reasons, .. }) = decision.verdict() {
        lines.push(String::new());
        lines.extend(reasons.iter().map(|r| format!("you are asked because {r}")));
    }
    scene.journal.clean(&lines.join("\n"))
}
