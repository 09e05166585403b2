//! Children that note when they start and end: what is left of a call is ours alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::site::write;

/// A program that runs another and notes the time.
pub(super) struct Noted {
    /// To be named in the settings.
    pub(super) script: PathBuf,
    notes: PathBuf,
}

/// One process, in milliseconds.
pub(super) struct Span {
    pub(super) begin: f64,
    pub(super) end: f64,
    pub(super) name: String,
}

impl Noted {
    /// Of this program; the script is called `NAME-noted`.
    pub(super) fn of(program: &Path, folder: &Path, name: &str) -> Result<Self> {
        let script = folder.join(format!("{name}-noted"));
        let notes = folder.join(format!("{name}-notes"));
        let text = format!(
            "#!/bin/sh\nbegin=$(date +%s%N)\n'{}' \"$@\"\ncode=$?\necho \"$begin $(date +%s%N) $1\" >> '{}'\nexit $code\n",
            program.display(),
            notes.display()
        );
        write(&script, &text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
            .context("the noting script")?;
        Ok(Self { script, notes })
    }

    /// Forgets what was noted.
    pub(super) fn clear(&self) -> Result<()> {
        write(&self.notes, "")
    }

    /// What was noted, by its beginning.
    pub(super) fn spans(&self) -> Result<Vec<Span>> {
        let text = fs::read_to_string(&self.notes).context("reading the notes")?;
        let mut spans = Vec::new();
        for line in text.lines() {
            let mut words = line.split(' ');
            let mut number = || words.next().and_then(|word| word.parse::<f64>().ok());
            let (Some(begin), Some(end)) = (number(), number()) else {
                bail!("a note that is none: {line}");
            };
            let name = words.next().unwrap_or_default().to_owned();
            spans.push(Span { begin: begin / 1e6, end: end / 1e6, name });
        }
        spans.sort_by(|a, b| a.begin.total_cmp(&b.begin));
        Ok(spans)
    }
}

/// The processes with their times, as a note.
pub(super) fn told(spans: &[Span]) -> String {
    let names: Vec<String> =
        spans.iter().map(|s| format!("{} {:.0}", s.name, s.end - s.begin)).collect();
    names.join(", ")
}

/// Milliseconds in which at least one of them ran.
pub(super) fn covered<'a>(spans: impl IntoIterator<Item = &'a Span>) -> f64 {
    let (mut sum, mut until) = (0.0, f64::MIN);
    for span in spans {
        sum += (span.end - span.begin.max(until)).max(0.0);
        until = until.max(span.end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_two_share_counts_once() {
        let span = |begin, end| Span { begin, end, name: String::new() };
        let sum = covered(&[span(0.0, 10.0), span(5.0, 8.0), span(9.0, 12.0), span(20.0, 21.0)]);
        assert_eq!(format!("{sum:.1}"), "13.0");
    }
}
