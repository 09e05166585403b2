//! Somebody at a terminal: a program on a pseudo-terminal, read and typed to.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use regex_lite::Regex;

/// How the program asks for the word that approves.
const QUESTION: &str = r"(?i)type\s+`([^`]+)`\s+to\s+approve";
/// How long a person waits for the program.
const PATIENCE: Duration = Duration::from_mins(1);

/// A person in front of one running program.
pub struct Person {
    program: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    screen: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    patience: Duration,
    /// Dropped last: without it the program loses its terminal.
    _terminal: Box<dyn MasterPty + Send>,
}

/// How the program ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Its exit code.
    pub code: u32,
    /// Everything it showed, without colours.
    pub text: String,
}

impl Person {
    /// Starts a program on a terminal of its own, with exactly this environment.
    pub fn sit_down(
        program: &Path,
        arguments: &[&str],
        environment: &[(String, String)],
        folder: &Path,
    ) -> Result<Self> {
        let size = PtySize { rows: 50, cols: 120, pixel_width: 0, pixel_height: 0 };
        let terminal = native_pty_system().openpty(size).map_err(|error| anyhow!("{error:#}"))?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.cwd(folder);
        let child = terminal
            .slave
            .spawn_command(command)
            .map_err(|error| anyhow!("starting {}: {error:#}", program.display()))?;
        // With our own end open the screen would never end.
        drop(terminal.slave);
        let reader =
            terminal.master.try_clone_reader().map_err(|error| anyhow!("the screen: {error:#}"))?;
        let keyboard =
            terminal.master.take_writer().map_err(|error| anyhow!("the keyboard: {error:#}"))?;
        Ok(Self {
            program: child,
            keyboard,
            screen: watch(reader),
            seen: Vec::new(),
            patience: PATIENCE,
            _terminal: terminal.master,
        })
    }

    /// The same person, who waits so long for each thing instead of a minute.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Approves as asked: types the word that the program wants to see, and waits for its end.
    pub fn approve(mut self) -> Result<(String, Ending)> {
        let word = self.sees(QUESTION)?;
        self.types(&word)?;
        Ok((word, self.leaves()?))
    }

    /// Waits until a pattern is on the screen; returns its first group.
    pub fn sees(&mut self, pattern: &str) -> Result<String> {
        let regex = Regex::new(pattern).context("reading a pattern")?;
        let deadline = Instant::now() + self.patience;
        loop {
            let text = plain(&self.seen);
            if let Some(found) = regex.captures(&text) {
                let group = found.get(1).or_else(|| found.get(0));
                return Ok(group.map(|group| group.as_str().to_owned()).unwrap_or_default());
            }
            match self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(more) => self.seen.extend(more),
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "expected {pattern} on the screen, got after {:?}:\n{text}",
                        self.patience
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("expected {pattern} on the screen, the program ended with:\n{text}")
                }
            }
        }
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) -> Result<()> {
        let typed = format!("{line}\n");
        self.keyboard.write_all(typed.as_bytes()).context("typing")?;
        self.keyboard.flush().context("typing")
    }

    /// Waits for the program's end.
    pub fn leaves(mut self) -> Result<Ending> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(more) => self.seen.extend(more),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.program.kill().context("ending the program")?;
                    bail!("the program did not end in {:?}:\n{}", self.patience, plain(&self.seen));
                }
            }
        }
        let status = self.program.wait().context("waiting for the program")?;
        Ok(Ending { code: status.exit_code(), text: plain(&self.seen) })
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("program", &self.program).finish_non_exhaustive()
    }
}

fn watch(mut screen: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut part = [0; 4096];
        // A closed terminal is an error on Linux and an end elsewhere.
        while let Ok(length @ 1..) = screen.read(&mut part) {
            let bytes = part.get(..length).unwrap_or_default().to_vec();
            if sender.send(bytes).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What a screen shows, without escape sequences and carriage returns.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    match Regex::new(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])") {
        Ok(escapes) => escapes.replace_all(&text, "").into_owned(),
        Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(script: &str) -> Person {
        let path = vec![("PATH".to_owned(), std::env::var("PATH").unwrap())];
        Person::sit_down(Path::new("/bin/sh"), &["-c", script], &path, Path::new("/")).unwrap()
    }

    #[test]
    fn the_word_that_is_asked_for_is_typed() {
        let script = "test -t 0 || exit 9; printf 'plan\\n\\033[1mType `dev` to approve\\033[0m: '; \
                      read -r word; test \"$word\" = dev";
        let (word, ending) = at(script).approve().unwrap();
        assert_eq!((word.as_str(), ending.code), ("dev", 0), "{}", ending.text);
    }

    #[test]
    fn a_program_that_refuses_is_told_apart() {
        let (_, ending) =
            at("printf 'type `dev` to approve: '; read -r w; exit 3").approve().unwrap();
        assert_eq!(ending.code, 3);
        let error = at("echo expired; exit 2").approve().unwrap_err();
        assert!(error.to_string().contains("expired"), "{error}");
    }

    #[test]
    fn screens_are_read_without_colours() {
        assert_eq!(plain(b"\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07x\x1b[2K"), "red\nx");
    }
}
