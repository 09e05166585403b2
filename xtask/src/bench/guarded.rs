//! Bars that are shown by tests: those tests are run, on the emulator of this run, and counted.

use std::path::Path;

use anyhow::{Result, bail};

use super::figure::Figure;
use crate::child;
use crate::place::Checkout;
use crate::suite::Totals;
use crate::tools;

/// Moments at which the server is killed.
const MOMENTS: &str = "200";

/// A bar and the tests that show it.
struct Guarded {
    bar: &'static str,
    test: &'static str,
    /// Tests are named by what their names begin with.
    names: &'static [&'static str],
    note: &'static str,
}

const KILLS: [Guarded; 1] = [Guarded {
    bar: "server killed at 200 random moments: applies lost",
    test: "emulator",
    names: &["kills::random::bar_14"],
    note: "every apply ends, is recorded, leaves no lock",
}];

const PROMISES: [Guarded; 2] = [
    Guarded {
        bar: "ways to tamper with the log that are not found",
        test: "it",
        names: &["contract::verify::fault_25", "contract::verify::bar_20"],
        note: "each event edited, deleted, moved, cut, one at a time",
    },
    Guarded {
        bar: "secret canaries found outside",
        test: "emulator",
        names: &["secrets::canary::"],
        note: "results, log, files, arguments, MCP stream of runs that succeed and fail",
    },
];

pub(super) fn kills(checkout: &Checkout, folder: &Path) -> Result<Vec<Figure>> {
    measure(checkout, folder, &KILLS)
}

pub(super) fn promises(checkout: &Checkout, folder: &Path) -> Result<Vec<Figure>> {
    measure(checkout, folder, &PROMISES)
}

fn measure(checkout: &Checkout, folder: &Path, all: &[Guarded]) -> Result<Vec<Figure>> {
    all.iter().map(|guarded| guarded.figure(checkout, folder)).collect()
}

impl Guarded {
    fn figure(&self, checkout: &Checkout, folder: &Path) -> Result<Figure> {
        let log = folder.join(format!("test-{}.log", self.names.join("-").replace(':', "-")));
        let mut command = tools::cargo();
        command.current_dir(checkout.top());
        command.args(["test", "--locked", "--workspace", "--no-fail-fast", "--test", self.test]);
        command.arg("--").args(self.names);
        command.env("DATAMCP_LAB", folder.join("lab/lab.json")).env("DATAMCP_MOMENTS", MOMENTS);
        // How it ended is in the totals; a build that fails has none.
        let ended = child::run(&mut command, &log);
        let totals = match (Totals::of(&log), ended) {
            (Ok(totals), _) if totals.passed + totals.failed > 0 => totals,
            (_, Err(error)) => return Err(error),
            (_, Ok(())) => bail!("no test was run"),
        };
        Ok(self.counted(totals))
    }

    fn counted(&self, totals: Totals) -> Figure {
        let note = format!("{} tests held: {}", totals.passed, self.note);
        Figure::at_most(self.bar, f64::from(totals.failed), "failed tests", 0.0).note(note)
    }
}
