//! Releases on the real thing: real helm, a real API server, tokens that the cluster checks.

pub(crate) mod ageing;
pub(crate) mod child;
mod failures;
mod flaps;
mod known;
mod path;
pub(crate) mod project;
mod refusals;
mod shelf;
mod sources;
