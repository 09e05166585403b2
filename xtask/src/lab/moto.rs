//! The emulator's process: started on a free port, waited for, stopped by pid and start.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::ports::Ports;
use crate::cache::home;
use crate::child::{self, Identity};
use crate::tools::Found;

/// Starts moto, mended and inside its additions, in a session of its own or tied to our end of its standard input.
const PROGRAM: &[(&str, &str)] = &[
    ("emulator.py", include_str!("../../../tests/lab/python/emulator.py")),
    ("certificate.py", include_str!("../../../tests/lab/python/certificate.py")),
    ("additions/__init__.py", include_str!("../../../tests/lab/python/additions/__init__.py")),
    ("additions/described.py", include_str!("../../../tests/lab/python/additions/described.py")),
    (
        "additions/described_aws.py",
        include_str!("../../../tests/lab/python/additions/described_aws.py"),
    ),
    (
        "additions/described_google.py",
        include_str!("../../../tests/lab/python/additions/described_google.py"),
    ),
    (
        "additions/described_shapes.py",
        include_str!("../../../tests/lab/python/additions/described_shapes.py"),
    ),
    ("additions/keys.py", include_str!("../../../tests/lab/python/additions/keys.py")),
    (
        "additions/organizations.py",
        include_str!("../../../tests/lab/python/additions/organizations.py"),
    ),
    ("additions/s3_faults.py", include_str!("../../../tests/lab/python/additions/s3_faults.py")),
    (
        "additions/permissions.py",
        include_str!("../../../tests/lab/python/additions/permissions.py"),
    ),
    ("additions/quotas.py", include_str!("../../../tests/lab/python/additions/quotas.py")),
    ("additions/sso.py", include_str!("../../../tests/lab/python/additions/sso.py")),
    ("additions/eks.py", include_str!("../../../tests/lab/python/additions/eks.py")),
    ("additions/google.py", include_str!("../../../tests/lab/python/additions/google.py")),
    (
        "additions/google_by_hand.py",
        include_str!("../../../tests/lab/python/additions/google_by_hand.py"),
    ),
    (
        "additions/google_made.py",
        include_str!("../../../tests/lab/python/additions/google_made.py"),
    ),
    ("additions/google.json", include_str!("../../../tests/lab/python/additions/google.json")),
    (
        "additions/google_projects.py",
        include_str!("../../../tests/lab/python/additions/google_projects.py"),
    ),
    (
        "additions/google_projects.json",
        include_str!("../../../tests/lab/python/additions/google_projects.json"),
    ),
    (
        "additions/google_storage.py",
        include_str!("../../../tests/lab/python/additions/google_storage.py"),
    ),
    (
        "additions/google_storage.json",
        include_str!("../../../tests/lab/python/additions/google_storage.json"),
    ),
    ("additions/s3_buckets.py", include_str!("../../../tests/lab/python/additions/s3_buckets.py")),
    (
        "additions/s3_transport.py",
        include_str!("../../../tests/lab/python/additions/s3_transport.py"),
    ),
];

/// How long moto may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often another port is tried when one was taken under our hands.
const TRIES: u16 = 5;

/// An emulator that ends with this value, and with the process that holds it.
#[derive(Debug)]
pub(super) struct Tied {
    child: Child,
}

impl Tied {
    pub(super) fn identity(&self) -> Result<Identity> {
        Identity::of(self.child.id()).context("the emulator has ended")
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        // It holds nothing that outlives it; an error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts an emulator that outlives this process.
pub(super) fn start_in_session(tool: &Found, folder: &Path) -> Result<(Identity, u16)> {
    let (child, port) = start(tool, folder, "session")?;
    let identity = Identity::of(child.id()).context("the emulator has ended")?;
    Ok((identity, port))
}

/// Starts an emulator that ends with this process.
pub(super) fn start_tied(tool: &Found, folder: &Path) -> Result<(Tied, u16)> {
    let (child, port) = start(tool, folder, "tied")?;
    Ok((Tied { child }, port))
}

/// Starts moto without the additions, in an account that is not the lab's. It ends with this process.
pub(super) fn start_plain(tool: &Found, folder: &Path) -> Result<(Tied, u16)> {
    let (child, port) = start(tool, folder, "plain")?;
    Ok((Tied { child }, port))
}

/// Where an emulator that was started in `folder` answers over TLS: its URL, and the authority to trust.
pub(super) fn over_tls(folder: &Path) -> Result<(String, PathBuf)> {
    #[derive(serde::Deserialize)]
    struct Said {
        port: u16,
    }
    let text = fs::read(folder.join("tls.json")).context("reading the emulator's tls.json")?;
    let said: Said = serde_json::from_slice(&text).context("reading the emulator's tls.json")?;
    Ok((format!("https://localhost:{}", said.port), folder.join("tls-ca.pem")))
}

/// Ends an emulator: asks, waits five seconds, then insists.
pub(super) fn stop(moto: &Identity) {
    moto.signal(Signal::TERM);
    let started = Instant::now();
    while moto.is_alive() && started.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(20));
    }
    moto.signal(Signal::KILL);
}

fn start(tool: &Found, folder: &Path, mode: &str) -> Result<(Child, u16)> {
    let mut ports = Ports::new();
    for _ in 0..TRIES {
        let port = ports.take()?;
        let mut child = spawn(tool, folder, mode, port)?;
        match wait_for_answer(&mut child, port) {
            Ok(true) => return Ok((child, port)),
            Ok(false) => {}
            Err(error) => {
                // It is not of use to anybody; that it has ended already is fine.
                let _ = child.kill();
                let _ = child.wait();
                let log = child::tail(&folder.join("moto.log"));
                return Err(error.context(format!("the emulator's log ends with\n{log}")));
            }
        }
    }
    bail!("the emulator ended early {TRIES} times\n{}", child::tail(&folder.join("moto.log")))
}

fn spawn(tool: &Found, folder: &Path, mode: &str, port: u16) -> Result<Child> {
    let log = File::create(folder.join("moto.log")).context("making the emulator's log")?;
    let stdin = if mode == "session" { Stdio::null() } else { Stdio::piped() };
    let program = written(folder)?;
    Command::new(tool.path.with_file_name("python"))
        .arg(program)
        .args([mode, "-H", "127.0.0.1", "-p", &port.to_string()])
        .current_dir(folder)
        .env_clear()
        .env("HOME", home()?)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PYTHONUNBUFFERED", "1")
        .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        .stdin(stdin)
        .stdout(log.try_clone().context("sharing the emulator's log")?)
        .stderr(log)
        .spawn()
        .context("starting the emulator")
}

/// Writes the emulator's program into a folder of its own; returns the file to start.
fn written(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("emulator");
    for (name, text) in PROGRAM {
        let file = program.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).context("making the emulator's folder")?;
        }
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(program.join("emulator.py"))
}

/// Waits for the first answer; false when the process ended instead.
fn wait_for_answer(child: &mut Child, port: u16) -> Result<bool> {
    let url = format!("http://127.0.0.1:{port}/moto-api/");
    let started = Instant::now();
    loop {
        if child.try_wait().context("looking after the emulator")?.is_some() {
            return Ok(false);
        }
        if ureq::get(&url).call().is_ok() {
            return Ok(true);
        }
        if started.elapsed() > PATIENCE {
            bail!("no answer from {url} in {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
}
