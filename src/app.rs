//! Composition root: the only place that names concrete adapters. Nothing starts until it says so.

mod clouds;
mod compose;
mod init;
#[cfg(feature = "mcp")]
mod serve;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::adapter::file::FileRuns;
use crate::adapter::process::{desk, same_version};
use crate::cli;
use crate::cli::args::{Inner, Invoked};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config, ExecPlugin, Raw, Surroundings};
use crate::error::{Error, Result};
use crate::model::{EksAccess, GkeAccess, OperationId};
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
        Ok(Invoked::Outer(parsed)) => parsed,
        Ok(Invoked::Inner(inner)) => return carry_on(inner, &surroundings).await,
        Err(code) => return code,
    };
    if let cli::args::Command::Init(request) = &parsed.command {
        return cli::show("init", &parsed, init::run(request, &surroundings).await, &surroundings);
    }
    match world(parsed.config.as_deref(), &surroundings) {
        #[cfg(feature = "mcp")]
        Ok(world) if let cli::args::Command::Serve { http: Some(address) } = parsed.command => {
            match serve::over_http(world, address, parsed.json, &surroundings).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => cli::view::View::new(parsed.json, surroundings.no_color).fail(&error),
            }
        }
        Ok(world) => cli::dispatch(Arc::new(world), parsed, &surroundings).await,
        Err(error) => cli::without_settings(&parsed, error, &surroundings),
    }
}

/// What the program asked itself to do.
async fn carry_on(inner: Inner, surroundings: &Surroundings) -> ExitCode {
    match inner {
        Inner::Run { operation, state } => match run(operation, &state, surroundings).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => cli::view::fail(&error),
        },
        Inner::Credentials { folder, google: true } => {
            cli::view::say_or_fail(Ok(desk::ask_proof(&folder).await))
        }
        Inner::Credentials { folder, .. } => cli::view::say_or_fail(desk::ask(&folder).await),
        Inner::GkeToken { access, run } => {
            let made = gke_token(&access, run.as_deref(), surroundings).await;
            cli::view::say_or_fail(made)
        }
        Inner::EksToken(access) => cli::view::say_or_fail(eks_token(&access, surroundings).await),
    }
}

/// The world of a person's or server's invocation.
fn world(flag: Option<&Path>, surroundings: &Surroundings) -> Result<World> {
    let path = config::find(flag, surroundings)?;
    let config = config::load(&path, surroundings)?;
    Ok(compose::world(config, &path, surroundings))
}

/// What an exec plugin answers.
async fn eks_token(access: &EksAccess, surroundings: &Surroundings) -> Result<String> {
    let plugin = ExecPlugin::read()?;
    let made = clouds::eks_tokens(&plugin, surroundings, access).token(access).await?;
    Ok(cli::exec_credential::text(&plugin.api_version, &made.token, made.expires))
}

/// The same for GKE. A run of ours gives its token at its desk.
async fn gke_token(
    access: &GkeAccess,
    run: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<String> {
    let plugin = ExecPlugin::read()?;
    let made = match run {
        Some(folder) => desk::ask_token(folder).await?,
        None => clouds::google_tokens(&plugin, surroundings).token(access).await?,
    };
    Ok(cli::exec_credential::text(&plugin.api_version, &made.token, made.expires))
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
