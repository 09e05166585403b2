//! What earlier operations noted about a project: operations of Google's that they started, and a call for the project whose
//! answer nobody noted.

use crate::audit::Query;
use crate::error::Result;
use crate::model::Status;
use crate::operation::Scene;
use crate::port::JournalLine;

/// How many earlier operations are searched for what they asked for.
const EARLIER: usize = 200;
/// Name of the call that asks for a project.
pub(super) const ASKING: &str = "create_project";

/// What they noted, as far as it still counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Earlier {
    /// The newest operation of Google's that makes it.
    pub(super) creation: Option<String>,
    /// The newest operation of Google's that switches APIs on.
    pub(super) enabling: Option<String>,
    /// It was asked for, and nobody noted what came of that: it may be being made.
    pub(super) open: bool,
}

/// What operations before this one noted.
pub(super) async fn earlier(scene: &Scene<'_>, id: &str) -> Result<Earlier> {
    let query = Query {
        chain: Some(scene.run.target.to_string()),
        tool: Some(scene.tool.name.to_owned()),
        limit: EARLIER,
        ..Query::default()
    };
    let mut all = Earlier::default();
    for row in scene.world.log.store().rows(&query).await?.rows {
        let nothing =
            matches!(row.status, Status::Planned | Status::Refused | Status::ApprovalRequired);
        if nothing || row.id == scene.run.operation {
            continue;
        }
        let (journal, _) = scene.world.runs.journal(row.id, 0).await?;
        if all.joined(&journal, id) {
            break;
        }
    }
    Ok(all)
}

impl Earlier {
    /// Joins what an older operation noted. True: it had the project, and what was before that no longer counts.
    fn joined(&mut self, journal: &[JournalLine], id: &str) -> bool {
        let (mut creation, mut enabling, mut open, mut there) = (None, None, false, false);
        for line in journal.iter().filter(|line| line.field("project").as_str() == Some(id)) {
            let operation = || line.field("operation").as_str().map(str::to_owned);
            match line.kind.as_str() {
                "call" if line.field("name").as_str() == Some(ASKING) => open = true,
                "not_taken" => open = false,
                "creation" => (creation, open) = (operation(), false),
                "enabling" => enabling = operation(),
                "made" => (there, open) = (true, false),
                _ => {}
            }
        }
        self.creation = self.creation.take().or(creation);
        self.enabling = self.enabling.take().or(enabling);
        self.open |= open;
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn journal(lines: &[(&str, Value)]) -> Vec<JournalLine> {
        let line = |(kind, body): &(&str, Value)| {
            let mut body = body.clone();
            body["project"] = json!("acme-data-4711");
            JournalLine { ts: jiff::Timestamp::UNIX_EPOCH, kind: (*kind).to_owned(), body }
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_call_is_open_until_its_answer_or_its_project_was_noted() {
        let asked = || ("call", json!({ "name": ASKING }));
        let of = |lines: &[(&str, Value)]| {
            let mut all = Earlier::default();
            let there = all.joined(&journal(lines), "acme-data-4711");
            (all, there)
        };
        assert!(of(&[asked()]).0.open);
        assert!(!of(&[("call", json!({ "name": "billing" }))]).0.open);
        assert!(!of(&[asked(), ("not_taken", json!({}))]).0.open);
        assert!(of(&[asked(), ("not_taken", json!({})), asked()]).0.open);
        let (taken, there) = of(&[asked(), ("creation", json!({ "operation": "operations/1" }))]);
        assert_eq!(
            (taken.open, taken.creation.as_deref(), there),
            (false, Some("operations/1"), false)
        );
        assert_eq!(of(&[asked(), ("made", json!({}))]), (Earlier::default(), true));
    }

    #[test]
    fn newer_operations_of_google_count_and_older_open_calls_too() {
        let mut all = Earlier::default();
        let id = "acme-data-4711";
        let newer = journal(&[("creation", json!({ "operation": "operations/2" }))]);
        let older = journal(&[
            ("creation", json!({ "operation": "operations/1" })),
            ("call", json!({ "name": ASKING })),
        ]);
        all.joined(&newer, id);
        all.joined(&older, id);
        assert_eq!((all.creation.as_deref(), all.open), (Some("operations/2"), true));
        let mut others = Earlier::default();
        others.joined(&older, "acme-data-4712");
        assert_eq!(others, Earlier::default(), "of another project");
    }
}
