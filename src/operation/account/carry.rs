//! Carries a plan of an account out, and tells how it ended.

use serde_json::{Map, json};

use super::busy::rest_after;
use super::look::session;
use super::plan::Sealed;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Outcome, PlanRecord};
use crate::operation::organization::{self, Tally};
use crate::operation::patience::{Patience, stopped};
use crate::operation::{Done, Scene};
use crate::permit::Permit;
use crate::port::{Answered, Watch};

/// What is carried out, and where.
pub(super) struct Work<'w> {
    pub(super) permit: &'w Permit,
    pub(super) scene: &'w Scene<'w>,
    pub(super) sealed: &'w Sealed,
}

pub(super) async fn carry_out(
    permit: &Permit,
    scene: &Scene<'_>,
    record: &PlanRecord,
    file: &[u8],
) -> Done {
    let mut tally = Tally::default();
    let ended = run(permit, scene, file, &mut tally).await;
    let outcome = match &ended {
        Ok(()) => Outcome::Succeeded,
        Err(error) if tally.there => partial(error),
        Err(error) => match error.code {
            // A request that goes on, or a call that nobody knows the end of.
            ErrorCode::TimedOut | ErrorCode::PartialApply => Outcome::Partial,
            ErrorCode::Cancelled => Outcome::Cancelled,
            _ if error.details.contains_key("request") => Outcome::Partial,
            _ => Outcome::Failed,
        },
    };
    organization::ended(scene, record, tally, (ended, outcome)).await
}

fn partial(error: &Error) -> Outcome {
    if error.code == ErrorCode::Cancelled { Outcome::Cancelled } else { Outcome::Partial }
}

async fn run(permit: &Permit, scene: &Scene<'_>, file: &[u8], tally: &mut Tally) -> Result<()> {
    let sealed = &Sealed::open(file)?;
    let work = Work { permit, scene, sealed };
    let email = &sealed.wanted.email;
    scene.journal.note("intent", json!({ "account": email })).await?;
    let account = work.account().await?;
    tally.there = true;
    if sealed.account.is_none() {
        tally.done.push("account".into());
        scene.journal.note("made", json!({ "account": account })).await?;
    }
    tally.details = Map::from_iter([
        ("account_id".to_owned(), json!(account)),
        ("ou".to_owned(), json!(sealed.unit)),
        (
            "access_role".to_owned(),
            json!(format!("arn:aws:iam::{account}:role/{}", sealed.wanted.role)),
        ),
    ]);
    work.place(&account, tally).await?;
    work.tag(&account, tally).await?;
    if sealed.wanted.enters() {
        work.furnish(&account, tally).await?;
    }
    Ok(())
}

impl Work<'_> {
    /// Before every step: nobody wants it to stop, and the lease is still ours.
    pub(super) async fn step(&self, name: &str) -> Result<()> {
        if self.scene.journal.stop_requested().await {
            return Err(stopped(self.scene));
        }
        self.permit.lease().check().await?;
        self.scene.journal.progress(&format!("{}: {name}", self.doing()), 0, 0).await;
        self.scene.journal.note("call", json!({ "name": name })).await
    }

    /// Moves it to where it is to be. Where it is, is asked anew before each call: a lost answer is found that way.
    async fn place(&self, account: &str, tally: &mut Tally) -> Result<()> {
        let Self { permit, scene, sealed } = self;
        let (accounts, at, session) = (&scene.world.accounts, &scene.environment, session(scene));
        let mut patience = Patience::new();
        let mut moved = false;
        loop {
            let parent = accounts.parent(at, &session, account).await?;
            if parent == sealed.unit {
                if moved {
                    tally.done.push("place".into());
                }
                return Ok(());
            }
            self.step("place").await?;
            moved = true;
            let way = (parent.as_str(), sealed.unit.as_str());
            match accounts.place(permit, at, &session, account, way).await? {
                Answered::Taken(()) => {}
                Answered::Later { error, long } => {
                    rest_after(&mut patience, scene, error, long).await?;
                }
                Answered::Lost(error) => rest_after(&mut patience, scene, error, false).await?,
            }
        }
    }

    /// Gives one that was there already its tags; a new one was made with them.
    async fn tag(&self, account: &str, tally: &mut Tally) -> Result<()> {
        let Self { permit, scene, sealed } = self;
        let (accounts, at, session) = (&scene.world.accounts, &scene.environment, session(scene));
        let wanted = &sealed.wanted.tags;
        if wanted.is_empty() {
            return Ok(());
        }
        let found = accounts.tags(at, &session, account).await?;
        if wanted.iter().all(|(key, value)| found.get(key) == Some(value)) {
            return Ok(());
        }
        let mut patience = Patience::new();
        loop {
            self.step("tags").await?;
            match accounts.tag(permit, at, &session, account, wanted).await? {
                Answered::Taken(()) => break,
                Answered::Later { error, long } => {
                    rest_after(&mut patience, scene, error, long).await?;
                }
                Answered::Lost(error) => rest_after(&mut patience, scene, error, false).await?,
            }
        }
        tally.done.push("tags".into());
        Ok(())
    }
}
