//! Stand-ins for other people's servers, from stub mappings in WireMock's form: the ones of `fixtures/`, or such as a test
//! writes itself.
//!
//! Strict where a stand-in easily lies: a field that is not known is refused when a mapping is read; a request without a
//! mapping, a mapping that nobody asked for, and an exchange that the descriptions of Google or Argo CD do not allow each
//! fail the test that holds the stand-in, when it lets go of it.

mod body;
mod described;
mod exchange;
mod mapping;
mod matching;
mod set;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;

pub use described::{unlike_argocd, unlike_google};
pub use exchange::Exchange;
pub use mapping::Mapping;
pub use set::{Set, named, sets};
pub use wire::{Answer, Asked, Fault, Server};

/// The folder of all mappings.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// A server that answers by mappings. Dropped, it fails a test that was not as its mappings say.
#[derive(Debug)]
pub struct Stubs {
    server: Server,
    set: Arc<Mutex<Set>>,
}

impl Stubs {
    /// Answers by these mappings: files or folders of `fixtures/`, without `.json`. Each mapping has to be asked for,
    /// unless its name ends in `?` here.
    pub fn start<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        let set = Arc::<Mutex<Set>>::default();
        let shared = Arc::clone(&set);
        let server = Server::start(move |asked| {
            shared.lock().unwrap_or_else(PoisonError::into_inner).answer(asked)
        })
        .context("starting a stand-in")?;
        let stubs = Self { server, set };
        names.iter().try_for_each(|name| stubs.play(name.as_ref()))?;
        Ok(stubs)
    }

    /// From now on these mappings, too, go before those there were; named as at the start.
    pub fn play(&self, name: &str) -> Result<()> {
        let (name, wanted) = match name.strip_suffix('?') {
            Some(name) => (name, false),
            None => (name, true),
        };
        for (path, mapping) in named(&root(), name)? {
            self.locked().add(&path, mapping, wanted);
        }
        Ok(())
    }

    /// From now on this mapping, written by the test itself, goes before those there were.
    #[expect(clippy::needless_pass_by_value, reason = "it is written where it is given")]
    pub fn add(&self, mapping: Value) -> Result<()> {
        let name = mapping.to_string();
        let mapping = Mapping::read(&mapping)?;
        self.locked().add(&name, mapping, false);
        Ok(())
    }

    /// Brings a scenario into a state.
    pub fn bring(&self, scenario: &str, state: &str) {
        self.locked().bring(scenario, state);
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Everything that it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// What was not as the mappings say, so far; what is asked later may still mend it.
    pub fn wrong(&self) -> Vec<String> {
        self.locked().wrong()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stubs {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let wrong = self.wrong();
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests;
