//! The machine as it is: the state folder, and where providers come from. Reads only, and opens one connection at most.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{Access, access, statvfs};

use crate::error::{Error, ErrorCode, Result};
use crate::port::{Premises, StateFolder};

/// How long a registry may take to take a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// This machine.
#[derive(Debug)]
pub struct Machine {
    /// State folder.
    pub state: PathBuf,
    /// Folder with providers; given, nothing is downloaded.
    pub mirror: Option<PathBuf>,
    /// Whether the network is reached through a proxy.
    pub proxied: bool,
}

fn mode(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|about| about.permissions().mode() & 0o777)
}

#[async_trait]
impl Premises for Machine {
    async fn state_folder(&self) -> Result<StateFolder> {
        const DOING: &str = "looking at the state folder";
        // What counts before it is made is where it will be made.
        let ground = self.state.ancestors().find(|path| path.is_dir());
        let ground = ground.ok_or_else(|| Error::internal(DOING, "it is nowhere"))?;
        let room = statvfs(ground).map_err(|e| Error::internal(DOING, e))?;
        Ok(StateFolder {
            path: self.state.clone(),
            mode: mode(&self.state),
            writable: access(ground, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
            free: room.f_bavail.saturating_mul(room.f_frsize),
            key: mode(&self.state.join("key")),
        })
    }

    async fn providers(&self, tool: &str) -> Result<String> {
        let host = if tool == "tofu" { "registry.opentofu.org" } else { "registry.terraform.io" };
        let Some(mirror) = &self.mirror else {
            if self.proxied {
                return Ok(format!(
                    "from {host} through the configured proxy, which was not asked"
                ));
            }
            return reach(host, 443).await.map(|()| format!("from {host}, which can be reached"));
        };
        let place = mirror.display();
        if mirror.join(host).is_dir() {
            return Ok(format!("from the mirror {place} alone"));
        }
        Err(Error::new(
            ErrorCode::ToolMissing,
            format!("looking for providers: the mirror {place} has no folder {host}"),
        )
        .field("terraform.provider_mirror")
        .next("name a folder that `terraform providers mirror` filled, or leave the setting out"))
    }
}

/// Whether somebody takes a connection there.
async fn reach(host: &str, port: u16) -> Result<()> {
    let why =
        match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(cause)) => cause.to_string(),
            Err(_) => format!("no connection within {} s", PATIENCE.as_secs()),
        };
    Err(Error::new(
        ErrorCode::UpstreamFailed,
        format!("reaching {host}, where providers come from: {why}"),
    )
    .next("set terraform.provider_mirror in datamcp.toml to a folder with the providers, or mend the network; providers that are in the cache work without"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes what is looked at")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_that_is_not_there_yet_is_judged_by_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/b");
        let machine = Machine { state: state.clone(), mirror: None, proxied: true };
        let seen = machine.state_folder().await.unwrap();
        assert_eq!((seen.mode, seen.key, seen.writable), (None, None, true));
        assert!(seen.free > 0);
        std::fs::create_dir_all(&state).unwrap();
        std::fs::set_permissions(&state, PermissionsExt::from_mode(0o750)).unwrap();
        std::fs::write(state.join("key"), "").unwrap();
        std::fs::set_permissions(state.join("key"), PermissionsExt::from_mode(0o640)).unwrap();
        let seen = machine.state_folder().await.unwrap();
        assert_eq!((seen.mode, seen.key), (Some(0o750), Some(0o640)));
    }

    #[tokio::test]
    async fn a_mirror_is_for_the_registry_of_the_tool() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("registry.terraform.io")).unwrap();
        let mirror = Some(folder.path().to_path_buf());
        let machine = Machine { state: "/".into(), mirror, proxied: false };
        assert!(machine.providers("terraform").await.unwrap().contains("alone"));
        let missing = machine.providers("tofu").await.unwrap_err();
        assert_eq!(missing.field.as_deref(), Some("terraform.provider_mirror"));
    }

    #[tokio::test]
    async fn nobody_who_listens_is_said_at_once() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = reach("127.0.0.1", free).await.unwrap_err();
        assert!(error.message.contains("127.0.0.1") && error.next.is_some());
        let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        reach("127.0.0.1", open.local_addr().unwrap().port()).await.unwrap();
    }
}
