//! `cargo xtask bench`: the figures that the project holds itself to, measured side by side in one run.
//!
//! Everything is measured on a release build, on an emulator of its own. A figure that misses its bar, or that cannot be
//! measured, fails the run; a bar that does not apply is listed with the reason.

mod answers;
mod bare;
mod figure;
mod guarded;
mod kubeconfig;
mod lab;
mod noted;
mod overhead;
mod release;
mod site;
mod start;
mod stream;
mod token;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::json;

use self::figure::Figure;
use self::site::Site;
use crate::child;
use crate::lab::{Lab, PrivateLab};
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
    /// A token for EKS, beside the aws command.
    Token,
    /// A kubeconfig, beside the one question that it asks.
    Kubeconfig,
    /// What datamcp adds to the helm commands that it runs.
    Release,
    /// How long the lab takes to start; no bar.
    Lab,
    /// The size of the binary, and what it needs.
    Size,
    /// Tests that show a bar: the log's tampering, the secrets' ways out.
    Promises,
    /// The test that kills the server at random moments, at 200 of them; takes a quarter of an hour.
    Kills,
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

/// Bars that do not apply to what there is, and why.
const NOT_MEASURED: [(&str, &str); 1] = [(
    "lock: 0 double grants in 10⁶ simulated schedules",
    "a bar of leases that expire: the lock of one machine is a file lock of the system, which has no schedule to simulate; \
     that processes at once have one winner is a test of the hermetic lane (fault 17)",
)];

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
        match part.measure(checkout, &lab, &site) {
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
    fn measure(self, checkout: &Checkout, lab: &PrivateLab, site: &Site) -> Result<Vec<Figure>> {
        match self {
            Self::Start => start::measure(site),
            Self::Answers => answers::measure(site),
            Self::Overhead => overhead::measure(site),
            Self::Stream => stream::measure(checkout),
            Self::Token => token::measure(site),
            Self::Kubeconfig => kubeconfig::measure(site),
            Self::Release => release::measure(lab, site),
            Self::Lab => lab::measure(site),
            Self::Size => size(&site.program),
            Self::Promises => guarded::promises(checkout, &site.folder),
            Self::Kills => guarded::kills(checkout, &site.folder),
        }
    }
}

/// Parts of every system's C library and its loader.
const OF_THE_SYSTEM: [&str; 8] =
    ["linux-vdso", "libc.", "libm.", "libdl.", "librt.", "libpthread.", "libgcc_s.", "ld-linux"];

fn size(program: &Path) -> Result<Vec<Figure>> {
    let bytes = program.metadata().context("looking at the binary")?.len();
    #[expect(clippy::cast_precision_loss, reason = "a size of megabytes")]
    let megabytes = bytes as f64 / 1e6;
    let needed = child::capture(Command::new("ldd").arg(program))?;
    let others: Vec<&str> = needed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| !OF_THE_SYSTEM.iter().any(|known| name.contains(known)))
        .collect();
    let count = u32::try_from(others.len()).map(f64::from).context("counting libraries")?;
    Ok(vec![
        Figure::at_most("binary", megabytes, "MB", 60.0),
        Figure::at_most("libraries it needs beside the C library", count, "", 0.0)
            .note(others.join(" ")),
    ])
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
        let not_measured: Vec<_> =
            NOT_MEASURED.iter().map(|(bar, why)| json!({ "bar": bar, "why": why })).collect();
        let document = json!({ "figures": figures, "not_measured": not_measured, "held": held, "missed": figures.len() - held });
        println!("{}", serde_json::to_string_pretty(&document)?);
        return Ok(());
    }
    println!("{}", figure::table(figures));
    println!("bars that do not apply:");
    for (bar, why) in NOT_MEASURED {
        println!("  {bar}: {why}");
    }
    println!("{held} held, {} missed", figures.len() - held);
    Ok(())
}
