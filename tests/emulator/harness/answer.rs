//! What a call answered, over MCP or on the command line.

use serde_json::Value;
use xtask::mcp::Answer;

/// An answer of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// Exit code.
    pub(crate) code: Option<i32>,
    /// The structured answer; null when standard output was not JSON.
    pub(crate) value: Value,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Answered {
    /// The text at a path, empty when there is none.
    pub(crate) fn at(&self, pointer: &str) -> String {
        at(&self.value, pointer)
    }

    /// The status.
    pub(crate) fn status(&self) -> String {
        self.at("/status")
    }

    /// The operation.
    pub(crate) fn operation(&self) -> String {
        self.at("/operation_id")
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: &str) -> Self {
        assert_eq!(self.status(), status, "{:#}\n{}", self.value, self.err);
        self
    }

    /// Fails unless it is refused with this code.
    #[track_caller]
    pub(crate) fn refused(self, code: &str) -> Self {
        assert_eq!(self.at("/error/code"), code, "{:#}\n{}", self.value, self.err);
        assert_ne!(self.code, Some(0), "{:#}", self.value);
        self
    }
}

fn at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// The answer of an MCP call in the command line's terms.
pub(crate) fn structured(answer: Answer) -> Answered {
    Answered {
        code: Some(i32::from(answer.is_error)),
        value: answer.structured,
        out: answer.text,
        err: String::new(),
    }
}
