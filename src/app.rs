//! Composition root: the only place that names concrete adapters. Nothing starts until it says so.

mod compose;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::adapter::file::FileRuns;
use crate::adapter::process::{desk, same_version};
use crate::cli;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config, Raw, Surroundings};
use crate::error::{Error, Result};
use crate::model::OperationId;
use crate::operation::{Pipeline, World};
use crate::port::Runs;
use crate::run::{RunFile, fault, supervise};
use crate::telemetry;

/// Runs one invocation of the program.
pub async fn main(arguments: Vec<OsString>) -> ExitCode {
    telemetry::warn_on_stderr();
    let surroundings = match Surroundings::read() {
        Ok(surroundings) => surroundings,
        Err(error) => return cli::view::fail(&error),
    };
    if let Some(point) = &surroundings.fault {
        fault::arm(point);
    }
    let parsed = match cli::args::parse(arguments) {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    match parsed.inner {
        Some(cli::args::Inner::Run { operation, state }) => {
            match run(operation, &state, &surroundings).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => cli::view::fail(&error),
            }
        }
        Some(cli::args::Inner::Credentials { folder }) => {
            cli::view::say_or_fail(desk::ask(&folder).await)
        }
        None => match world(parsed.config.as_deref(), &surroundings) {
            Ok(world) => cli::dispatch(Arc::new(world), parsed, &surroundings).await,
            Err(error) => cli::view::fail(&error),
        },
    }
}

/// The world of a person's or server's invocation.
fn world(flag: Option<&Path>, surroundings: &Surroundings) -> Result<World> {
    let path = config::find(flag, surroundings)?;
    let config = config::load(&path, surroundings)?;
    Ok(compose::world(config, &path, surroundings))
}

/// The world of a program that uses this crate as a library. Its operations are supervised by the `datamcp` binary: the
/// one given, else the first on `PATH`; it has to be of this version.
pub async fn embedded(settings: &Path, binary: Option<&Path>) -> Result<(World, Surroundings)> {
    #[cfg(feature = "aws")]
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let mut surroundings = Surroundings::read()?;
    let program = surroundings.binary(binary)?;
    same_version(&program).await?;
    // What is started for an operation is that binary, never the program that we are part of.
    surroundings.program = program;
    Ok((world(Some(settings), &surroundings)?, surroundings))
}

/// The life of a supervisor: everything it needs is in the sealed run file.
async fn run(operation: OperationId, state: &Path, surroundings: &Surroundings) -> Result<()> {
    let runs: Arc<dyn Runs> = Arc::new(FileRuns::new(state));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let file = RunFile::load(runs.as_ref(), operation).await?;
    let raw: Raw = serde_json::from_value(file.settings.clone())
        .map_err(|e| Error::internal("reading a run file", e))?;
    let config = Config::check(raw, &file.root, surroundings)?;
    let path: PathBuf = file.root.join(config::FILE);
    let pipeline = Pipeline::new(compose::world(config, &path, surroundings));
    supervise(&runs, &clock, &file, &pipeline).await
}
