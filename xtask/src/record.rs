//! `cargo xtask record`: stub mappings taken down anew from what is real on this machine, with all that differs from run to
//! run made plain: tokens are left out, ids, times and ports become examples.
//!
//! What was recorded and is the same is not written again, so its day stays: run twice, nothing changes.

mod argocd;
mod gcs;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

pub(crate) use self::gcs::asked as gcs;
use crate::child;
use crate::lab::{Lab, free_port};
use crate::place::Checkout;
use crate::stubs::root;
use crate::tools::Tool;

/// From what mappings are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The AWS emulator; one is started for it.
    Aws,
    /// The lab's Argo CD (`cargo xtask lab up --all`).
    Argocd,
    /// The emulator of Google Cloud Storage; one is started for it.
    Gcs,
}

/// One mapping as it was recorded just now.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Its place in `fixtures/`, without `.json`.
    pub(crate) name: String,
    /// The mapping.
    pub(crate) mapping: Value,
}

/// Records, writes what is new, and says what was done, a line each.
pub fn run(checkout: &Checkout, source: Source) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let recorded = match source {
        Source::Aws => aws(&checkout.target().join("record"))?,
        Source::Gcs => gcs::asked(&checkout.target().join("record"))?,
        Source::Argocd => {
            let (recorded, left) = argocd(checkout)?;
            said.extend(
                left.into_iter()
                    .map(|name| format!("left      {name}: it needs an application in that state")),
            );
            recorded
        }
    };
    for new in recorded {
        let changed = new.is_news();
        if changed {
            new.write()?;
        }
        said.push(format!("{} {}", if changed { "recorded " } else { "same     " }, new.name));
    }
    Ok(said)
}

/// What the checkout's Argo CD says, and the names of what was left as it is.
pub(crate) fn argocd(checkout: &Checkout) -> Result<(Vec<Recorded>, Vec<String>)> {
    let lab = Lab::running(checkout)?.and_then(|lab| lab.cluster?.argocd);
    argocd::again(&lab.context("no Argo CD is up: cargo xtask lab up --all")?)
}

/// What the emulator says: a script in its own Python asks, by AWS's own SDK.
pub(crate) fn aws(folder: &Path) -> Result<Vec<Recorded>> {
    fs::create_dir_all(folder).context("making a folder for the recording")?;
    let moto = Tool::Moto.provide()?;
    let script = folder.join("record_aws.py");
    let text = include_str!("../../tests/lab/python/record_aws.py");
    fs::write(&script, text).context("writing the script")?;
    let emulator = Bare::start(&moto.path, folder)?;
    let mut python = Command::new(moto.path.with_file_name("python"));
    let printed = child::capture(python.arg(script).arg(&emulator.url))?;
    let all: BTreeMap<String, Value> =
        serde_json::from_str(&printed).context("reading what was recorded")?;
    Ok(all.into_iter().map(|(name, mapping)| Recorded { name, mapping }).collect())
}

impl Recorded {
    fn file(&self) -> PathBuf {
        root().join(format!("{}.json", self.name))
    }

    /// Whether it differs from what is there by more than its day.
    pub(crate) fn is_news(&self) -> bool {
        let there = fs::read(self.file()).ok().and_then(|text| serde_json::from_slice(&text).ok());
        there.is_none_or(|there| dayless(there) != dayless(self.mapping.clone()))
    }

    fn write(&self) -> Result<()> {
        let file = self.file();
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).context("making a folder of mappings")?;
        }
        let text = serde_json::to_string_pretty(&self.mapping)?;
        fs::write(&file, text + "\n").with_context(|| format!("writing {}", file.display()))
    }
}

fn dayless(mut mapping: Value) -> Value {
    if let Some(day) = mapping.pointer_mut("/metadata/recorded/date") {
        *day = Value::Null;
    }
    mapping
}

/// The day, as the system's clock has it.
fn today() -> Result<String> {
    Ok(child::capture(Command::new("date").args(["-u", "+%F"]))?.trim().to_owned())
}

/// The emulator as it is published, without the lab's additions; it ends with this value.
struct Bare {
    child: Child,
    url: String,
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It holds nothing that outlives it; an error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bare {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let (port, log) = (free_port()?, File::create(folder.join("moto.log")).context("a log")?);
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing the emulator's log")?)
            .stderr(log)
            .spawn()
            .context("starting the emulator")?;
        let mut bare = Self { child, url: format!("http://127.0.0.1:{port}") };
        let started = Instant::now();
        while ureq::get(format!("{}/moto-api/", bare.url)).call().is_err() {
            let ended = bare.child.try_wait().context("looking after the emulator")?.is_some();
            if ended || started.elapsed() > Duration::from_mins(1) {
                bail!("the emulator does not answer\n{}", child::tail(&folder.join("moto.log")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(bare)
    }
}
