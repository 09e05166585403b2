//! Sealing: what holds secrets lies on disk encrypted (age, X25519) with a key of the state folder. It keeps a backup or
//! a copied file from telling; it does not keep anything from somebody who can read the key.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use age::x25519::Identity;
use secrecy::ExposeSecret;

use super::{create_once, failed, make_folder};
use crate::error::{Error, Result};

const DOING: &str = "reading the key that seals";

/// Encrypts and decrypts with `key` of the state folder, in age's own format (`age -d -i key FILE` opens a file).
pub struct Seal {
    path: PathBuf,
    identity: OnceLock<Identity>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Seal {
    /// A seal with the key of this state folder. Touches nothing yet; the key is made when something is first sealed.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self { path: state.into().join("key"), identity: OnceLock::new() }
    }

    /// The bytes, encrypted and authenticated.
    pub fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let identity = match self.known()? {
            Some(identity) => identity,
            None => self.make()?,
        };
        age::encrypt(&identity.to_public(), bytes).map_err(|e| Error::internal("sealing", e))
    }

    /// The bytes that were sealed. Anything else, one bit of it included, is an error.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let identity = self.known()?.ok_or_else(|| {
            failed(DOING, &self.path, "there is none").next("put the state folder's key back")
        })?;
        age::decrypt(identity, sealed)
            .map_err(|e| Error::internal("opening what was sealed", e.to_string().to_lowercase()))
    }

    fn known(&self) -> Result<Option<&Identity>> {
        if let Some(identity) = self.identity.get() {
            return Ok(Some(identity));
        }
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(DOING, &self.path, e)),
        };
        let mode = file.metadata().map_err(|e| failed(DOING, &self.path, e))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(failed(
                DOING,
                &self.path,
                format!("its mode is {mode:03o}, so other users may read or change it"),
            )
            .next(format!(
                "make sure that nobody copied it, then run `chmod 600 {}`",
                self.path.display()
            )));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|e| failed(DOING, &self.path, e))?;
        let identity = text
            .lines()
            .find(|line| line.starts_with("AGE-SECRET-KEY-"))
            .and_then(|line| line.trim().parse().ok())
            .ok_or_else(|| failed(DOING, &self.path, "it holds no age identity"))?;
        Ok(Some(self.identity.get_or_init(|| identity)))
    }

    /// Makes the key. Of several processes that try, one makes it and all use that one.
    fn make(&self) -> Result<&Identity> {
        const MAKING: &str = "making the key that seals";
        if let Some(folder) = self.path.parent() {
            make_folder(MAKING, folder)?;
        }
        let fresh = Identity::generate();
        let text =
            format!("# public key: {}\n{}\n", fresh.to_public(), fresh.to_string().expose_secret());
        create_once(MAKING, &self.path, text.as_bytes())?;
        self.known()?.ok_or_else(|| failed(MAKING, &self.path, "it vanished"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_sealed_opens_and_tells_nothing() {
        let state = tempfile::tempdir().unwrap();
        let seal = Seal::new(state.path().join("state"));
        let sealed = seal.seal(b"the canary sings").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"canary"));
        assert_eq!(seal.open(&sealed).unwrap(), b"the canary sings");
        let again = Seal::new(state.path().join("state"));
        assert_eq!(again.open(&sealed).unwrap(), b"the canary sings");
        let mode = state.path().join("state/key").metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn fault_37_any_flipped_byte_shows() {
        let state = tempfile::tempdir().unwrap();
        let seal = Seal::new(state.path());
        let sealed = seal.seal(&[7; 300]).unwrap();
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(seal.open(&bad).is_err(), "byte {at} of {}", sealed.len());
        }
        assert!(seal.open(&sealed[..sealed.len() - 1]).is_err());
        assert!(seal.open(b"").is_err());
    }

    #[test]
    fn of_several_that_make_the_key_at_once_one_does() {
        let state = tempfile::tempdir().unwrap();
        let start = Arc::new(std::sync::Barrier::new(16));
        let sealed: Vec<Vec<u8>> = (0..16)
            .map(|_| {
                let (start, path) = (Arc::clone(&start), state.path().to_owned());
                std::thread::spawn(move || {
                    let seal = Seal::new(path);
                    start.wait();
                    seal.seal(b"x").unwrap()
                })
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect();
        let seal = Seal::new(state.path());
        for one in sealed {
            assert_eq!(seal.open(&one).unwrap(), b"x");
        }
        assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let sealed = Seal::new(state.path()).seal(b"x").unwrap();
        let key = state.path().join("key");
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = Seal::new(state.path()).open(&sealed).unwrap_err();
            assert!(error.message.contains("other users"), "{}", error.message);
            assert!(error.next.unwrap().contains("chmod 600"));
            assert!(Seal::new(state.path()).seal(b"x").is_err());
        }
    }

    #[test]
    fn opening_makes_no_key() {
        let state = tempfile::tempdir().unwrap();
        let error = Seal::new(state.path()).open(b"x").unwrap_err();
        assert!(error.message.contains("there is none"), "{}", error.message);
        assert!(!state.path().join("key").exists());
    }
}
