//! An account of AWS, as the emulator shows it by AWS's own calls.

use anyhow::{Context, Result, bail};

use super::Ground;
use crate::demo::expect;
use crate::lab::{Aws as Account, Emulator, Inventory, Lab};

/// An account that holds nothing but the bucket of the state.
#[derive(Debug)]
pub(in crate::demo::play) struct Aws {
    account: Account,
    before: Inventory,
}

impl Aws {
    /// The lab's account; one in use is refused.
    pub(in crate::demo::play) fn of(lab: &Lab) -> Result<Self> {
        let account = lab.aws.clone();
        let before = lab.emulator().inventory()?;
        let expected = [account.state_bucket.clone()];
        let bucket_alone = Inventory { buckets: before.buckets.clone(), ..Inventory::default() };
        if !before.buckets.iter().eq(expected.iter()) || !before.beyond(&bucket_alone).is_empty() {
            bail!("the lab is in use: it holds {before:?}. `cargo xtask lab down` empties it");
        }
        Ok(Self { account, before })
    }

    fn emulator(&self) -> Emulator {
        Emulator::new(&self.account)
    }
}

impl Ground for Aws {
    fn target(&self) -> (&'static str, &'static str) {
        ("aws", "dev")
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", self.account.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.account.secret_access_key.clone()),
        ]
    }

    fn empty(&self) -> Result<String> {
        self.emulator().delete_bucket(&self.account.state_bucket)?;
        self.no_bucket()
    }

    fn no_bucket(&self) -> Result<String> {
        let now = self.emulator().inventory()?;
        expect(now.buckets.is_empty(), "no bucket", || format!("{:?}", now.buckets))?;
        Ok("an empty account".to_owned())
    }

    fn bucket_is_there(&self) -> Result<String> {
        let bucket = &self.account.state_bucket;
        let encryption = self.emulator().bucket_encryption(bucket)?;
        let encryption = encryption.with_context(|| format!("{bucket} is not encrypted"))?;
        Ok(format!("{bucket}, {encryption}"))
    }

    fn nothing_was_made(&self) -> Result<String> {
        let made = self.emulator().inventory()?.beyond(&self.before);
        expect(made.is_empty(), "nothing beside the state bucket", || made.join(", "))?;
        Ok("nothing beside the state bucket".to_owned())
    }

    fn it_is_there(&self) -> Result<String> {
        let emulator = self.emulator();
        let now = emulator.inventory()?;
        let buckets: Vec<&String> = now.buckets.difference(&self.before.buckets).collect();
        let found = [
            ("a VPC", now.vpcs.len()),
            ("subnets", now.subnets.len()),
            ("a bucket", buckets.len()),
            ("a role", now.roles.len()),
            ("a cluster", now.clusters.len()),
            ("a node group", now.node_groups.len()),
            ("an OIDC provider", now.oidc_providers.len()),
        ];
        for (what, number) in found {
            expect(number > 0, what, || format!("{now:?}"))?;
        }
        for bucket in &buckets {
            let encryption = emulator.bucket_encryption(bucket)?;
            expect(encryption.is_some(), &format!("encryption of {bucket}"), || "none".to_owned())?;
        }
        Ok(format!(
            "{} VPC, {} subnets, {} cluster, {} node group, {} OIDC providers, {} roles, {} encrypted bucket(s)",
            now.vpcs.len(),
            now.subnets.len(),
            now.clusters.len(),
            now.node_groups.len(),
            now.oidc_providers.len(),
            now.roles.len(),
            buckets.len(),
        ))
    }

    fn change_by_hand(&self) -> Result<(&'static str, String)> {
        let emulator = self.emulator();
        let now = emulator.inventory()?;
        let role = now.roles.iter().next().context("there is no role to change")?;
        let form =
            format!("Action=UpdateRole&Version=2010-05-08&RoleName={role}&Description=by-hand");
        emulator.call("iam", &form)?;
        Ok(("role", format!("description of the role {role}")))
    }
}
