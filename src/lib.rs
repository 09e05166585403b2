//! Safe hands for AI agents, programs and people on AWS, GCP, Kubernetes and Argo CD.
//!
//! The map: [`model`] nouns · [`policy`] who may · [`approval`], [`lock`], [`audit`] proofs · [`permit`] all proofs for
//! one change · [`port`] what we ask of the world. `ARCHITECTURE.md` draws it.

pub mod adapter;
pub mod app;
pub mod approval;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod exec;
pub mod lock;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod model;
pub mod operation;
pub mod permit;
pub mod policy;
pub mod port;
pub mod run;
pub mod secret;
pub mod telemetry;
