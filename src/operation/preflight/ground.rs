//! Checks of what all environments share: settings, state folder, log, terraform and its providers, helm where there is
//! a cluster.

use super::{Check, Level, seen, within};
use crate::audit::verify::verify;
use crate::error::Result;
use crate::operation::World;
use crate::port::StateFolder;

const MIB: u64 = 1024 * 1024;
/// Below this a plan may not fit.
const LITTLE: u64 = 1024 * MIB;
/// Below this not even the log is sure to.
const NONE: u64 = 64 * MIB;
/// How long the log may take to be verified.
const LOG: u64 = 5;
/// How long terraform or helm may take to say its version.
const BINARY: u64 = 15;

/// All of them.
pub(super) async fn checks(world: &World) -> Vec<Check> {
    let mut checks = vec![settings(world)];
    match world.premises.state_folder().await {
        Ok(folder) => checks.extend(folder_checks(&folder)),
        Err(error) => checks.push(seen("state folder", Err(error))),
    }
    checks.push(log(world).await);
    checks.extend(terraform(world).await);
    if world.config.environments().any(|environment| environment.cluster.is_some()) {
        let version = within(BINARY, "asking helm for its version", world.releases.version());
        let mut helm = seen("helm", version.await);
        if helm.level == Level::Failed {
            // All but releases works without it.
            helm.level = Level::Warning;
        }
        checks.push(helm);
    }
    checks
}

fn settings(world: &World) -> Check {
    let count = world.config.environments().count();
    let text = format!(
        "{} is valid: project {}, {count} environment(s)",
        world.settings_path,
        world.config.raw().project
    );
    if count > 0 {
        return seen("settings", Ok(text));
    }
    Check::unwell(Level::Warning, "settings", text, "describe one under [environments.aws.NAME]")
}

fn folder_checks(folder: &StateFolder) -> Vec<Check> {
    let path = folder.path.display();
    let place = if !folder.writable {
        let text = format!("{path} cannot be written by this user");
        Check::unwell(Level::Failed, "state folder", text, "make it writable, or set store.state")
    } else if let Some(mode) = folder.mode.filter(|mode| mode & 0o077 != 0) {
        let text = format!("{path} has mode {mode:03o}: others can look into it");
        Check::unwell(Level::Warning, "state folder", text, format!("chmod 700 {path}"))
    } else if folder.mode.is_none() {
        seen("state folder", Ok(format!("{path} is not there yet: it is made when it is needed")))
    } else {
        seen("state folder", Ok(format!("{path}, private")))
    };
    let free = format!("{} MiB free at {path}", folder.free / MIB);
    let room = match folder.free {
        free_bytes if free_bytes >= LITTLE => seen("disk", Ok(free)),
        free_bytes => {
            let level = if free_bytes < NONE { Level::Failed } else { Level::Warning };
            Check::unwell(level, "disk", free, "make room, or set store.state to another disk")
        }
    };
    let key = match folder.key {
        None => seen("key", Ok("none yet: it is made when something is first sealed".into())),
        Some(mode) if mode & 0o077 != 0 => {
            let text = format!("{path}/key has mode {mode:03o}: others can read it");
            Check::unwell(Level::Failed, "key", text, format!("chmod 600 {path}/key"))
        }
        Some(mode) => seen("key", Ok(format!("there, mode {mode:03o}"))),
    };
    vec![place, room, key]
}

async fn log(world: &World) -> Check {
    const NAME: &str = "operations log";
    let report = match within(LOG, "verifying the log", verify(&world.log)).await {
        Ok(report) => report,
        Err(error) if error.code == crate::error::ErrorCode::TimedOut => {
            let text = format!("it is too long to be verified in {LOG} s");
            return Check::unwell(Level::Warning, NAME, text, "run `datamcp ops verify`");
        }
        Err(error) => return seen(NAME, Err(error)),
    };
    let Some(first) = report.faults.first() else {
        let text = format!("{} events in {} chains, verified", report.events, report.chains);
        return seen(NAME, Ok(text));
    };
    let text = format!(
        "{} fault(s), the first in chain {} at {}: {}",
        report.faults.len(),
        first.chain,
        first.seq,
        first.what
    );
    let fix = "`datamcp ops verify` lists them; find out who changed the log before anything else is done";
    Check::unwell(Level::Failed, NAME, text, fix)
}

async fn terraform(world: &World) -> Vec<Check> {
    let found =
        within(BINARY, "asking terraform for its version", world.provisioner.version()).await;
    let name = found.as_ref().map_or("terraform".to_owned(), |version| version.name.clone());
    let binary = found.map(|v| format!("{} {} at {}", v.name, v.version, v.path.display()));
    vec![seen("terraform", binary), providers(world.premises.providers(&name).await)]
}

/// What cannot be reached now may be in the cache: that alone is no reason to stop.
fn providers(found: Result<String>) -> Check {
    let check = seen("providers", found);
    match check.level {
        Level::Failed if check.seen.starts_with("reaching") => {
            Check { level: Level::Warning, ..check }
        }
        _ => check,
    }
}
