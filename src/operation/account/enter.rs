//! What is done in the account itself, by the role that AWS made there: contacts, default VPCs, a state bucket.

use std::time::Duration;

use super::carry::Work;
use super::look::{Inside, session};
use super::request::Wanted;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Backend, Environment};
use crate::operation::Scene;
use crate::operation::organization::Tally;
use crate::operation::patience::Patience;
use crate::port::Watch;

/// How long a new account's role is waited for: it takes minutes.
const ASSUMABLE: Duration = Duration::from_mins(15);
/// Longest rest between two tries.
const BETWEEN: Duration = Duration::from_secs(15);
/// Where the state of a new account's first environment lies in its bucket.
const KEY: &str = "terraform.tfstate";

/// The account, reached by its role.
fn member(scene: &Scene<'_>, wanted: &Wanted, account: &str) -> Environment {
    let region = scene.environment.region.clone();
    let backend = Backend::S3 {
        bucket: wanted.state_bucket.clone().unwrap_or_default(),
        key: KEY.to_owned(),
        region,
        lock_table: None,
        kms_key: None,
    };
    scene.environment.member(account, &wanted.role, backend)
}

/// Looks at what is there of what is wanted, and at nothing else.
pub(super) async fn look(scene: &Scene<'_>, wanted: &Wanted, account: &str) -> Result<Inside> {
    let mut inside = Inside::default();
    if !wanted.enters() {
        return Ok(inside);
    }
    let (world, session) = (scene.world, session(scene));
    let member = member(scene, wanted, account);
    for kind in wanted.contacts.keys() {
        let found = world.member_account.contact(&member, &session, kind).await?;
        inside.contacts.extend(found.map(|contact| (kind.clone(), contact)));
    }
    if wanted.close_default_vpcs {
        inside.default_vpcs = world.member_account.default_vpcs(&member, &session).await?;
    }
    if wanted.state_bucket.is_some() {
        inside.state_bucket = world.state_backend.observe(&member, &session).await?.settings;
    }
    Ok(inside)
}

impl Work<'_> {
    pub(super) async fn furnish(&self, account: &str, tally: &mut Tally) -> Result<()> {
        let Self { scene, sealed, .. } = self;
        let wanted = &sealed.wanted;
        let member = member(scene, wanted, account);
        self.assumable(&member).await?;
        let inside = look(scene, wanted, account).await?;
        self.contacts(&member, &inside, tally).await?;
        for (region, vpc) in &inside.default_vpcs {
            let name = format!("default_vpc_{region}");
            self.step(&name).await?;
            let (world, session) = (scene.world, session(scene));
            let entered = &world.member_account;
            entered.delete_default_vpc(self.permit, &member, &session, region, vpc).await?;
            tally.done.push(name);
        }
        for setting in inside.state_bucket.iter().filter(|setting| setting.action.is_some()) {
            self.step(&setting.name).await?;
            let session = session(scene);
            let backend = &scene.world.state_backend;
            backend.set(self.permit, &member, &session, &setting.name).await?;
            tally.done.push(format!("state bucket: {}", setting.name));
        }
        Ok(())
    }

    async fn contacts(
        &self,
        member: &Environment,
        inside: &Inside,
        tally: &mut Tally,
    ) -> Result<()> {
        for (kind, contact) in &self.sealed.wanted.contacts {
            if inside.contacts.get(kind) == Some(contact) {
                continue;
            }
            let name = format!("contact_{kind}");
            self.step(&name).await?;
            let session = session(self.scene);
            let entered = &self.scene.world.member_account;
            entered.set_contact(self.permit, member, &session, kind, contact).await?;
            tally.done.push(name);
        }
        Ok(())
    }

    /// Whether it was there for so long, when the plan was made, that its role is there too, or was taken away.
    fn is_of_age(&self) -> bool {
        let now = self.scene.world.clock.now();
        let age = self.sealed.joined.map(|joined| now.duration_since(joined));
        age.is_some_and(|age| age.unsigned_abs() >= ASSUMABLE && age.is_positive())
    }

    /// Waits until the role can be assumed, and leads into the account that is meant.
    async fn assumable(&self, member: &Environment) -> Result<()> {
        let Self { scene, .. } = self;
        let mut patience = Patience::up_to(BETWEEN);
        let role = member.member_role.as_deref().unwrap_or_default();
        loop {
            let error = match scene.world.identity.caller(member, &session(scene)).await {
                Ok(caller) if caller.account == member.account => return Ok(()),
                Ok(caller) => {
                    let message = format!("{role} leads into account {}", caller.account);
                    return Err(Error::new(ErrorCode::WrongIdentity, message)
                        .given(caller.account)
                        .allowed(&member.account));
                }
                Err(error) => error,
            };
            if self.is_of_age() || patience.spent() >= ASSUMABLE {
                return Err(error.detail("role", role));
            }
            let told = format!("waiting until {role} can be assumed");
            scene.journal.progress(&told, 0, 0).await;
            patience.rest(scene).await?;
        }
    }
}
