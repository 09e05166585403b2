//! Starts `datamcp __run ID` detached: own session, no terminal, output to files in the run's folder.

use std::ffi::OsString;
use std::path::PathBuf;

use async_trait::async_trait;

use crate::error::Result;
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
