//! datamcp in a Rust program: plan, show, have a person approve, apply exactly that, see the progress.
//!
//! A program walks the same straight path as the MCP server and the command line: settings from `datamcp.toml`, the same
//! policy, log, lock and plans, and a supervisor process for each operation, so that work survives the program. Nothing
//! here goes around a guard: a change runs only from a saved plan that was approved.
//!
//! ```no_run
//! use datamcp::embed::{Cloud, Options, Request, Status};
//!
//! # async fn example() -> Result<(), datamcp::embed::Error> {
//! let project = Options::named("portal").open("datamcp.toml").await?;
//!
//! // Plan. Nothing changes.
//! let change = Request::apply(Cloud::Aws, "dev").var("node_count", 3);
//! let planned = project.start(&change).await?.end().await?;
//! println!("{}", planned.plan_stdout.unwrap_or_default());
//! let plan = planned.plan_id.expect("a plan was computed");
//!
//! // Ask for it to be carried out: a person has to decide first.
//! let real = change.carry_out(plan);
//! let asked = project.start(&real).await?.end().await?;
//! assert_eq!(asked.status, Status::ApprovalRequired);
//! let approval = asked.approval.and_then(|need| need.id).expect("a request for a decision");
//!
//! // Show it to the person by a way of your own, and say what they typed and how you know that it was them.
//! let review = project.review(approval, "ops-lead").await?;
//! let typed = ask_by_chat(review.text(), review.word());
//! review.approve(&typed, "chat message 4711 of ops-lead, signed in by SSO").await?;
//!
//! // The same request again: exactly the plan that was reviewed, once.
//! let mut applying = project.start(&real).await?;
//! while let Some(progress) = applying.next().await {
//!     println!("{} ({}/{})", progress.message, progress.done, progress.total);
//! }
//! assert!(applying.end().await?.succeeded);
//! # Ok(())
//! # }
//! # fn ask_by_chat(_text: &str, word: &str) -> String { word.to_owned() }
//! ```
//!
//! # What runs where
//!
//! The program needs a Tokio runtime with I/O and time enabled. Each operation is supervised by the `datamcp` binary of the
//! same version: the first on `PATH`, or the one that [`Options::supervisor`] names. It has a session of its own; the
//! program may end at any time, and [`Project::follow`] takes an operation up again.
//!
//! # Approval by a way of your own
//!
//! The settings say which programs may bring a person's decision, as which operating system's user they run, and in which
//! tiers their word counts:
//!
//! ```toml
//! [programs.portal]
//! os_user = "portal"
//!
//! [people.ops-lead]
//!
//! [tiers.dev]
//! programs = ["portal"]
//! approvers = ["ops-lead"]
//! ```
//!
//! Left out, a program can bring none. Everything that a tier asks of a person at a terminal it asks here: approvers,
//! another one than the requester, the word that has to be typed, no second factor where one is wanted. The decision, the
//! person, the program and its statement are kept in the log before it counts.
//!
//! Such a decision is worth what the program's own way of asking is worth. **Never give a model a tool that leads to
//! [`Review::approve`].** The MCP server has none.

mod operation;
mod options;
mod project;
mod request;
mod review;

pub use operation::Operation;
pub use options::Options;
pub use project::Project;
pub use request::Request;
pub use review::Review;

#[doc(inline)]
pub use crate::approval::{ApprovalRecord, ApprovalState, Channel, Evidence};
#[doc(inline)]
pub use crate::error::{Error, ErrorCode, Result};
#[doc(inline)]
pub use crate::model::{
    Action, ApprovalId, Cloud, Digest, EnvironmentKey, OperationId, PlanId, Principal,
    ResourceChange, Status, Target,
};
#[doc(inline)]
pub use crate::operation::answer::ApprovalNeed;
#[doc(inline)]
pub use crate::operation::{ChangeAnswer, Summary};
#[doc(inline)]
pub use crate::run::Progress;
