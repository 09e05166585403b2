//! What a mutating tool answers. Everything in it was redacted before, and it is small: clients cut long answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::audit::OperationRow;
use crate::error::Error;
use crate::model::{ApprovalId, ChangeSet, OperationId, PlanId, ResourceChange, Status};

/// Longest structured answer, in characters of JSON. MCP repeats it as text, so a whole answer stays below 8,000.
pub const MAX: usize = 3_900;

/// What a change comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// One line.
    pub text: String,
    /// Resources created, not counting replacements.
    #[serde(default)]
    pub add: usize,
    /// Resources updated in place.
    #[serde(default)]
    pub change: usize,
    /// Resources deleted, not counting replacements.
    #[serde(default)]
    pub destroy: usize,
    /// Resources deleted and created again.
    #[serde(default)]
    pub replace: usize,
    /// The resources; the first ones when there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceChange>,
    /// How many resources are left out of `resources`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resources_left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Summary {
    /// Of a computed change.
    pub fn of(changes: &ChangeSet) -> Self {
        let counts = changes.counts();
        let text = if changes.is_empty() {
            "no changes".to_owned()
        } else {
            format!(
                "{} to add, {} to change, {} to replace, {} to destroy",
                counts.add, counts.change, counts.replace, counts.destroy
            )
        };
        Self {
            text,
            add: counts.add,
            change: counts.change,
            destroy: counts.destroy,
            replace: counts.replace,
            resources: changes.resources.clone(),
            resources_left_out: 0,
        }
    }
}

/// What approval a plan needs and how to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalNeed {
    /// The request for a decision, once one was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<ApprovalId>,
    /// Whether a person has to decide; false: `auto_approve` is enough.
    pub person: bool,
    /// How to get it.
    pub how: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// After this moment the plan counts no more.
    pub expires: String,
}

/// The answer of a mutating tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeAnswer {
    /// The operation; `get_operation` follows it. Absent when the request was refused before there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operation_id: Option<OperationId>,
    /// How it stands.
    pub status: Status,
    /// What the change comes to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub summary: Option<Summary>,
    /// The plan: carry out exactly this one with `dry_run: false`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan_id: Option<PlanId>,
    /// What approval it needs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval: Option<ApprovalNeed>,
    /// The plan as text, cut; the whole is in the operation's log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("x-told" = "in the reference"))]
    pub plan_stdout: Option<String>,
    /// What terraform said while applying, cut; the whole is in the operation's log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("x-told" = "in the reference"))]
    pub apply_stdout: Option<String>,
    /// Terraform's exit code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("x-told" = "in the reference"))]
    pub returncode: Option<i32>,
    /// Whether the change was made in full.
    #[schemars(extend("x-told" = "in the reference"))]
    pub succeeded: bool,
    /// More, by tool: for a state backend its settings and the backend block.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub details: Map<String, Value>,
    /// What a user should know.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Why it did not succeed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Error>,
}

impl ChangeAnswer {
    /// An answer with this status and nothing else.
    pub fn new(operation_id: Option<OperationId>, status: Status) -> Self {
        Self {
            operation_id,
            status,
            summary: None,
            plan_id: None,
            approval: None,
            plan_stdout: None,
            apply_stdout: None,
            returncode: None,
            details: Map::new(),
            succeeded: status == Status::Succeeded,
            warnings: Vec::new(),
            next: None,
            error: None,
        }
    }

    /// The answer to a request that was refused or failed.
    pub fn failed(operation_id: Option<OperationId>, status: Status, error: Error) -> Self {
        Self { next: error.next.clone(), error: Some(error), ..Self::new(operation_id, status) }
    }

    /// What the log knows of an operation whose answer was lost.
    pub fn of_row(row: &OperationRow) -> Self {
        let mut answer = Self::new(Some(row.id), row.status);
        answer.summary = Some(Summary { text: row.summary.clone(), ..Summary::default() });
        answer.plan_id = row.plan;
        answer.next = row.error.as_ref().and_then(|e| e.next.clone());
        answer.error.clone_from(&row.error);
        answer.fit()
    }

    /// The same answer with every text passed through `clean`.
    #[must_use]
    pub fn map_text(mut self, clean: &dyn Fn(&str) -> String) -> Self {
        for text in
            [&mut self.plan_stdout, &mut self.apply_stdout, &mut self.next].into_iter().flatten()
        {
            *text = clean(text);
        }
        self.warnings.iter_mut().for_each(|w| *w = clean(w));
        if let Some(summary) = &mut self.summary {
            summary.text = clean(&summary.text);
            summary.resources.iter_mut().for_each(|r| r.address = clean(&r.address));
        }
        self.error = self.error.map(|e| e.map_text(clean));
        self
    }

    /// Cuts what is long until the answer fits: first the resource list, then the texts.
    #[must_use]
    pub fn fit(mut self) -> Self {
        if let Some(summary) = &mut self.summary {
            let mut room = MAX / 3;
            let fits = |r: &ResourceChange| r.address.len() + r.kind.len() + 45;
            let keep = summary
                .resources
                .iter()
                .take_while(|r| room.checked_sub(fits(r)).inspect(|left| room = *left).is_some())
                .count();
            summary.resources_left_out += summary.resources.len() - keep;
            summary.resources.truncate(keep);
        }
        let length =
            |answer: &Self| serde_json::to_string(answer).map_or(0, |text| text.chars().count());
        for limit in [2_000, 1_000, 500, 200, 0] {
            if length(&self) <= MAX {
                break;
            }
            for text in [&mut self.plan_stdout, &mut self.apply_stdout].into_iter().flatten() {
                *text = cut(text, limit);
            }
            self.warnings.truncate(limit / 100 + 1);
            self.warnings.iter_mut().for_each(|w| *w = cut(w, limit / 2 + 100));
            if let (Some(error), true) = (&mut self.error, limit <= 500) {
                error.details.retain(|_, v| v.to_string().len() <= limit);
                error.message = cut(&error.message, limit + 500);
            }
        }
        self
    }
}

/// At most `limit` characters of a text: its head and its tail.
pub fn cut(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let half = limit / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!(
        "{head}\n… {} characters left out: get_operation with log_cursor has them …\n{tail}",
        count - 2 * half
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    #[test]
    fn bar_11_a_plan_of_10_000_resources_fits() {
        let changes = ChangeSet {
            resources: (0..10_000)
                .map(|i| ResourceChange {
                    address: format!("module.m.terraform_data.r[{i}]"),
                    kind: "terraform_data".into(),
                    action: Action::Create,
                })
                .collect(),
            ..ChangeSet::default()
        };
        let mut answer = ChangeAnswer::new(Some(OperationId::fresh()), Status::Planned);
        answer.summary = Some(Summary::of(&changes));
        answer.plan_stdout = Some("\"quoted\"\n".repeat(100_000));
        answer.warnings = vec!["w".repeat(5_000); 50];
        let answer = answer.fit();
        let text = serde_json::to_string(&answer).unwrap();
        assert!(text.chars().count() <= MAX, "{}", text.chars().count());
        let summary = answer.summary.unwrap();
        assert_eq!(summary.add, 10_000);
        assert_eq!(summary.resources.len() + summary.resources_left_out, 10_000);
        assert!(!summary.resources.is_empty());
    }
}
