//! Who agreed to a plan, and how a person is asked.

use super::ask::{approval_text, need};
use super::ends::{answer, closing, end};
use crate::approval::grant::{self, Request};
use crate::approval::{ApprovalRecord, ApprovalState};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ApprovalId, PlanRecord, Status};
use crate::operation::Scene;
use crate::operation::answer::ChangeAnswer;
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
        target: scene.environment.target(),
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
