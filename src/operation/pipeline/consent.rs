//! Who agreed to a plan, and how a person is asked.

use super::ends::{answer, closing, end};
use crate::approval::grant::{self, Request};
use crate::approval::{ApprovalRecord, ApprovalState};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ApprovalId, PlanRecord, Status, Target};
use crate::operation::Scene;
use crate::operation::answer::{ApprovalNeed, ChangeAnswer, Summary};
use crate::permit::Consent;
use crate::policy::{Decision, Obligation, Verdict};

/// Whether somebody who may has agreed: the requester where the policy lets them, else a person.
pub(super) async fn consented(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    decision: &Decision,
) -> Result<bool> {
    if decision.self_approve(scene.ask.terms.auto_approve).is_some() {
        return Ok(true);
    }
    let standing = grant::standing(
        scene.world.approvals.as_ref(),
        plan.id,
        &plan.binding.digest(),
        scene.world.clock.now(),
    )
    .await?;
    Ok(matches!(standing, Request::Granted(_)))
}

/// Turns the agreement into a proof; a person's approval is spent by it.
pub(super) async fn spend(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    decision: &Decision,
) -> Result<Consent> {
    if let Verdict::Deny(error) = decision.verdict() {
        return Err(error.clone());
    }
    if let Some(own) = decision.self_approve(scene.ask.terms.auto_approve) {
        return Ok(Consent::Requester(own));
    }
    let approvals = &scene.world.approvals;
    let digest = plan.binding.digest();
    let now = scene.world.clock.now();
    let Request::Granted(record) =
        grant::standing(approvals.as_ref(), plan.id, &digest, now).await?
    else {
        return Err(Error::new(
            ErrorCode::PolicyDenied,
            format!("carrying out plan {}: no person approved it", plan.id),
        ));
    };
    let approval = grant::spend(approvals, &record, &digest, scene.run.operation, now).await?;
    Ok(Consent::Person(approval))
}

pub(super) fn need(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    decision: &Decision,
    id: Option<ApprovalId>,
) -> ApprovalNeed {
    let approve = id.map_or_else(
        || "call again with dry_run=false and this plan_id: the answer names the approval".to_owned(),
        |id| format!("a person runs `datamcp --config {} approve {id}` on a terminal; then call again with dry_run=false and this plan_id", scene.world.settings_path),
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

/// The end of a real call that waits for a person: the request for a decision is stored.
pub(super) async fn approval_required(
    scene: &Scene<'_>,
    plan: &PlanRecord,
    decision: &Decision,
    warnings: Vec<String>,
) -> Result<ChangeAnswer> {
    let typed_name = match decision.verdict() {
        Verdict::NeedsPerson(Obligation { typed_name, .. }) => *typed_name,
        _ => scene.environment.tier.typed_name,
    };
    let request = ApprovalRecord {
        id: ApprovalId::fresh(),
        plan: plan.id,
        digest: plan.binding.digest(),
        tool: scene.tool.name.to_owned(),
        target: Target::Environment(scene.environment.key.clone()),
        requester: scene.run.actor.principal.clone(),
        requester_os_user: scene.run.actor.os_user.clone(),
        text: approval_text(scene, plan, decision),
        typed_name,
        created: scene.world.clock.now(),
        expires: plan.expires,
        state: ApprovalState::Requested,
    };
    let request = scene.world.approvals.request(&request).await?;
    let mut answer = answer(scene, Status::ApprovalRequired, plan, warnings);
    let need = need(scene, plan, decision, Some(request.id));
    answer.next = Some(need.how.clone());
    answer.approval = Some(need);
    let closing = closing(&answer, plan);
    end(scene, answer, closing).await
}

/// What the approver is shown: computed here from the plan, never taken from the model.
pub(super) fn approval_text(scene: &Scene<'_>, plan: &PlanRecord, decision: &Decision) -> String {
    const SHOWN: usize = 60;
    let b = &plan.binding;
    let mut lines = vec![
        format!(
            "{} on {} (tier {}, account {}, workspace {})",
            scene.tool.name, b.target, scene.environment.tier.name, b.account, b.workspace
        ),
        format!(
            "asked for by {} (user {}{})",
            b.requester,
            scene.run.actor.os_user,
            scene.run.actor.agent.as_ref().map_or_else(String::new, |a| format!(", program {a}"))
        ),
        format!(
            "plan {} of {}, {}, state {} serial {}",
            plan.id, plan.created, b.terraform, b.backend, b.state.serial
        ),
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
