//! Asks for an account once, looks for a lost answer, follows the request to its end.

use std::time::Duration;

use serde_json::json;

use super::busy::rest_after;
use super::carry::Work;
use super::failure;
use super::look::{found_since, is_another, session};
use crate::error::{Error, ErrorCode, Result};
use crate::operation::patience::{Patience, stopped};
use crate::port::accounts::Progress;
use crate::port::{AccountOrder, Answered, Watch};

/// How long a lost answer is looked for.
const LOOKING: Duration = Duration::from_mins(1);
/// How long a request is followed.
const FOLLOWING: Duration = Duration::from_mins(30);
/// Longest rest between two looks at a request.
const BETWEEN: Duration = Duration::from_secs(10);
/// How often in a row a request may not be told.
const SILENT: usize = 10;

/// What came of asking.
enum Asked {
    /// The request's id.
    Request(String),
    /// The account is there already.
    Account(String),
}

impl Work<'_> {
    /// The account's id: made by a request of ours, or of one before us.
    pub(super) async fn account(&self) -> Result<String> {
        let asked = match (&self.sealed.account, &self.sealed.request) {
            (Some(account), _) => return Ok(account.clone()),
            (None, Some(request)) => {
                self.took(request).await?;
                Asked::Request(request.clone())
            }
            (None, None) => self.ask().await?,
        };
        match asked {
            Asked::Request(request) => {
                let account = self.follow(&request).await?;
                self.meant(&request, account).await
            }
            Asked::Account(account) => Ok(account),
        }
    }

    /// The account, unless it has another address: a lost request is found by its name, and names are not unique.
    async fn meant(&self, request: &str, account: String) -> Result<String> {
        let Self { scene, sealed, .. } = self;
        let (at, session) = (&scene.environment, session(scene));
        let all = scene.world.accounts.accounts(at, &session).await?;
        let found = all.iter().find(|known| known.id == account);
        match found.filter(|known| !known.email.eq_ignore_ascii_case(&sealed.wanted.email)) {
            None => Ok(account),
            Some(other) => {
                let doing = self.doing();
                let message =
                    format!("{doing}: request {request} made another account: {}", other.email);
                Err(Error::new(ErrorCode::UpstreamFailed, message)
                    .next("make the same call again: it looks for the account by its address"))
            }
        }
    }

    /// Notes the request's id before anything else is done: whoever comes after us goes on with it.
    async fn took(&self, request: &str) -> Result<()> {
        let email = &self.sealed.wanted.email;
        self.scene.journal.note("creation", json!({ "email": email, "request": request })).await
    }

    async fn ask(&self) -> Result<Asked> {
        let Self { permit, scene, sealed } = self;
        let (world, wanted) = (scene.world, &sealed.wanted);
        let order = AccountOrder {
            email: wanted.email.clone(),
            name: wanted.name.clone(),
            role: wanted.role.clone(),
            tags: wanted.tags.clone(),
        };
        let mut patience = Patience::new();
        loop {
            if scene.journal.stop_requested().await {
                return Err(stopped(scene));
            }
            permit.lease().check().await?;
            let since = world.clock.now();
            let call = json!({ "name": "create_account", "email": wanted.email });
            scene.journal.note("call", call).await?;
            let (at, session) = (&scene.environment, session(scene));
            match world.accounts.create(permit, at, &session, &order).await {
                Ok(Answered::Taken(creation)) => {
                    self.took(&creation.id).await?;
                    return Ok(Asked::Request(creation.id));
                }
                Ok(Answered::Lost(error)) => return self.look_up(error, since).await,
                Ok(Answered::Later { error, long }) => {
                    self.not_taken().await?;
                    rest_after(&mut patience, scene, error, long).await?;
                }
                Err(error) => {
                    self.not_taken().await?;
                    return Err(self.explained(error));
                }
            }
        }
    }

    async fn not_taken(&self) -> Result<()> {
        let email = &self.sealed.wanted.email;
        self.scene.journal.note("not_taken", json!({ "email": email })).await
    }

    /// The error of a call, told by its reason where AWS gave one.
    fn explained(&self, error: Error) -> Error {
        let reason = error.details.get("reason").and_then(|reason| reason.as_str());
        reason.map(|reason| failure::explain(&self.doing(), reason)).unwrap_or(error)
    }

    pub(super) fn doing(&self) -> String {
        let wanted = &self.sealed.wanted;
        let target = self.scene.environment.target();
        format!("making account {} <{}> in {target}", wanted.name, wanted.email)
    }

    /// Looks for what a call did whose answer was lost. It is never made again instead.
    async fn look_up(&self, lost: Error, since: jiff::Timestamp) -> Result<Asked> {
        let Self { scene, sealed, .. } = self;
        let (accounts, at, session) = (&scene.world.accounts, &scene.environment, session(scene));
        let mut patience = Patience::up_to(BETWEEN);
        loop {
            scene.journal.progress("the answer was lost: looking for the request", 0, 0).await;
            let email = &sealed.wanted.email;
            let all = accounts.accounts(at, &session).await.unwrap_or_default();
            if let Some(found) = all.iter().find(|a| a.email.eq_ignore_ascii_case(email)) {
                return Ok(Asked::Account(found.id.clone()));
            }
            let mut requests = accounts.creations(at, &session).await.unwrap_or_default();
            requests.retain(|creation| !is_another(creation, &all, email));
            if let Some(found) = found_since(&requests, &sealed.wanted.name, since) {
                self.took(&found.id).await?;
                return Ok(Asked::Request(found.id.clone()));
            }
            if patience.spent() >= LOOKING {
                let message = format!(
                    "{}: the answer was lost and no request is found: {}",
                    self.doing(),
                    lost.message
                );
                return Err(Error::new(ErrorCode::PartialApply, message).next(
                    "look at the organization's accounts; the same call again looks for the account first",
                ));
            }
            patience.rest(scene).await?;
        }
    }

    /// Follows a request until the account is there.
    async fn follow(&self, request: &str) -> Result<String> {
        let Self { scene, .. } = self;
        let (accounts, at, session) = (&scene.world.accounts, &scene.environment, session(scene));
        let mut patience = Patience::up_to(BETWEEN);
        let mut silent = 0;
        loop {
            match accounts.creation(at, &session, request).await {
                Ok(creation) => match creation.progress {
                    Progress::Made(account) => return Ok(account),
                    Progress::Failed(reason) => {
                        let doing = format!("{}: request {request}", self.doing());
                        return Err(failure::explain(&doing, &reason));
                    }
                    Progress::Going => silent = 0,
                },
                Err(error) => {
                    silent += 1;
                    // Who may not ask is not told later either.
                    if silent >= SILENT || error.code == ErrorCode::UpstreamDenied {
                        // The request goes on, whatever we can see of it.
                        let again = "make the same call again: it follows this request";
                        let next = error.next.clone().map_or_else(
                            || again.to_owned(),
                            |next| format!("{next}; then {again}"),
                        );
                        return Err(error.detail("request", request).next(next));
                    }
                }
            }
            let told = format!("request {request}: AWS is making the account");
            scene.journal.progress(&told, 0, 0).await;
            if patience.spent() >= FOLLOWING {
                let message = format!("{}: request {request} goes on", self.doing());
                return Err(Error::new(ErrorCode::TimedOut, message)
                    .detail("request", request)
                    .next("make the same call again: it follows this request"));
            }
            patience.rest(scene).await?;
        }
    }
}
