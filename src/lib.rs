//! Safe hands for AI agents, programs and people on AWS, GCP, Kubernetes and Argo CD.
//!
//! The map: [`model`] nouns · [`policy`] who may · [`approval`], [`lock`], [`audit`] proofs · [`permit`] all proofs for
//! one change · [`port`] what we ask of the world. `ARCHITECTURE.md` draws it.

pub mod adapter;
pub mod approval;
pub mod audit;
pub mod clock;
pub mod error;
pub mod exec;
pub mod lock;
pub mod model;
pub mod permit;
pub mod policy;
pub mod port;
pub mod secret;
