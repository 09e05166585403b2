//! One measured figure and its bar, and the few statistics that figures are made of.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure {
    /// What was measured.
    pub(super) name: String,
    /// The value; none when it could not be measured.
    pub(super) value: Option<f64>,
    /// Its unit.
    pub(super) unit: String,
    /// The bar, in words; empty for a figure that is only told.
    pub(super) bar: String,
    /// Whether it holds its bar.
    pub(super) ok: bool,
    /// What else is to be said.
    pub(super) note: String,
}

impl Figure {
    /// A figure without a bar.
    pub(super) fn told(name: &str, value: f64, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: Some(value),
            unit: unit.to_owned(),
            bar: String::new(),
            ok: true,
            note: String::new(),
        }
    }

    /// A figure that may not be above its bar.
    pub(super) fn at_most(name: &str, value: f64, unit: &str, bar: f64) -> Self {
        let bar_text = format!("≤ {}", plain(bar));
        Self { bar: bar_text, ok: value <= bar, ..Self::told(name, value, unit) }
    }

    /// A figure that may not be below its bar.
    pub(super) fn at_least(name: &str, value: f64, unit: &str, bar: f64) -> Self {
        let bar_text = format!("≥ {}", plain(bar));
        Self { bar: bar_text, ok: value >= bar, ..Self::told(name, value, unit) }
    }

    /// A figure that has to be below another one of the same run.
    pub(super) fn below(name: &str, value: f64, unit: &str, other: f64, whose: &str) -> Self {
        let bar = format!("< {} ({whose})", plain(other));
        Self { bar, ok: value < other, ..Self::told(name, value, unit) }
    }

    /// A figure that could not be measured: that is a miss.
    pub(super) fn unmeasured(name: &str, why: &anyhow::Error) -> Self {
        Self {
            name: name.to_owned(),
            value: None,
            unit: String::new(),
            bar: "measured".to_owned(),
            ok: false,
            note: format!("{why:#}").lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// Adds what else is to be said.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether it holds its bar; a figure without one does.
    pub(super) fn holds(&self) -> bool {
        self.ok
    }
}

/// All figures as a table.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(vec!["figure", "measured", "unit", "bar", "", "note"]);
    for figure in figures {
        table.add_row(vec![
            figure.name.clone(),
            figure.value.map_or_else(|| "–".to_owned(), plain),
            figure.unit.clone(),
            figure.bar.clone(),
            match (figure.ok, figure.bar.is_empty()) {
                (_, true) => "",
                (true, _) => "ok",
                (false, _) => "MISSED",
            }
            .to_owned(),
            figure.note.clone(),
        ]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// At most three decimals for small values, none for large ones.
pub(super) fn plain(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Milliseconds of a time.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value at or below which this share of the values lies (nearest rank).
pub(super) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank among a few values"
    )]
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// The middle value.
pub(super) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=30).rev().map(f64::from).collect();
        assert_eq!(plain(median(&values)), "15");
        assert_eq!(plain(percentile(&values, 0.95)), "29");
        assert_eq!(plain(percentile(&[7.0], 0.95)), "7");
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn what_cannot_be_measured_is_a_miss() {
        assert!(Figure::at_most("x", 15.0, "ms", 15.0).holds());
        assert!(!Figure::at_most("x", 15.1, "ms", 15.0).holds());
        assert!(!Figure::at_most("x", f64::NAN, "ms", 15.0).holds());
        let figure = Figure::unmeasured("x", &anyhow::anyhow!("gone\nmore"));
        assert!(!figure.holds());
        assert!(table(&[figure]).contains("MISSED"));
    }
}
