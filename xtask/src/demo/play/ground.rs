//! The cloud that a demo is played in, looked at from outside: whether what the server says is true. Never through the server.

mod aws;
mod google;

use anyhow::Result;

pub(super) use self::aws::Aws;
pub(super) use self::google::Google;

/// One cloud of the lab. What does not hold is an error that says what was expected.
pub(in crate::demo) trait Ground {
    /// Its word in requests, and the environment's name.
    fn target(&self) -> (&'static str, &'static str);

    /// What the server finds set beside what everybody has.
    fn variables(&self) -> Vec<(&'static str, String)>;

    /// Takes away even the bucket of the state, where the lab makes one for its tests.
    fn empty(&self) -> Result<String>;

    fn no_bucket(&self) -> Result<String>;

    fn bucket_is_there(&self) -> Result<String>;

    fn nothing_was_made(&self) -> Result<String>;

    fn it_is_there(&self) -> Result<String>;

    /// Somebody changes something behind terraform's back; what a drift has to name, and in words what it was.
    fn change_by_hand(&self) -> Result<(&'static str, String)>;
}
