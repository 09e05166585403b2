//! The machine as it is: the state folder, where providers come from, credentials files. Reads only, and opens one
//! connection at most.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{Access, access, statvfs};

use crate::error::{Error, ErrorCode, Result};
use crate::port::{GoogleFile, Premises, StateFolder};

/// How long a registry may take to take a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Longest credentials file that is read.
const FILE_MAX: u64 = 64 * 1024;

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

    async fn google_file(&self, path: &Path) -> Result<GoogleFile> {
        let bad = |why: &str| {
            Error::invalid("state.credentials", path.to_string_lossy(), why)
                .next("name a credentials file of Google's")
        };
        let text = text(path).map_err(|e| bad(&format!("cannot be read: {e}")))?;
        // What is wrong with it is not quoted: it may hold a key.
        let file: Kind = serde_json::from_slice(&text)
            .map_err(|_| bad("is no credentials file, or longer than one"))?;
        // Whoever has a federation's file has no token yet.
        let secret = file.kind != "external_account";
        let key = file.kind == "service_account";
        Ok(GoogleFile {
            key_of: key.then(|| file.client_email.unwrap_or_default()),
            readable_by_others: secret && mode(path).is_some_and(|mode| mode & 0o077 != 0),
        })
    }
}

/// What is read of a credentials file; nothing that is secret.
#[derive(serde::Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
    client_email: Option<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "terraform reads it; whoever has it is looked at here"
)]
fn text(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(FILE_MAX).read_to_end(&mut text)?;
    Ok(text)
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
    async fn a_static_key_is_told_by_its_account_and_by_nothing_else_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine { state: "/".into(), mirror: None, proxied: false };
        let path = folder.path().join("file.json");
        let canary = "canary-2b6e";
        for (text, mode, told) in [
            (r#"{"type":"service_account","client_email":"a@b.c"}"#, 0o600, Some(("a@b.c", false))),
            (r#"{"type":"service_account","client_email":"a@b.c"}"#, 0o644, Some(("a@b.c", true))),
            (r#"{"type":"authorized_user"}"#, 0o600, None),
            (r#"{"type":"external_account"}"#, 0o644, None),
        ] {
            std::fs::write(&path, text.replace('}', &format!(r#","private_key":"{canary}"}}"#)))
                .unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let found = machine.google_file(&path).await.unwrap();
            let key = found.key_of.as_deref().map(|key| (key, found.readable_by_others));
            assert_eq!(key, told, "{text}");
            assert!(key.is_some() || !found.readable_by_others, "{text}");
            assert!(!format!("{found:?}").contains(canary));
        }
        std::fs::write(&path, canary).unwrap();
        let error = machine.google_file(&path).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some("state.credentials"));
        assert!(!format!("{error:?}").contains(canary));
        machine.google_file(&folder.path().join("gone")).await.unwrap_err();
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
