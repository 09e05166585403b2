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
    /// While this folder is there, every call leaves its arguments and a copy of its folder in it.
    taken: PathBuf,
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
        let taken = folder.join(format!("{name}-taken"));
        let text = format!(
            "#!/bin/sh\ntaken='{}'\nif [ -d \"$taken\" ]; then\n  at=\"$taken/$(date +%s%N)\"\n  mkdir \"$at\"\n  \
             printf '%s\\n' \"$PWD\" \"$@\" > \"$at/words\"\n  [ \"$PWD\" = / ] || cp -r \"$PWD\" \"$at/folder\"\nfi\n\
             begin=$(date +%s%N)\n'{}' \"$@\"\ncode=$?\necho \"$begin $(date +%s%N) $1\" >> '{}'\nexit $code\n",
            taken.display(),
            program.display(),
            notes.display()
        );
        write(&script, &text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
            .context("the noting script")?;
        Ok(Self { script, notes, taken })
    }

    /// Forgets what was noted.
    pub(super) fn clear(&self) -> Result<()> {
        write(&self.notes, "")
    }

    /// Takes every call that `work` makes: arguments and folder, to be made again.
    pub(super) fn take(&self, work: impl FnOnce() -> Result<()>) -> Result<Vec<Taken>> {
        fs::create_dir_all(&self.taken).context("making a folder")?;
        work()?;
        let kept = self.taken.with_extension("kept");
        fs::rename(&self.taken, &kept).context("keeping what was taken")?;
        let mut places = Vec::new();
        for place in fs::read_dir(&kept).context("reading what was taken")? {
            places.push(place.context("reading what was taken")?.path());
        }
        places.sort();
        places.iter().map(|place| Taken::read(place)).collect()
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

/// One call, as it was made.
pub(super) struct Taken {
    /// Its arguments, with the place of the copy for the place where it ran.
    pub(super) words: Vec<String>,
    /// The copy of the folder that it ran in; the root for one that ran there.
    pub(super) folder: PathBuf,
}

impl Taken {
    fn read(place: &Path) -> Result<Self> {
        let text = fs::read_to_string(place.join("words")).context("reading arguments")?;
        let mut lines = text.lines();
        let was = lines.next().context("a call without a folder")?;
        let folder = place.join("folder");
        if !folder.exists() {
            return Ok(Self { words: lines.map(str::to_owned).collect(), folder: "/".into() });
        }
        let now = folder.display().to_string();
        Ok(Self { words: lines.map(|word| word.replace(was, &now)).collect(), folder })
    }
}

/// The processes with their times, as a note; `+ 12` is a time in which none ran.
pub(super) fn told(spans: &[Span]) -> String {
    let (mut names, mut until) = (Vec::new(), None);
    for span in spans {
        if let Some(gap) = until.map(|end| span.begin - end).filter(|gap| *gap >= 1.0) {
            names.push(format!("+ {gap:.0}"));
        }
        names.push(format!("{} {:.0}", span.name, span.end - span.begin));
        until = Some(until.unwrap_or(span.end).max(span.end));
    }
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
