//! The progress line of a call that waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::run::Progress;

/// A line that is redrawn; nothing when nobody looks.
#[derive(Debug)]
pub(in crate::cli) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar, if anybody looks.
    pub(super) fn new(seen: bool) -> Self {
        Self(seen.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        }))
    }

    /// Shows how far it is.
    pub(in crate::cli) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else { return };
        if progress.total > 0 {
            if let Ok(style) = ProgressStyle::with_template(
                "{spinner} [{elapsed}] {bar:24} {pos}/{len} {wide_msg}",
            ) {
                bar.set_style(style);
            }
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        }
        bar.set_message(progress.message.clone());
    }

    /// Takes it away.
    pub(in crate::cli) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
