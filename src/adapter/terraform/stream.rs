//! Incremental parser of terraform's `-json` lines: bytes in, events and human text out. Holds at most one line of at
//! most [`LINE_MAX`] bytes, so its memory does not grow with the stream. No I/O.

mod line;

use serde_json::{Map, Value};

/// Longest line that is parsed; a longer one is left out and told.
pub const LINE_MAX: usize = 1024 * 1024;

/// A finding of terraform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it is an error; else a warning.
    pub error: bool,
    /// What errors are told apart by.
    pub summary: String,
    /// More.
    pub detail: String,
    /// The resource it is about.
    pub address: Option<String>,
    /// `file:line`.
    pub place: Option<String>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// First line: the version of the stream.
    Version {
        /// The version, `major.minor`.
        ui: String,
    },
    /// A resource that the plan changes.
    Planned {
        /// Its address.
        address: String,
        /// Terraform's word for what happens to it.
        action: String,
    },
    /// Work on a resource began.
    Started {
        /// Its address.
        address: String,
        /// Terraform's word for what happens to it.
        action: String,
    },
    /// Work on a resource ended well.
    Completed {
        /// Its address.
        address: String,
        /// Terraform's word for what happened to it.
        action: String,
    },
    /// Work on a resource failed.
    Errored {
        /// Its address.
        address: String,
        /// Terraform's word for what was to happen to it.
        action: String,
    },
    /// A finding.
    Diagnostic(Diagnostic),
    /// Values of the root outputs; sensitive ones have none.
    Outputs(Map<String, Value>),
    /// A line that is only text: provisioner output, progress, a log line, a line that is not JSON.
    Text,
    /// The state in clear, secrets included, because it could be written nowhere else. Never has a text.
    StateDump,
    /// A line that was too long and was left out.
    Cut,
}

/// An event with its human text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What happened.
    pub event: Event,
    /// The line for people, not redacted; may be empty.
    pub text: String,
}

/// The parser's memory between two pieces of the stream.
#[derive(Debug, Default)]
pub struct Parser {
    pending: Vec<u8>,
    /// Bytes of the pending line that were not kept.
    over: usize,
}

impl Parser {
    /// Takes the next piece, however it was cut, and hands each whole line's event to `sink`.
    pub fn push(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(Parsed)) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (head, tail) = bytes.split_at(end);
            bytes = tail.get(1..).unwrap_or_default();
            if self.pending.is_empty() && self.over == 0 && head.len() <= LINE_MAX {
                line::parse(head, sink);
            } else {
                self.keep(head);
                self.flush(sink);
            }
        }
        self.keep(bytes);
    }

    /// The stream has ended: what is left is a line too.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Parsed)) {
        if !self.pending.is_empty() {
            self.flush(sink);
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_MAX.saturating_sub(self.pending.len()).min(piece.len());
        let (kept, over) = piece.split_at(room);
        self.pending.extend_from_slice(kept);
        self.over += over.len();
    }

    fn flush(&mut self, sink: &mut dyn FnMut(Parsed)) {
        if self.over == 0 {
            line::parse(&self.pending, sink);
        } else {
            line::cut(&self.pending, self.pending.len() + self.over, sink);
        }
        self.pending.clear();
        self.over = 0;
    }
}

#[cfg(test)]
mod tests;
