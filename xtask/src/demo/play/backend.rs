//! The steps around the state's bucket and around what somebody changes by hand.

use anyhow::{Context, Result};

use super::{Play, target};
use crate::demo::expect;
use crate::report::Ticker;

impl Play {
    /// An account without even the bucket of the state, which the lab makes for its tests.
    pub(in crate::demo) fn empty_the_account(&self) -> Result<String> {
        self.lab.emulator().delete_bucket(&self.lab.aws.state_bucket)?;
        self.no_bucket()
    }

    pub(in crate::demo) fn no_bucket(&self) -> Result<String> {
        let now = self.lab.emulator().inventory()?;
        expect(now.buckets.is_empty(), "no bucket", || format!("{:?}", now.buckets))?;
        Ok("an empty account".to_owned())
    }

    pub(in crate::demo) fn bucket_is_there(&self) -> Result<String> {
        let (emulator, bucket) = (self.lab.emulator(), &self.lab.aws.state_bucket);
        let encryption = emulator.bucket_encryption(bucket)?;
        let encryption = encryption.with_context(|| format!("{bucket} is not encrypted"))?;
        Ok(format!("{bucket}, {encryption}"))
    }

    /// Somebody changes a role behind terraform's back.
    pub(in crate::demo) fn change_by_hand(&self) -> Result<String> {
        let emulator = self.lab.emulator();
        let now = emulator.inventory()?;
        let role = now.roles.iter().next().context("there is no role to change")?;
        let form =
            format!("Action=UpdateRole&Version=2010-05-08&RoleName={role}&Description=by-hand");
        emulator.call("iam", &form)?;
        Ok(format!("description of the role {role}"))
    }

    pub(in crate::demo) fn drift(&mut self, ticker: &Ticker) -> Result<String> {
        let answer = self.call("detect_drift", &target(), ticker)?;
        let found = answer.text_at("/summary/resources/0/address").unwrap_or_default().to_owned();
        expect(found.contains("role"), "the changed role", || answer.brief())?;
        Ok(found)
    }
}
