//! Safe hands for AI agents, programs and people on AWS, GCP, Kubernetes and Argo CD.
//!
//! **The public interface is [`embed`]**: what a Rust program needs to plan a change, show it, have a person approve it by a
//! way of its own, apply exactly that, and see the progress. Start there.
//!
//! All other modules are how the `datamcp` binary and its tests are built. They are hidden from these pages and change
//! without notice; `ARCHITECTURE.md` draws them: `model` nouns · `policy` who may · `approval`, `lock`, `audit` proofs ·
//! `permit` all proofs for one change · `port` what we ask of the world.

pub mod embed;

#[doc(hidden)]
pub mod adapter;
#[doc(hidden)]
pub mod app;
#[doc(hidden)]
pub mod approval;
#[doc(hidden)]
pub mod audit;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod exec;
#[doc(hidden)]
pub mod lock;
#[cfg(feature = "mcp")]
#[doc(hidden)]
pub mod mcp;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod operation;
#[doc(hidden)]
pub mod permit;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod port;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod scaffold;
#[doc(hidden)]
pub mod secret;
#[doc(hidden)]
pub mod telemetry;
