//! One neutral form for both syntaxes: blocks with labels and the attributes that the rules look at.

use std::collections::BTreeMap;
use std::fmt;

/// Where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// File, relative to the tree.
    pub(super) file: String,
    /// Line, from 1.
    pub(super) line: usize,
    /// Whether the file overrides others by terraform's naming rule.
    pub(super) overrides: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// An attribute's value, as far as it can be known without evaluating.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A literal text.
    Text(String),
    /// A literal truth value.
    Bool(bool),
    /// An object with literal keys.
    Object(BTreeMap<String, Value>),
    /// Anything else, as written.
    Other(String),
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As it was written, near enough for a message.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) | Self::Other(text) => text.trim().to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Object(_) => "{…}".to_owned(),
        }
    }
}

/// A block.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) labels: Vec<String>,
    pub(super) attributes: BTreeMap<String, Value>,
    pub(super) blocks: Vec<Block>,
    pub(super) place: Place,
}

impl Block {
    pub(super) fn label(&self, at: usize) -> &str {
        self.labels.get(at).map_or("", String::as_str)
    }

    /// Itself and every block in it.
    pub(super) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Block)) {
        visit(self);
        for inner in &self.blocks {
            inner.walk(visit);
        }
    }

    pub(super) fn children<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.kind == kind)
    }
}

/// Every block of these and in these.
pub(super) fn all(blocks: &[Block]) -> Vec<&Block> {
    let mut out = Vec::new();
    for block in blocks {
        block.walk(&mut |b| out.push(b));
    }
    out
}
