//! What comes back from a tool: the answer, and the progress on the way to it.

use serde_json::Value;

/// What a tool answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether the tool reports a failure.
    pub is_error: bool,
    /// The structured content; null when there is none.
    pub structured: Value,
    /// The text content, joined.
    pub text: String,
}

/// One progress notification.
#[derive(Debug, Clone)]
pub struct Progress {
    /// How far.
    pub progress: f64,
    /// Of how much, where known.
    pub total: Option<f64>,
    /// In words.
    pub message: String,
}

impl Answer {
    /// The text at a path of the structured content, such as `/approval/id`.
    pub fn text_at(&self, pointer: &str) -> Option<&str> {
        self.structured.pointer(pointer).and_then(Value::as_str)
    }

    /// The operation's status; empty when there is none.
    pub fn status(&self) -> &str {
        self.text_at("/status").unwrap_or_default()
    }

    /// The answer in a few words, for a message about what was got.
    pub fn brief(&self) -> String {
        let mut brief = match self.structured.get("error") {
            Some(error) => error.to_string(),
            None if self.structured.is_null() => self.text.clone(),
            None => self.structured.to_string(),
        };
        if brief.len() > 1200 {
            brief.truncate(brief.floor_char_boundary(1200));
            brief.push('…');
        }
        brief
    }
}

impl Progress {
    pub(super) fn of(params: &Value) -> Self {
        Self {
            progress: params.get("progress").and_then(Value::as_f64).unwrap_or_default(),
            total: params.get("total").and_then(Value::as_f64),
            message: params.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }
    }
}
