//! Starts `datamcp __run ID` detached: own session, no terminal, output to files in the run's folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};
use crate::model::OperationId;
use crate::port::Launcher;

/// Starts supervisors as processes on this machine.
#[derive(Debug)]
pub struct ProcessLauncher {
    /// This program.
    pub program: PathBuf,
    /// State folder.
    pub state: PathBuf,
    /// Environment of supervisors, complete.
    pub environment: Vec<(String, String)>,
}

/// How long the program may take to say its version.
const ANSWER: Duration = Duration::from_secs(10);

/// Asks a `datamcp` binary for its version and refuses one that is not of this very version: what a supervisor reads
/// was written by us.
pub async fn same_version(program: &Path) -> Result<()> {
    let wanted = concat!("datamcp ", env!("CARGO_PKG_VERSION"));
    let end = Invocation::new(program, "/")
        .args(["--version"])
        .output(Sink::Capture(256), Sink::Null)
        .capture(ANSWER)
        .await?;
    let found = end.stdout.text();
    if found.trim() == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::ToolMissing,
        format!("looking for {wanted}: {} is another program or version", program.display()),
    )
    .field("supervisor")
    .given(found.trim())
    .allowed(wanted)
    .next("install the datamcp binary of the same version as the library"))
}

#[async_trait]
impl Launcher for ProcessLauncher {
    async fn launch(&self, operation: OperationId) -> Result<()> {
        let folder = self.state.join("runs").join(operation.to_string());
        let arguments = [
            "__run".into(),
            operation.to_string().into(),
            "--state".into(),
            OsString::from(&self.state),
        ];
        let mut child = Invocation::new(&self.program, &self.state)
            .args(arguments)
            .env(self.environment.clone())
            .output(
                Sink::File(folder.join("supervisor.out")),
                Sink::File(folder.join("supervisor.err")),
            )
            .own_session()
            .spawn()?;
        // Reaps the supervisor if it ends while we live; it lives on if we do not.
        tokio::spawn(async move { drop(child.wait().await) });
        Ok(())
    }
}
