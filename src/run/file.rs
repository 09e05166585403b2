//! The run file: all that a supervisor needs to know, sealed at rest. Nothing in it is a proof.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{Actor, OperationId, Target};
use crate::port::Runs;

/// All that a supervisor needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The operation.
    pub operation: OperationId,
    /// What it is about: the chain its events are in.
    pub target: Target,
    /// Who asked.
    pub actor: Actor,
    /// Tool.
    pub tool: String,
    /// The request, in clear.
    pub request: Value,
    /// Settings as they were when it was asked for.
    pub settings: Value,
    /// Folder of the settings file.
    pub root: PathBuf,
}

impl RunFile {
    /// Stores it sealed.
    pub async fn store(&self, runs: &dyn Runs) -> Result<()> {
        let value =
            serde_json::to_value(self).map_err(|e| Error::internal("writing a run file", e))?;
        runs.create(self.operation, &value).await
    }

    /// Opens the one of `id`.
    pub async fn load(runs: &dyn Runs, id: OperationId) -> Result<Self> {
        let value = runs.run_file(id).await?;
        let value = value.ok_or_else(|| {
            Error::internal("opening a run file", format!("operation {id} has none"))
        })?;
        serde_json::from_value(value).map_err(|e| Error::internal("reading a run file", e))
    }
}
