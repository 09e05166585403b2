//! The token of the HTTP server: a file that only its owner can read. Who can show it is that user.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{create_once, failed, make_folder};
use crate::clock::fresh_uuid;
use crate::error::{Error, Result};
use crate::secret::Secret;

const DOING: &str = "reading the token of the HTTP server";

/// The token of this state folder, and its file; made when there is none. Deleting the file makes a new one at the
/// next start.
pub async fn http_token(state: &Path) -> Result<(PathBuf, Secret)> {
    let state = state.to_path_buf();
    super::off(move || {
        let path = state.join("http.token");
        make_folder(DOING, &state)?;
        if !path.exists() {
            create_once(DOING, &path, format!("{}\n", fresh()).as_bytes())?;
        }
        let secret = read(&path)?;
        Ok((path, secret))
    })
    .await
}

/// 256 bits. A fresh id holds 74 random ones, so four of them hold more than enough.
fn fresh() -> String {
    let mut digest = Sha256::new();
    for _ in 0..4 {
        digest.update(fresh_uuid().as_bytes());
    }
    hex::encode(digest.finalize())
}

fn read(path: &Path) -> Result<Secret> {
    let mut file = std::fs::File::open(path).map_err(|e| failed(DOING, path, e))?;
    let found = file.metadata().map_err(|e| failed(DOING, path, e))?;
    let again = |error: Error| error.next(format!("delete {}: a new one is made", path.display()));
    if found.mode() & 0o077 != 0 {
        let mode = found.mode() & 0o777;
        return Err(again(failed(
            DOING,
            path,
            format!("its mode is {mode:03o}: others may read it"),
        )));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|e| failed(DOING, path, e))?;
    let token = text.trim();
    if token.len() < 64 {
        return Err(again(failed(DOING, path, "it is shorter than 64 characters")));
    }
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn security_2_the_token_is_kept_private_and_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let (path, token) = http_token(folder.path()).await.unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let (_, again) = http_token(folder.path()).await.unwrap();
        assert_eq!(token.expose(), again.expose());
        std::fs::remove_file(&path).unwrap();
        let (_, new) = http_token(folder.path()).await.unwrap();
        assert_ne!(token.expose(), new.expose());
    }

    #[tokio::test]
    async fn security_2_a_token_that_others_could_read_or_guess_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = http_token(folder.path()).await.unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = http_token(folder.path()).await.unwrap_err();
        assert!(error.message.contains("640"), "{error:?}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short\n").unwrap();
        http_token(folder.path()).await.unwrap_err();
    }
}
