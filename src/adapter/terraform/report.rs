//! Collects what a stream said: findings, what was done, what failed, and a bounded text. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::stream::{Diagnostic, Event, Parsed};
use crate::model::{Action, ChangeSet};

/// Most findings that are kept.
const DIAGNOSTICS_MAX: usize = 200;
const HEAD_MAX: usize = 64 * 1024;
const TAIL_MAX: usize = 192 * 1024;
const REPLACED: &str = "deleted, but not created again";

/// What a run said so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Findings, errors and warnings.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Root outputs that are not sensitive.
    pub(super) outputs: Map<String, Value>,
    /// How often the state was printed in clear.
    pub(super) state_dumps: usize,
    /// A major version of the stream that we do not know.
    pub(super) foreign_ui: Option<String>,
    created: BTreeSet<String>,
    deleted: BTreeSet<String>,
    errored: BTreeSet<String>,
    in_flight: BTreeSet<String>,
    head: String,
    tail: String,
    left_out: usize,
}

/// What became of each resource of a change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// Completed.
    pub(super) done: Vec<String>,
    /// Failed, with the reason.
    pub(super) failed: BTreeMap<String, String>,
    /// Never started.
    pub(super) not_started: Vec<String>,
}

impl Report {
    /// Takes one event.
    pub(super) fn take(&mut self, parsed: Parsed) {
        match parsed.event {
            Event::Version { ui } => {
                if ui.split('.').next() != Some("1") {
                    self.foreign_ui = Some(ui);
                }
            }
            Event::Started { address, .. } => {
                self.in_flight.insert(address);
            }
            Event::Completed { address, action } => {
                self.in_flight.remove(&address);
                if action == "delete" {
                    self.deleted.insert(address);
                } else {
                    self.created.insert(address);
                }
            }
            Event::Errored { address, .. } => {
                self.in_flight.remove(&address);
                self.errored.insert(address);
            }
            Event::Diagnostic(found) => {
                if self.diagnostics.len() < DIAGNOSTICS_MAX {
                    self.diagnostics.push(found);
                }
            }
            Event::Outputs(outputs) => self.outputs = outputs,
            Event::StateDump => self.state_dumps += 1,
            Event::Planned { .. } | Event::Text | Event::Cut => {}
        }
        self.keep(&parsed.text);
    }

    fn keep(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.head.len() + text.len() < HEAD_MAX && self.tail.is_empty() {
            self.head.push_str(text);
            self.head.push('\n');
            return;
        }
        self.tail.push_str(text);
        self.tail.push('\n');
        if self.tail.len() > 2 * TAIL_MAX {
            let mut cut = self.tail.len() - TAIL_MAX;
            while !self.tail.is_char_boundary(cut) {
                cut += 1;
            }
            self.left_out += cut;
            self.tail.drain(..cut);
        }
    }

    /// The text, head and tail when it was long.
    pub(super) fn text(&self) -> String {
        if self.left_out == 0 {
            return format!("{}{}", self.head, self.tail);
        }
        format!("{}(… {} bytes left out …)\n{}", self.head, self.left_out, self.tail)
    }

    /// How many resources are over, well or not.
    pub(super) fn over(&self) -> usize {
        self.created.union(&self.deleted).count() + self.errored.len()
    }

    /// Resources that are being worked on.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &str> {
        self.in_flight.iter().map(String::as_str)
    }

    /// What became of each resource of `changes`. A replacement is done when both its halves are.
    pub(super) fn lists(&self, changes: &ChangeSet) -> Lists {
        let mut lists = Lists::default();
        for change in &changes.resources {
            let address = &change.address;
            let (created, deleted) =
                (self.created.contains(address), self.deleted.contains(address));
            let done = match change.action {
                Action::Create | Action::Update => created,
                Action::Delete => deleted,
                Action::Replace => created && deleted,
            };
            if self.errored.contains(address) {
                lists.failed.insert(address.clone(), self.why(address));
            } else if done {
                lists.done.push(address.clone());
            } else if self.in_flight.contains(address) {
                let why = "was being worked on when terraform ended".to_owned();
                lists.failed.insert(address.clone(), why);
            } else if deleted {
                lists.failed.insert(address.clone(), REPLACED.to_owned());
            } else if created {
                let why = "created, but the old one was not deleted".to_owned();
                lists.failed.insert(address.clone(), why);
            } else {
                lists.not_started.push(address.clone());
            }
        }
        for address in &self.errored {
            if !lists.failed.contains_key(address) {
                lists.failed.insert(address.clone(), self.why(address));
            }
        }
        lists
    }

    fn why(&self, address: &str) -> String {
        self.diagnostics
            .iter()
            .find(|d| d.error && d.address.as_deref() == Some(address))
            .map_or_else(
                || "no reason was given".to_owned(),
                |d| format!("{}: {}", d.summary, d.detail).trim_end_matches([':', ' ']).to_owned(),
            )
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::Parser;
    use super::*;
    use crate::model::ResourceChange;

    fn report(text: &str) -> Report {
        let (mut report, mut parser) = (Report::default(), Parser::default());
        parser.push(text.as_bytes(), &mut |p| report.take(p));
        parser.finish(&mut |p| report.take(p));
        report
    }

    fn changes(of: &[(&str, Action)]) -> ChangeSet {
        let resource = |(name, action): &(&str, Action)| ResourceChange {
            address: format!("terraform_data.{name}"),
            kind: "terraform_data".into(),
            action: *action,
        };
        ChangeSet { resources: of.iter().map(resource).collect(), ..ChangeSet::default() }
    }

    #[test]
    fn fault_42_a_partial_apply_is_listed() {
        let report = report(include_str!("../../../fixtures/terraform/partial/apply.jsonl"));
        let create = Action::Create;
        let lists = report.lists(&changes(&[("ok", create), ("slow", create), ("never", create)]));
        assert_eq!(lists.done, ["terraform_data.ok"]);
        assert_eq!(lists.not_started, ["terraform_data.never"]);
        assert!(lists.failed["terraform_data.slow"].contains("exit status 3"));
        assert!(report.text().contains("hello"));
    }

    #[test]
    fn fault_4_what_was_in_work_when_it_was_stopped_failed() {
        let report = report(include_str!("../../../fixtures/terraform/cancelled/apply.jsonl"));
        let lists = report.lists(&changes(&[("slow", Action::Replace), ("never", Action::Create)]));
        assert!(lists.done.is_empty());
        assert_eq!(lists.not_started, ["terraform_data.never"]);
        assert!(lists.failed["terraform_data.slow"].contains("signal: killed"));
    }

    #[test]
    fn a_replacement_that_only_deleted_is_not_done() {
        let line = r#"{"@message":"d","hook":{"resource":{"addr":"terraform_data.a"},"action":"delete"},"type":"apply_complete"}"#;
        let lists = report(line).lists(&changes(&[("a", Action::Replace)]));
        assert_eq!(lists.failed["terraform_data.a"], REPLACED);
    }

    #[test]
    fn fault_11_the_text_stays_bounded() {
        let mut report = Report::default();
        for _ in 0..100_000 {
            report.take(Parsed { event: Event::Text, text: "é".repeat(50) });
        }
        let text = report.text();
        assert!(text.len() < HEAD_MAX + 2 * TAIL_MAX + 100);
        assert!(text.contains("bytes left out"));
    }
}
