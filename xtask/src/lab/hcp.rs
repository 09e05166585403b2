//! A stand-in for HCP Terraform (`tests/lab/python/hcp.py`): a process of one's own that ends with its value.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::child;
use crate::tools::Tool;

const PROGRAM: &[(&str, &str)] = &[
    ("hcp.py", include_str!("../../../tests/lab/python/hcp.py")),
    ("certificate.py", include_str!("../../../tests/lab/python/certificate.py")),
];
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running stand-in: organization `acme`, workspace `dev`, over TLS.
#[derive(Debug)]
pub struct Hcp {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Hcp {
    /// Starts one in a folder of its own, for callers with this token.
    pub fn start(folder: &Path, token: &str) -> Result<Self> {
        let python = Tool::Moto.provide()?.path.with_file_name("python");
        fs::create_dir_all(folder).context("making the stand-in's folder")?;
        for (name, text) in PROGRAM.iter().copied().chain([("token", token)]) {
            fs::write(folder.join(name), text).with_context(|| format!("writing {name}"))?;
        }
        let log = File::create(folder.join("hcp.log")).context("making the stand-in's log")?;
        let child = Command::new(python)
            .arg(folder.join("hcp.py"))
            .arg(folder)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(log.try_clone().context("sharing the stand-in's log")?)
            .stderr(log)
            .spawn()
            .context("starting the stand-in")?;
        let mut hcp = Self { child, folder: folder.to_owned(), port: 0 };
        hcp.port = hcp.wait()?;
        Ok(hcp)
    }

    fn wait(&mut self) -> Result<u16> {
        #[derive(serde::Deserialize)]
        struct Said {
            port: u16,
        }
        let (started, said) = (Instant::now(), self.folder.join("tls.json"));
        while !said.is_file() {
            let ended = self.child.try_wait().context("looking after the stand-in")?.is_some();
            if ended || started.elapsed() > PATIENCE {
                bail!("no stand-in\n{}", child::tail(&self.folder.join("hcp.log")));
            }
            thread::sleep(Duration::from_millis(50));
        }
        let text = fs::read(&said).context("reading tls.json")?;
        let said: Said = serde_json::from_slice(&text).context("reading tls.json")?;
        Ok(said.port)
    }

    /// `host:port`.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The authority whose certificate it shows.
    pub fn ca_bundle(&self) -> PathBuf {
        self.folder.join("tls-ca.pem")
    }

    /// What was asked for, a line each: method, path, status.
    pub fn requests(&self) -> Result<Vec<String>> {
        let text = fs::read_to_string(self.folder.join("requests.log")).context("its requests")?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Sets where the workspace's runs are carried out: `local`, `remote` or `agent`.
    pub fn execution_mode(&self, mode: &str) -> Result<()> {
        fs::write(self.folder.join("mode"), mode).context("setting the execution mode")
    }

    /// Locks the workspace as another user does, or gives it back: a file that the stand-in looks for.
    pub fn lock(&self, held: bool) -> Result<()> {
        let file = self.folder.join("locked");
        if held {
            fs::write(&file, "").context("locking the workspace")
        } else {
            fs::remove_file(&file).context("unlocking the workspace")
        }
    }
}

impl Drop for Hcp {
    fn drop(&mut self) {
        // It holds nothing that outlives it; an error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
