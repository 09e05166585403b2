//! What a task shows while it runs its steps: one line each with its time, and a table at the end.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// The steps of one run and how they ended.
#[derive(Debug)]
pub struct Report {
    started: Instant,
    rows: Vec<Row>,
}

/// One step that has ended.
#[derive(Debug, Clone)]
struct Row {
    group: String,
    name: String,
    passed: bool,
    took: Duration,
    detail: String,
}

/// Shows what a running step is at: a moving line on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Ticker {
    bar: ProgressBar,
    last: std::cell::RefCell<String>,
}

impl Report {
    /// A report without steps; time counts from here.
    pub fn new() -> Self {
        Self { started: Instant::now(), rows: Vec::new() }
    }

    /// Runs a step, shows its line, and notes how it ended. The step returns a few words on what it saw.
    pub fn step(
        &mut self,
        group: &str,
        name: &str,
        work: impl FnOnce(&Ticker) -> Result<String>,
    ) -> Result<()> {
        let started = Instant::now();
        let ticker = Ticker::start(name);
        let outcome = work(&ticker);
        ticker.pause();
        let took = started.elapsed();
        let seconds = took.as_secs_f64();
        let (passed, detail) = match &outcome {
            Ok(detail) => (true, detail.clone()),
            Err(error) => (false, first_line(&format!("{error:#}"))),
        };
        let mark = if passed { "ok    " } else { "FAILED" };
        println!("{mark} {group:<9} {name:<44} {seconds:>7.1} s  {detail}");
        let (group, name) = (group.to_owned(), name.to_owned());
        self.rows.push(Row { group, name, passed, took, detail });
        outcome.map(drop)
    }

    /// How many steps passed, and how many failed.
    pub fn totals(&self) -> (usize, usize) {
        let passed = self.rows.iter().filter(|row| row.passed).count();
        (passed, self.rows.len() - passed)
    }

    /// The table of all steps, with the time of the whole run.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_header(vec!["", "step", "", "seconds", "seen"]);
        for row in &self.rows {
            table.add_row(vec![
                row.group.clone(),
                row.name.clone(),
                if row.passed { "ok" } else { "FAILED" }.to_owned(),
                format!("{:.1}", row.took.as_secs_f64()),
                shortened(&row.detail, 60),
            ]);
        }
        let whole = format!("{:.1}", self.started.elapsed().as_secs_f64());
        table.add_row(vec!["", "whole run", "", whole.as_str(), ""]);
        if let Some(column) = table.column_mut(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

impl Ticker {
    fn start(name: &str) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, last: std::cell::RefCell::default() }
    }

    /// Shows what is being done now; the same text twice is shown once.
    pub fn tell(&self, text: &str) {
        if text.is_empty() || *self.last.borrow() == text {
            return;
        }
        text.clone_into(&mut self.last.borrow_mut());
        if self.bar.is_hidden() {
            println!("       … {}", shortened(text, 110));
        } else {
            self.bar.set_message(shortened(text, 80));
        }
    }

    /// Leaves the terminal to somebody else.
    pub fn pause(&self) {
        self.bar.finish_and_clear();
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// One line of at most `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let line = first_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_and_listed() {
        let mut report = Report::new();
        report.step("a", "good", |_| Ok("seen".to_owned())).unwrap();
        report.step("a", "bad", |_| anyhow::bail!("broken\nsecond line")).unwrap_err();
        assert_eq!(report.totals(), (1, 1));
        let table = report.table();
        assert!(table.contains("broken") && !table.contains("second line"), "{table}");
    }

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(shortened("größer", 4), "grö…");
    }
}
