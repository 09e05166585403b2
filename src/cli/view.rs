//! What people and scripts see: JSON on request, else short text. Answers go to standard output, progress and errors
//! to standard error. Only this module writes there.

mod human;
mod progress;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

pub(super) use progress::Bar;

use crate::error::{Error, Result};

/// How answers are shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    json: bool,
    colour: bool,
}

impl View {
    /// JSON or text; colours only on a terminal and without `NO_COLOR`.
    pub fn new(json: bool, no_color: bool) -> Self {
        Self { json, colour: !no_color && std::io::stdout().is_terminal() }
    }

    /// Shows an answer.
    pub fn answer(&self, kind: &str, answer: &Value) {
        let text = if self.json {
            serde_json::to_string_pretty(answer).unwrap_or_default()
        } else {
            human::answer(kind, answer, self.colour)
        };
        self.raw(&format!("{}\n", text.trim_end()));
    }

    /// Shows a text as it is.
    #[expect(clippy::unused_self, reason = "only what has a view may write")]
    pub fn raw(&self, text: &str) {
        let mut out = out();
        drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// Shows an error.
    pub fn fail(&self, error: &Error) -> ExitCode {
        if self.json {
            self.answer("error", &json!({ "status": "refused", "error": error }));
        } else {
            drop(std::io::stderr().write_all(human::error(error).as_bytes()));
        }
        ExitCode::FAILURE
    }

    /// A progress line on standard error, if that is a terminal.
    pub(super) fn progress(&self) -> Bar {
        Bar::new(!self.json && std::io::stderr().is_terminal())
    }
}

/// Standard output.
pub fn out() -> impl Write {
    std::io::stdout().lock()
}

/// Shows an error before there is a view.
pub fn fail(error: &Error) -> ExitCode {
    View::new(false, true).fail(error)
}

/// Shows a text, or an error before there is a view.
pub fn say_or_fail(text: Result<String>) -> ExitCode {
    match text {
        Ok(text) => {
            View::new(false, true).raw(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}
