//! A request for a decision, open in front of a person.

use jiff::Timestamp;

use crate::error::Result;
use crate::operation::World;
use crate::operation::desk::Decider;
use crate::operation::desk::approve::{self, Prompt};

/// A request for a decision, open in front of one person. What they decide counts for exactly the plan that it shows, once,
/// until it expires.
pub struct Review {
    pub(super) world: World,
    pub(super) decider: Decider,
    pub(super) prompt: Prompt,
}

impl std::fmt::Debug for Review {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Review").field("approval", &self.prompt.record.id).finish_non_exhaustive()
    }
}

impl Review {
    /// What the person has to see: who asked, for what, each resource, and why a person is asked. Computed from the plan,
    /// redacted; no model wrote any of it. Show all of it.
    pub fn text(&self) -> &str {
        &self.prompt.record.text
    }

    /// The whole plan, redacted: for a person who wants to read more.
    pub async fn whole_plan(&self) -> Result<String> {
        approve::whole_plan(&self.world, &self.prompt).await
    }

    /// What the person has to type to agree: `yes`, or the environment's name where more is at stake. Have it typed; do not
    /// type it for them.
    pub fn word(&self) -> &str {
        &self.prompt.word
    }

    /// What such a decision is worth, said plainly.
    pub fn worth(&self) -> &str {
        &self.prompt.worth
    }

    /// After this moment the decision counts no more.
    pub fn expires(&self) -> Timestamp {
        self.prompt.record.expires
    }

    /// The person agreed, by typing this. `statement` says how the program knows that it was them (a signed-in session, a
    /// ticket, a message): it is kept in the log with the decision.
    pub async fn approve(self, typed: &str, statement: &str) -> Result<()> {
        self.decide(typed, statement, true).await
    }

    /// The person refused. The plan cannot be approved any more.
    pub async fn reject(self, statement: &str) -> Result<()> {
        self.decide("", statement, false).await
    }

    async fn decide(self, typed: &str, statement: &str, grant: bool) -> Result<()> {
        let decider = self.decider.stating(statement)?;
        approve::decide(&self.world, &decider, &self.prompt, typed, grant).await
    }
}
