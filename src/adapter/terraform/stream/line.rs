//! One line of the stream. Borrowed from the bytes where that is possible: no tree of values is built for it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Diagnostic, Event, Parsed};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(rename = "@message", borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    ui: Cow<'a, str>,
    #[serde(borrow)]
    hook: Option<Hook<'a>>,
    #[serde(borrow)]
    change: Option<Hook<'a>>,
    #[serde(borrow)]
    diagnostic: Option<Finding<'a>>,
    outputs: Option<BTreeMap<String, OutputValue>>,
    state: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Hook<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow, default)]
    action: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    addr: Cow<'a, str>,
}

#[derive(Deserialize)]
struct OutputValue {
    #[serde(default)]
    sensitive: bool,
    value: Option<Value>,
}

#[derive(Deserialize)]
struct Finding<'a> {
    #[serde(borrow, default)]
    severity: Cow<'a, str>,
    #[serde(borrow, default)]
    summary: Cow<'a, str>,
    #[serde(borrow, default)]
    detail: Cow<'a, str>,
    address: Option<String>,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    filename: String,
    #[serde(default)]
    start: Start,
}

#[derive(Default, Deserialize)]
struct Start {
    #[serde(default)]
    line: u64,
}

pub(super) fn parse(bytes: &[u8], sink: &mut dyn FnMut(Parsed)) {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    if let Ok(line) = serde_json::from_slice::<Line<'_>>(bytes) {
        return sink(understand(&line));
    }
    let text = String::from_utf8_lossy(bytes);
    match serde_json::from_str::<Line<'_>>(&text) {
        Ok(line) => sink(understand(&line)),
        Err(_) if dumps_state(bytes) => sink(dump()),
        Err(_) => sink(Parsed { event: Event::Text, text: text.trim_end().to_owned() }),
    }
}

/// A line of `len` bytes of which only the beginning is known.
pub(super) fn cut(beginning: &[u8], len: usize, sink: &mut dyn FnMut(Parsed)) {
    if dumps_state(beginning) {
        return sink(dump());
    }
    sink(Parsed { event: Event::Cut, text: format!("(a line of {len} bytes was left out)") });
}

/// Keys of a line are sorted: `@message` and its like, then `state`, then `type`. A dump that is broken or too long to
/// parse is told by that beginning. The state itself as JSON begins with its version.
fn dumps_state(beginning: &[u8]) -> bool {
    let head = beginning.get(..4096).unwrap_or(beginning);
    let has = |word: &[u8]| head.windows(word.len()).any(|w| w == word);
    has(b"\"state\":") || (has(b"\"lineage\"") && has(b"\"serial\""))
}

fn dump() -> Parsed {
    Parsed { event: Event::StateDump, text: String::new() }
}

fn understand(line: &Line<'_>) -> Parsed {
    if line.state.is_some() {
        return dump();
    }
    let hook = line.hook.as_ref().or(line.change.as_ref());
    let address =
        || hook.and_then(|h| h.resource.as_ref()).map_or(String::new(), |r| r.addr.to_string());
    let action = || hook.map_or(String::new(), |h| h.action.to_string());
    let event = match &*line.kind {
        "version" => Event::Version { ui: line.ui.to_string() },
        "planned_change" => Event::Planned { address: address(), action: action() },
        "apply_start" => Event::Started { address: address(), action: action() },
        "apply_complete" => Event::Completed { address: address(), action: action() },
        "apply_errored" => Event::Errored { address: address(), action: action() },
        "diagnostic" => match &line.diagnostic {
            Some(finding) => return finding.parsed(),
            None => Event::Text,
        },
        "outputs" => Event::Outputs(
            line.outputs
                .iter()
                .flatten()
                .filter(|(_, output)| !output.sensitive)
                .filter_map(|(name, output)| Some((name.clone(), output.value.clone()?)))
                .collect(),
        ),
        _ => Event::Text,
    };
    Parsed { event, text: line.message.trim().to_owned() }
}

impl Finding<'_> {
    fn parsed(&self) -> Parsed {
        let place = self.range.as_ref().map(|r| format!("{}:{}", r.filename, r.start.line));
        let error = self.severity == "error";
        let mut text = format!("{}: {}", if error { "Error" } else { "Warning" }, self.summary);
        for (label, more) in [("  with ", &self.address), ("  on ", &place)] {
            if let Some(more) = more {
                text.push('\n');
                text.push_str(label);
                text.push_str(more);
            }
        }
        if !self.detail.is_empty() {
            text.push('\n');
            text.push_str(self.detail.trim_end());
        }
        Parsed {
            event: Event::Diagnostic(Diagnostic {
                error,
                summary: self.summary.to_string(),
                detail: self.detail.to_string(),
                address: self.address.clone(),
                place,
            }),
            text,
        }
    }
}
