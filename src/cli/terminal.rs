//! The terminal of a person: opened by name, so that a redirected standard input is not taken for one.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;

use crate::error::{Error, ErrorCode, Result};

/// The controlling terminal of this process.
#[derive(Debug)]
pub(super) struct Terminal {
    file: std::fs::File,
    name: String,
}

impl Terminal {
    /// Opens it. Without one nobody can decide here.
    #[expect(clippy::disallowed_methods, reason = "the terminal is opened by its device name")]
    pub(super) fn open() -> Result<Self> {
        let refused = || {
            Error::new(ErrorCode::PolicyDenied, "asking a person: there is no terminal")
                .next("run the command in a terminal of your own, not through a program")
        };
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .map_err(|_| refused())?;
        if !rustix::termios::isatty(file.as_fd()) {
            return Err(refused());
        }
        let name = rustix::termios::ttyname(std::io::stdin().as_fd(), Vec::new());
        let name =
            name.ok().and_then(|n| n.into_string().ok()).unwrap_or_else(|| "/dev/tty".to_owned());
        Ok(Self { file, name })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Shows a text and reads one line.
    pub(super) fn ask(&mut self, text: &str) -> Result<String> {
        let failed = |e| Error::internal("asking a person", e);
        self.file.write_all(text.as_bytes()).map_err(failed)?;
        self.file.flush().map_err(failed)?;
        let mut line = String::new();
        BufReader::new(&self.file).read_line(&mut line).map_err(failed)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
