//! `cargo xtask bench`: the figures that the project holds itself to, measured side by side in one run.
//!
//! Everything is measured on a release build, on an emulator of its own. A figure that misses its bar, or that cannot be
//! measured, fails the run; bars that do not apply yet are listed with the reason.

mod answers;
mod bare;
mod figure;
mod overhead;
mod site;
mod start;
mod stream;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::json;

use self::figure::Figure;
use self::site::Site;
use crate::lab::Lab;
use crate::place::Checkout;
use crate::tools;

/// A group of figures that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Start to the first answer and idle memory, beside tfmcp.
    Start,
    /// How soon a call that does not wait is answered, and how long an answer gets.
    Answers,
    /// What datamcp adds to the terraform commands that it runs.
    Overhead,
    /// The parser of terraform's event stream.
    Stream,
    /// The size of the binary.
    Size,
}

/// What to measure, and how to say it.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// One JSON document instead of a table.
    pub json: bool,
    /// Only these; all when none is named.
    pub only: Vec<Part>,
    /// A release binary that is there already; none is built then.
    pub program: Option<PathBuf>,
}

/// Bars of the project that nothing here measures, and why.
const NOT_YET: [(&str, &str); 6] = [
    (
        "EKS token ≤ 10 ms, ≥ 50 × faster than the aws command",
        "not measured yet: the aws command is not among the tools",
    ),
    (
        "a server killed at 200 moments loses nothing",
        "a test's matter, not a measure: emulator lane",
    ),
    ("lock: 0 double grants in 10⁶ schedules", "a test's matter, not a measure: hermetic lane"),
    ("every tampering with the log is found", "a test's matter, not a measure: hermetic lane"),
    ("0 secret canaries over 12 ways out", "a test's matter, not a measure: emulator lane"),
    ("the binary needs only terraform and helm", "helm is not driven yet; the size is measured"),
];

/// Measures; tells whether every figure holds its bar.
pub fn run(checkout: &Checkout, options: &Options) -> Result<bool> {
    let program = match &options.program {
        Some(program) => std::path::absolute(program).context("finding the program")?,
        None => build(checkout)?,
    };
    let folder = checkout.target().join("bench");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("clearing {}", folder.display()))?;
    }
    let lab = Lab::start_private(&folder.join("lab"))?;
    let site = Site::lay(&lab, checkout, &program, &folder)?;
    let parts = if options.only.is_empty() { Part::value_variants() } else { &options.only };
    let mut figures = Vec::new();
    for part in parts {
        eprintln!(
            "measuring {}",
            part.to_possible_value().map_or(String::new(), |p| p.get_name().to_owned())
        );
        match part.measure(checkout, &site) {
            Ok(more) => figures.extend(more),
            Err(error) => {
                figures.push(Figure::unmeasured(&format!("{part:?}").to_lowercase(), &error));
            }
        }
    }
    show(&figures, options.json)?;
    Ok(figures.iter().all(Figure::holds))
}

impl Part {
    fn measure(self, checkout: &Checkout, site: &Site) -> Result<Vec<Figure>> {
        match self {
            Self::Start => start::measure(site),
            Self::Answers => answers::measure(site),
            Self::Overhead => overhead::measure(site),
            Self::Stream => stream::measure(checkout),
            Self::Size => Ok(vec![size(&site.program)?]),
        }
    }
}

fn size(program: &Path) -> Result<Figure> {
    let bytes = program.metadata().context("looking at the binary")?.len();
    #[expect(clippy::cast_precision_loss, reason = "a size of megabytes")]
    let megabytes = bytes as f64 / 1e6;
    Ok(Figure::at_most("binary", megabytes, "MB", 60.0))
}

/// Builds the release binary; seen as it goes, because it takes minutes.
fn build(checkout: &Checkout) -> Result<PathBuf> {
    let mut command = tools::cargo();
    command.current_dir(checkout.top());
    command.args(["build", "--release", "--locked", "--package", "datamcp"]);
    let status = command.status().context("starting cargo")?;
    if !status.success() {
        bail!("cargo build --release: {status}");
    }
    Ok(checkout.target().join("release/datamcp"))
}

fn show(figures: &[Figure], json: bool) -> Result<()> {
    let held = figures.iter().filter(|figure| figure.holds()).count();
    if json {
        let not_yet: Vec<_> =
            NOT_YET.iter().map(|(bar, why)| json!({ "bar": bar, "why": why })).collect();
        let document = json!({ "figures": figures, "not_yet": not_yet, "held": held, "missed": figures.len() - held });
        println!("{}", serde_json::to_string_pretty(&document)?);
        return Ok(());
    }
    println!("{}", figure::table(figures));
    println!("bars that are not measured here:");
    for (bar, why) in NOT_YET {
        println!("  {bar}: {why}");
    }
    println!("{held} held, {} missed", figures.len() - held);
    Ok(())
}
